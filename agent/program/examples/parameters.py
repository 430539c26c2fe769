"""Write a test with parameters out: one test a case of pytest.mark.parametrize, with the values in their places."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from itertools import product

_MARKS = ("pytest.mark.parametrize", "mark.parametrize", "parametrize")
_MOST_CASES = 200

_Case = Mapping[str, ast.expr]  # the parameters of a case, and their values


def write_out_cases(function: ast.FunctionDef) -> list[ast.FunctionDef]:
    """Return a test for each case of its parameters; the test alone where they cannot be read, or there are none."""
    marks = [_read_cases(each) for each in function.decorator_list]
    names = [name for cases in marks for name in (cases[0] if cases else ())]
    arguments = [each.arg for each in function.args.args]
    if not marks or not all(marks) or Counter(names) != Counter(arguments) or _binds(function, arguments):
        return [function]
    combined = list(product(*(cases or () for cases in marks)))
    if len(combined) > _MOST_CASES:
        return [function]
    return [_fill_in(function, {name: value for case in cases for name, value in case.items()}) for cases in combined]


def _read_cases(decorator: ast.expr) -> list[_Case] | None:
    """Return the cases that a decorator gives; None for another decorator, and for cases that cannot be read."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) not in _MARKS:
        return None
    given = dict(zip(("argnames", "argvalues"), decorator.args, strict=False))
    given |= {each.arg: each.value for each in decorator.keywords if each.arg in ("argnames", "argvalues")}
    others = {each.arg for each in decorator.keywords} - {"argnames", "argvalues", "ids"}
    names, values = _read_names(given.get("argnames")), given.get("argvalues")
    if others or not names or not isinstance(values, ast.List | ast.Tuple) or not values.elts:
        return None
    cases = [_read_case(names, each) for each in values.elts]
    return None if None in cases else [case for case in cases if case is not None]


def _read_names(node: ast.expr | None) -> list[str]:
    match node:
        case ast.Constant(str(text)):
            return [name.strip() for name in text.split(",") if name.strip()]
        case ast.Tuple(parts) | ast.List(parts):
            return [each.value for each in parts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return []


def _read_case(names: list[str], node: ast.expr) -> _Case | None:
    """Return the value of each parameter; None for a case that pytest marks, or that has another number of values."""
    values = [node]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.param", "param"):
        if {each.arg for each in node.keywords} - {"id"}:
            return None
        values = node.args
    elif len(names) > 1:
        values = node.elts if isinstance(node, ast.Tuple | ast.List) else []
    starred = any(isinstance(each, ast.Starred) for each in values)
    return dict(zip(names, values, strict=True)) if len(values) == len(names) and not starred else None


def _binds(function: ast.FunctionDef, names: list[str]) -> bool:
    """Decide whether the body of a function binds one of its parameters anew, in whatever scope."""
    inside = [node for statement in function.body for node in ast.walk(statement)]
    stored = {each.id for each in inside if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}
    return bool(set(names) & (stored | {each.arg for each in inside if isinstance(each, ast.arg)}))


def _fill_in(function: ast.FunctionDef, case: _Case) -> ast.FunctionDef:
    filled: ast.FunctionDef = _Filler(case).visit(deepcopy(function))
    filled.decorator_list, filled.args.args = [], []
    return filled


class _Filler(ast.NodeTransformer):
    def __init__(self, case: _Case) -> None:
        self._case = case

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return deepcopy(self._case[node.id]) if node.id in self._case else node
