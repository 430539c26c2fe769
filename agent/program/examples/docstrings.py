"""Find what a prompt defines, and its docstrings with the function that each describes. Reads no example."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.program.syntax import find_bound_names, parse

_RECORDS = {"dataclass", "NamedTuple", "Enum"}
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_QUOTES = re.compile(r"""^[a-zA-Z]*("{3}|'{3}|"|')(.*)\1$""", re.DOTALL)


class Definitions(NamedTuple):
    """The names that a prompt defines, or begins to define."""

    names: set[str]
    classes: set[str]
    records: set[str]  # classes that are no more than their fields
    waits: set[str]  # functions that return coroutines


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function, and what its annotations promise."""

    name: str
    parameters: tuple[str, ...]  # in their order
    required: frozenset[str]
    annotations: dict[str, ast.expr] = field(default_factory=dict)
    returns: ast.expr | None = None
    open_ended: bool = False  # it takes any number of arguments

    def fits(self, call: ast.Call) -> bool:
        """Decide whether the function can be called with these arguments."""
        names = [keyword.arg or "" for keyword in call.keywords]
        bound = [*self.parameters[: len(call.args)], *names]
        count = self.open_ended or len(call.args) <= len(self.parameters)
        known = self.open_ended or set(names) <= set(self.parameters)
        return count and known and len(set(bound)) == len(bound) and self.required <= set(bound)


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring, or a whole request that is a sentence."""

    text: str
    written: str  # as the source has it, with its escapes
    function: Signature | None = None  # which it describes


def find_definitions(request: str, tree: ast.Module | None) -> Definitions:
    """Return the names that a prompt defines at its top level. tree: as `parse_prompt` returns it."""
    body = tree.body if tree else []
    names = {name for statement in body for name in find_bound_names(statement)}
    names |= set(re.findall(r"^(?:async )?def (\w+)", request, re.MULTILINE))
    classes = set(re.findall(r"^class (\w+)", request, re.MULTILINE))
    waits = set(re.findall(r"^async def (\w+)", request, re.MULTILINE))
    records = {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef)
        and {word for part in (*node.decorator_list, *node.bases) for word in re.findall(r"\w+", ast.unparse(part))}
        & _RECORDS
        and not _compares_in_its_own_way(node)
    }
    return Definitions(names | classes, classes, records, waits)


def _compares_in_its_own_way(group: ast.ClassDef) -> bool:
    own = any(isinstance(each, ast.FunctionDef) and each.name == "__eq__" for each in group.body)
    return own or any("eq=False" in ast.unparse(decorator) for decorator in group.decorator_list)


def parse_prompt(request: str) -> ast.Module | None:
    """Return the syntax tree of a prompt, with a body for the function that it begins if it needs one."""
    trees = (parse(request.rstrip() + ending) for ending in ("\n    pass\n", "\n", "\n        pass\n"))
    return next((tree for tree in trees if tree is not None), None)


def find_signatures(tree: ast.Module | None) -> dict[str, Signature]:
    """Return the signatures of the functions at the top level, in their order."""
    nodes = [node for node in (tree.body if tree else []) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: _read_signature(node) for node in nodes}


def find_docstrings(request: str, tree: ast.Module | None) -> list[Docstring]:
    """Return the docstrings of a prompt. A module's docstring describes the last function."""
    if tree is None:
        return [Docstring(request, request)]
    signatures, lines = find_signatures(tree), request.splitlines(keepends=True)
    owners: dict[int, Signature] = {
        id(node): signatures[node.name]
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    last = next(reversed(signatures.values()), None)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    docstrings = list[Docstring]()
    for node in (node for node in ast.walk(tree) if isinstance(node, kinds)):
        statement = next((each for each in node.body if not isinstance(each, ast.Import | ast.ImportFrom)), None)
        match statement:  # people write imports above a docstring
            case ast.Expr(ast.Constant(str(text))) if text.strip():
                function = last if isinstance(node, ast.Module) else owners.get(id(node))
                text = clean_docstring(text)
                docstrings.append(Docstring(text, _find_written(statement, lines, text), function))
    return docstrings


def _find_written(statement: ast.stmt, lines: list[str], text: str) -> str:
    """Return a docstring as its source has it, without the quotes; `text` if Python changed nothing."""
    if "\\" not in "".join(lines[statement.lineno - 1 : statement.end_lineno]):
        return text
    inside = _QUOTES.match("".join(lines[statement.lineno - 1 : statement.end_lineno]).strip())
    return clean_docstring(inside[2]) if inside else text


def clean_docstring(text: str) -> str:
    """Return a docstring without its margin, as `inspect.cleandoc` does, but with the tabs that stand inside a line."""
    first, _, below = text.partition("\n")
    indented = _INDENT.sub(lambda indent: indent[0].expandtabs(), below)
    return f"{first.lstrip()}\n{textwrap.dedent(indented)}".strip("\n")


def _read_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    every = [*positional, *arguments.kwonlyargs]
    required = positional[: len(positional) - len(arguments.defaults)]
    required += [
        each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
    ]
    return Signature(
        node.name,
        tuple(each.arg for each in every),
        frozenset(each.arg for each in required),
        {each.arg: each.annotation for each in every if each.annotation is not None},
        node.returns,
        bool(arguments.vararg or arguments.kwarg),
    )
