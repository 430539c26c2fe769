"""Evaluate literals and a few harmless operations on them, within bounds, to know the constants of an example."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from agent.program.syntax import PARSE_ERRORS, read_expression, read_literal

_LARGEST = 10_000  # items, characters or bits of a value that is evaluated
_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...))
_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len, "list": list, "tuple": tuple, "dict": dict, "sorted": sorted, "sum": sum, "min": min, "max": max,
    "str": str, "repr": repr, "int": int, "float": float, "abs": abs, "bool": bool, "set": set,
    "frozenset": frozenset,
    "range": lambda *ends: list(range(*ends)[:_LARGEST]),
    "zip": lambda *values: list(zip(*values, strict=False)),
    "enumerate": lambda *values: list(enumerate(*values)),
    "reversed": lambda value: list(reversed(value)),
}  # fmt: skip
_METHODS = {
    "upper", "lower", "title", "strip", "split", "splitlines", "keys", "values", "items", "get", "copy", "count",
    "index", "capitalize", "startswith", "endswith",
}  # fmt: skip
_FAILED = (*PARSE_ERRORS, LookupError, ArithmeticError, AttributeError)


class _UnknownError(ValueError):
    """The value is not known, or larger than the bounds."""


def evaluate(node: ast.expr, constants: Mapping[str, Any]) -> tuple[Any] | None:
    """Return the value of an expression over these constants, in a tuple of one; None if it is unknown."""
    try:
        return (_evaluate_within(node, constants),)
    except _FAILED:
        return None


def write_literal(value: Any) -> ast.expr | None:
    """Return a value as a literal; None if no literal gives it back."""
    text = repr(value)
    tree = read_expression(text)
    literal = read_literal(text)
    return tree if literal is not None and repr(literal[0]) == text else None


def is_atom(value: Any) -> bool:
    """Decide whether a value is immutable, down to its parts."""
    return isinstance(value, _ATOMS) or (isinstance(value, tuple | frozenset) and all(map(is_atom, value)))


def is_bland(value: Any) -> bool:
    """Decide whether a value reveals nothing: it is empty, zero or None, or holds only such values."""
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_bland, value))
    return not isinstance(value, SimpleNamespace) and not value


def find_mutable_ids(value: Any) -> frozenset[int]:
    """Return the ids of all mutable objects in a value."""
    return frozenset(_walk_mutable(value))


def _walk_mutable(value: Any) -> Iterator[int]:
    if is_atom(value):
        return
    yield id(value)
    parts = vars(value).values() if isinstance(value, SimpleNamespace) else value
    for part in [*value.keys(), *value.values()] if isinstance(value, dict) else parts:
        yield from _walk_mutable(part)


def _evaluate_within(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    value = _evaluate(node, constants)
    large = isinstance(value, int) and value.bit_length() > _LARGEST
    if large or (hasattr(value, "__len__") and len(value) > _LARGEST):
        raise _UnknownError
    return value


def _evaluate(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name) if name in constants:
            return constants[name]
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            return _evaluate_display(node, constants)
        case ast.Subscript() | ast.Attribute():
            return _evaluate_part(node, constants)
        case ast.UnaryOp() | ast.BinOp():
            return _evaluate_operation(node, constants)
        case ast.Call():
            return _evaluate_call(node, constants)
    raise _UnknownError


def _evaluate_part(node: ast.Subscript | ast.Attribute, constants: Mapping[str, Any]) -> Any:
    value = _evaluate_within(node.value, constants)
    if isinstance(node, ast.Attribute):
        if not isinstance(value, SimpleNamespace):
            raise _UnknownError
        return vars(value)[node.attr]
    if isinstance(at := node.slice, ast.Slice):
        ends = [None if end is None else _evaluate_within(end, constants) for end in (at.lower, at.upper, at.step)]
        return value[slice(*ends)]
    return value[_evaluate_within(at, constants)]


def _evaluate_display(node: ast.List | ast.Tuple | ast.Set | ast.Dict, constants: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Dict):
        keys = [_evaluate_within(key, constants) for key in node.keys if key is not None]
        return dict(zip(keys, [_evaluate_within(item, constants) for item in node.values], strict=True))
    items: list[Any] = []
    for part in node.elts:
        if isinstance(part, ast.Starred):
            items.extend(_evaluate_within(part.value, constants))
        else:
            items.append(_evaluate_within(part, constants))
    return items if isinstance(node, ast.List) else tuple(items) if isinstance(node, ast.Tuple) else set(items)


def _evaluate_operation(node: ast.UnaryOp | ast.BinOp, constants: Mapping[str, Any]) -> Any:
    operation = _OPERATIONS[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return operation(_evaluate_within(node.operand, constants))
    left, right = _evaluate_within(node.left, constants), _evaluate_within(node.right, constants)
    sizes = [len(side) for side in (left, right) if hasattr(side, "__len__")]
    times = [side for side in (left, right) if isinstance(side, int)]
    if isinstance(node.op, ast.Mult) and sizes and max(sizes) * max([1, *times]) > _LARGEST:
        raise _UnknownError
    return operation(left, right)


def _evaluate_call(node: ast.Call, constants: Mapping[str, Any]) -> Any:
    arguments = [_evaluate_within(part, constants) for part in node.args]
    named = {str(keyword.arg): _evaluate_within(keyword.value, constants) for keyword in node.keywords}
    match node.func:
        case ast.Name("SimpleNamespace") | ast.Attribute(ast.Name("types"), "SimpleNamespace") if not arguments:
            return SimpleNamespace(**named)
        case ast.Name(name) if name in _FUNCTIONS and name not in constants:
            return _FUNCTIONS[name](*arguments, **named)
        case ast.Attribute(inner, name) if name in _METHODS:
            value = _evaluate_within(inner, constants)
            if isinstance(value, SimpleNamespace):
                raise _UnknownError
            result = getattr(value, name)(*arguments, **named)
            return list(result) if name in ("keys", "values", "items") else result
    raise _UnknownError
