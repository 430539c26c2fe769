"""Read examples that name no function: `[1, 2] -> 3` below a heading, and tables with a column for each parameter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agent.program.examples.docstrings import Signature
from agent.program.examples.equations import SIGN
from agent.program.examples.notation import read_value, take_literal, take_value
from agent.program.examples.page import Page, ShownExample

_COMMA = re.compile(r"\s*,\s*")
_THEN = re.compile(rf"\s*{SIGN}\s*")
_ANY_SIGN = re.compile(SIGN)
_RULER = re.compile(r"^[|+:=\s-]*[=-]{2,}[|+:=\s-]*$")
_GAP = re.compile(r"\s{2,}|\t")
_RESULTS = {"result", "output", "return", "returns", "expected", "value", "answer", "return value", "expected output"}


def read_pairs(page: Page, signature: Signature) -> Iterator[ShownExample]:
    """Yield the examples of lines below a heading that show arguments, an arrow and the value."""
    for number, line in enumerate(page.lines):
        if not page.under_heading[number] or len(_ANY_SIGN.findall(line)) != 1:
            continue
        arguments, end = _take_arguments(line)
        sign = _THEN.match(line, end)
        if not arguments or sign is None:
            continue
        call = _apply(signature, arguments)
        value = take_value(line, sign.end())
        if call and value:
            yield ShownExample(number, number, line, call, value.tree, loose=value.loose, named=False)
        else:
            yield ShownExample(number, number, line)


def _take_arguments(line: str) -> tuple[list[ast.expr], int]:
    arguments, at = list[ast.expr](), 0
    while value := take_literal(line, at):
        arguments.append(value.tree)
        at = value.end
        if not (comma := _COMMA.match(line, at)):
            break
        at = comma.end()
    return arguments, at


def _apply(signature: Signature, arguments: list[ast.expr]) -> ast.Call | None:
    """Return the call with these arguments, or with those of the one tuple that they are."""
    count = len(signature.parameters)
    if len(arguments) == 1 and count > 1 and isinstance(arguments[0], ast.Tuple):
        arguments = arguments[0].elts
    exact = count == len(arguments) and not signature.open_ended
    return ast.Call(ast.Name(signature.name, ast.Load()), arguments, []) if exact else None


def read_tables(page: Page, signature: Signature) -> Iterator[ShownExample]:
    """Yield the examples of tables whose head names each parameter, and the result."""
    number = 0
    while number < len(page.lines):
        columns = _read_head(page.lines[number], signature)
        number += 1
        while columns and number < len(page.lines) and page.lines[number]:
            line = page.lines[number]
            if not _RULER.match(line):
                yield _read_row(number, line, columns, signature)
            number += 1


def _read_head(line: str, signature: Signature) -> list[str]:
    """Return the parameters that the columns of a table show, with an empty name for the result; or nothing."""
    cells = [cell.casefold() for cell in _split_cells(line)]
    folded = {name.casefold(): name for name in signature.parameters}
    if len(folded) == 1 and "input" in cells:
        folded["input"] = signature.parameters[0]
    name = signature.name.casefold()
    others = [cell for cell in cells if cell not in folded]
    calls = len(others) == 1 and (others[0] in _RESULTS or re.fullmatch(rf"{name}(\(.*\))?", others[0]) is not None)
    columns = [folded.get(cell, "") for cell in cells]
    return columns if calls and {*columns} == {*signature.parameters, ""} and len(columns) > 1 else []


def _split_cells(line: str) -> list[str]:
    cells = line.strip("|").split("|") if "|" in line else _GAP.split(line)
    return [cell.strip() for cell in cells]


def _read_row(number: int, line: str, columns: list[str], signature: Signature) -> ShownExample:
    cells = [read_value(cell) for cell in _split_cells(line)]
    values = dict(zip(columns, cells, strict=False))
    arguments = [value for name in signature.parameters if (value := values.get(name))]
    wanted = values.get("")
    if len(cells) != len(columns) or len(arguments) != len(columns) - 1 or wanted is None:
        return ShownExample(number, number, line)
    call = ast.Call(ast.Name(signature.name, ast.Load()), arguments, [])
    return ShownExample(number, number, line, call, wanted, named=False)
