"""Split an assignment to several names into one for each: the program is then shown only the name that it is passed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from agent.program.separation.constants import is_atom, write_literal
from agent.program.separation.scope import Scope
from agent.program.syntax import find_free_names, find_names


def split_assignment(statement: ast.stmt, scope: Scope) -> Iterator[ast.stmt]:
    """Yield one assignment for each name that a statement binds, if the values are known; else the statement."""
    if binds_one(statement) and find_free_names(statement) & scope.partly_shown:
        value = scope.value_of(statement.value)  # type: ignore[attr-defined]
        literal = None if value is None else write_literal(value[0])
        if literal is not None:
            statement = deepcopy(statement)
            statement.value = literal  # type: ignore[attr-defined]
    if isinstance(statement, ast.Assign) and find_free_names(statement) <= scope.trusted | scope.risky:
        pairs = list(_pairs(statement, scope))
        if len(pairs) > 1 and (not find_names([v for _, v in pairs]) & {name for name, _ in pairs}):
            for name, part in pairs:
                yield ast.copy_location(
                    ast.Assign([ast.Name(name, ast.Store())], part, lineno=statement.lineno), statement
                )
            return
    yield statement


def _pairs(statement: ast.Assign, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    value = scope.value_of(statement.value)
    atom = value is not None and is_atom(value[0])
    for target in statement.targets if len(statement.targets) == 1 or atom else []:
        pairs = list(_unpack(target, statement.value, scope))
        if not pairs:
            return
        yield from pairs


def _unpack(target: ast.expr, value: ast.expr, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    match target:
        case ast.Name(name):
            yield name, value
        case ast.Tuple(targets) | ast.List(targets):
            parts = _parts(value, scope)
            star = next((at for at, each in enumerate(targets) if isinstance(each, ast.Starred)), None)
            if star is not None and len(parts) >= len(targets) - 1:
                end = len(parts) - (len(targets) - star - 1)
                parts = [*parts[:star], ast.List(parts[star:end], ast.Load()), *parts[end:]]
            for each, part in zip(targets, parts if len(parts) == len(targets) else [], strict=False):
                yield from _unpack(each.value if isinstance(each, ast.Starred) else each, part, scope)


def _parts(value: ast.expr, scope: Scope) -> list[ast.expr]:
    if isinstance(value, ast.Tuple | ast.List) and not any(isinstance(part, ast.Starred) for part in value.elts):
        return value.elts
    known = scope.value_of(value)
    try:
        parts = [] if known is None else [write_literal(part) for part in list(known[0])]
    except TypeError:
        return []
    return [part for part in parts if part is not None] if None not in parts else []


def binds_one(statement: ast.stmt) -> bool:
    """Decide whether a statement assigns to one name, and does nothing else."""
    match statement:
        case ast.Assign([ast.Name()]) | ast.AnnAssign(ast.Name(), value=ast.expr()):
            return True
    return False
