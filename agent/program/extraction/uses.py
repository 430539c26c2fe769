"""Find the statements of a program that only use what was asked for: its tests, its demonstrations, its `main`.

Models write them beside the function. Often they are wrong, or wait for input, and would then fail the program.
Definitions and imports stay. A statement stays that binds or changes a name which the entry point needs, by itself or
through a function that it calls.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.program.syntax import DEFINITIONS, find_bound_names, find_free_names, find_targets, is_standard_import, parse

_LASTING = (*DEFINITIONS, ast.Import, ast.ImportFrom)
_OUTSIDE = frozenset({"input", "open", "exit", "quit", "sys.exit", "sys.stdin", "sys.argv", "os._exit"})
_SHOWING = frozenset({"print", "unittest", "doctest", "pytest", "__name__"})
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")  # as Python counts lines


class _Statement(NamedTuple):
    node: ast.stmt
    binds: frozenset[str]
    reads: frozenset[str]  # names, and attributes such as "sys.exit"
    changes: frozenset[str]  # names of which it sets a part, or on which it calls a method


@lru_cache(maxsize=256)
def find_uses(source: str, entry_point: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of the statements that only use the entry point: whole lines, in characters, in order."""
    statements = _follow_calls(_read_statements(source), entry_point)
    needed = _find_needed(statements, entry_point)
    using = _find_using_names(statements, entry_point, needed)
    numbers = {
        number
        for number, each in enumerate(statements)
        if not (each.binds | each.changes) & needed
        if _is_use(each, using) or (number == len(statements) - 1 and _is_cut_off(each, statements))
    }
    return tuple(_find_lines(source, [each.node for each in statements], numbers))


def _read_statements(source: str) -> list[_Statement]:
    tree = parse(source)
    statements = [_read_statement(node) for node in tree.body] if tree else []
    imports = (each for each in statements if isinstance(each.node, ast.Import | ast.ImportFrom))
    modules = {name for each in imports for name in each.binds}
    return [each._replace(changes=each.changes - modules) for each in statements]  # a module's function is no change


def _read_statement(node: ast.stmt) -> _Statement:
    inner = list(ast.walk(node))
    binds = find_bound_names(node)
    if not isinstance(node, _LASTING):
        binds = binds.union(*(find_bound_names(each) for each in inner if isinstance(each, ast.stmt)))
    attributes = {f"{_find_owner(each)}.{each.attr}" for each in inner if isinstance(each, ast.Attribute)}
    changes = {name for each in inner if (name := _find_changed_name(each))}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        outer = {name for each in inner if isinstance(each, ast.Global) for name in each.names}
        changes = (changes - find_targets(node)) | outer
    return _Statement(
        node, frozenset(binds), frozenset(find_free_names(node) | (attributes & _OUTSIDE)), frozenset(changes)
    )


def _follow_calls(statements: Sequence[_Statement], entry_point: str) -> list[_Statement]:
    """Return the statements; one that names functions changes what those change, unless they use the entry point."""
    functions = {name: each for each in statements if isinstance(each.node, DEFINITIONS) for name in each.binds}
    followed = list[_Statement]()
    for each in statements:
        named = set[str]() if isinstance(each.node, _LASTING) else set(each.reads & functions.keys())
        while more := {name for own in named for name in functions[own].reads & functions.keys()} - named:
            named |= more
        if named and not any(entry_point in {name, *functions[name].reads} for name in named):
            each = each._replace(changes=each.changes.union(*(functions[name].changes for name in named)))
        followed.append(each)
    return followed


def _find_changed_name(node: ast.AST) -> str | None:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return _find_owner(node)
        case ast.Call(ast.Name("setattr" | "delattr"), [changed, *_]):
            return _find_owner(changed)
        case ast.Expr(ast.Call(ast.Attribute() as method)):
            return _find_owner(method)
    return None


def _find_owner(node: ast.AST) -> str | None:
    """Return the name that a chain of attributes and subscripts begins with; None where it begins with a call."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _find_needed(statements: Sequence[_Statement], entry_point: str) -> set[str]:
    """Return the names that the entry point needs, itself included; all names where it is bound elsewhere."""
    if not any(entry_point in each.binds for each in statements):
        return {name for each in statements for name in each.binds}
    needed, before = {entry_point}, set[str]()
    while needed != before:
        before = set(needed)
        for each in statements:
            if (each.binds | each.changes) & needed:
                needed |= each.reads
    return needed


def _find_using_names(statements: Sequence[_Statement], entry_point: str, needed: set[str]) -> set[str]:
    """Return the names whose mention makes a statement a use, such as that of a function that tests the entry point."""
    using = {entry_point, *_OUTSIDE, *_SHOWING}
    while more := {name for each in statements if each.reads & using for name in each.binds} - needed - using:
        using |= more
    return using


def _is_use(statement: _Statement, using: set[str]) -> bool:
    if isinstance(statement.node, _LASTING):
        return False
    return bool(statement.reads & using) or isinstance(statement.node, ast.Assert | ast.Raise)


def _is_cut_off(last: _Statement, statements: Sequence[_Statement]) -> bool:
    """Decide whether the last statement may lack its end: it names what does not exist, or has no effect."""
    if isinstance(last.node, ast.Import | ast.ImportFrom):
        return not is_standard_import(last.node)
    known = {name for each in statements for name in each.binds}
    unknown = {name for name in last.reads - known if not hasattr(builtins, name)}
    idle = isinstance(last.node, ast.Expr) and not isinstance(last.node.value, ast.Call)
    return idle or (bool(unknown) and not isinstance(last.node, ast.FunctionDef | ast.AsyncFunctionDef))


def _find_lines(source: str, nodes: Sequence[ast.stmt], numbers: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the spans of the lines, with the comments above, that hold these statements and no other."""
    begins = [match.start() for match in _LINE.finditer(source)] + [len(source)]
    end = 0  # the line, from 0, behind the statement before
    for number, node in enumerate(nodes):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        following = nodes[number + 1].lineno if number + 1 < len(nodes) else last + 1
        if number in numbers and end <= first and last < following:
            while first > end and source[begins[first - 1] : begins[first]].strip()[:1] in ("", "#"):
                first -= 1
            yield begins[first], begins[last]
        end = last
