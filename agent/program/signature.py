"""Compare the function that a request names with the one that a program defines, by their parameters. Runs nothing."""

from __future__ import annotations

import ast
import builtins
import re
from math import inf
from typing import TypeAlias

from agent.program.syntax import is_code, parse

_ASKED = re.compile(
    r"\b(?:write|implement|define|create|need|want|give me|called|named|function)"
    r"(?:\s+(?:me|a|an|the|some|small|short|python|function|method|called|named|for me)){0,5}"
    r"\s+`?([a-z_]\w{0,60})\(([^()\n]{0,200})\)",
    re.IGNORECASE,
)

_Head: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def find_signed_function(sentence: str) -> _Head | None:
    """Return the head of the function whose call a sentence asks for, as in "Write slugify(title)"; None without one.

    What stands in its brackets could be parameters. A sentence that asks for a class writes calls of its methods.
    """
    if re.search(r"\bclass\b", sentence):
        return None
    for name, inside in _ASKED.findall(sentence):
        head = None if inside.strip() in ("s", "es", "ies") else _find_function(f"def {name}({inside}): pass", name)
        if head is not None and name not in dir(builtins):
            return head
    return None


def read_parameters(sentence: str, name: str) -> str:
    """Return the parameters that a sentence names for a function, as Python; the empty string where it names none."""
    signed = find_signed_function(sentence)
    return ast.unparse(signed.args) if signed and signed.name == name else ""


def describe_misfit(request: str, program: str, entry_point: str) -> tuple[str, str] | None:
    """Return the head that a request names and the one that a program has, where calls of the first fail on the second.

    A program may name its parameters otherwise, and may take further ones that have defaults. None where it fits, and
    where the request names no parameters, or the program does not define the function.
    """
    asked = _find_function(request, entry_point) if is_code(request) else find_signed_function(request)
    written = _find_function(program, entry_point)
    if asked is None or written is None or asked.name != entry_point or _takes(written.args, asked.args):
        return None
    return _write_head(asked), _write_head(written)


def _find_function(source: str, name: str) -> _Head | None:
    """Return the last function of a name at the margin. source: Python that may end behind the head of a function."""
    tree = parse(source) or parse(f"{source.rstrip()}\n    pass\n")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)] if tree else []
    return next((each for each in reversed(functions) if each.name == name), None)


def _takes(written: ast.arguments, asked: ast.arguments) -> bool:
    """Decide whether a function takes every call that another takes."""
    (least, most), (fewest, largest) = _count_positional(written), _count_positional(asked)
    named = {each.arg for each in (*written.args, *written.kwonlyargs)}
    keywords = {each.arg for each in asked.kwonlyargs}
    needed = {each.arg for each, default in zip(written.kwonlyargs, written.kw_defaults, strict=True) if not default}
    return least <= fewest and largest <= most and needed <= keywords and (keywords <= named or bool(written.kwarg))


def _count_positional(arguments: ast.arguments) -> tuple[int, float]:
    """Return the least and the largest number of positional arguments."""
    count = len(arguments.posonlyargs) + len(arguments.args)
    return count - len(arguments.defaults), inf if arguments.vararg else count


def _write_head(function: _Head) -> str:
    return f"{function.name}({ast.unparse(function.args)})"
