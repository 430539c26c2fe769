"""Refuse conditions that nobody outside of the program's process can judge, and say why."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterator, Sequence

from agent.program.separation.scope import NotSeparableError, may_judge
from agent.program.syntax import find_names, read_expression, read_literal


def is_identity(node: ast.AST) -> bool:
    """Decide whether code compares identities, of anything but Python's singletons and types."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return any(isinstance(op, ast.Is | ast.IsNot) and not (_is_single(a) or _is_single(b)) for a, op, b in pairs)
    return isinstance(node, ast.Name | ast.Attribute) and _last(node) in ("is_", "is_not")


def _is_single(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ... or isinstance(node.value, bool)
    of_type = isinstance(node, ast.Call) and ast.unparse(node.func) == "type"
    return of_type or (isinstance(node, ast.Name) and isinstance(getattr(builtins, node.id, None), type))


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def refuse_identity(expected: ast.AST) -> None:
    """Raise NotSeparableError if identity counts: values leave the program's process as copies."""
    if any(map(is_identity, ast.walk(expected))):
        raise NotSeparableError("asks whether two objects are one, and values leave the program as copies")


def refuse_program_as_judge(expected: ast.AST, expressions: Sequence[str]) -> None:
    """Raise NotSeparableError if a function that the program may define judges the value of another."""
    for number in _truths(expected):
        if may_judge(read_expression(expressions[number])):
            raise NotSeparableError(f"lets a function judge that the program may define: {expressions[number]}")


def _truths(expected: ast.AST) -> Iterator[int]:
    """Yield the numbers of the values whose own truth decides a condition."""
    match expected:
        case ast.Name(name) if re.fullmatch(r"_\d+", name):
            yield int(name[1:])
        case ast.UnaryOp(ast.Not(), inner) | ast.Compare(inner, _, [ast.Constant(bool())]):
            yield from _truths(inner)
        case ast.BoolOp(_, parts) | ast.List(parts) | ast.Tuple(parts) | ast.Call(_, parts):
            for part in parts:
                yield from _truths(part)
        case ast.IfExp(test, body, other):
            for part in (test, body, other):
                yield from _truths(part)


def refuse_questions_to_records(expected: ast.AST, records: Collection[str]) -> None:
    """Raise NotSeparableError if a condition does more with a record than compare it with another."""
    plain = ast.Compare | ast.BoolOp | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.expr_context | ast.cmpop
    for node in ast.walk(expected):
        parts = {part.id for part in ast.iter_child_nodes(node) if isinstance(part, ast.Name)}
        if not isinstance(node, plain) and parts & set(records):
            raise NotSeparableError("asks a record for more than whether it equals another")


def refuse_impossible(expected: ast.AST) -> None:
    """Raise NotSeparableError for an expected value that Python cannot make, such as {[]: 1}."""
    for node in ast.walk(expected):
        if isinstance(node, ast.Dict | ast.Set) and not find_names([node]) and read_literal(node) is None:
            calls = any(isinstance(part, ast.Call | ast.BinOp) for part in ast.walk(node))
            if not calls:
                raise NotSeparableError(f"wants {ast.unparse(node)}, which Python cannot make")
