"""Claims that ask whether two objects are one: nobody outside of the program's process can tell. Runs nothing."""

from __future__ import annotations

import ast
import builtins

from agent.program.examples.scope import NotSeparableError


def is_identity(node: ast.AST) -> bool:
    """Whether code asks if two objects are one, where neither is one of Python's singletons or a type."""
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
    """Raise NotSeparableError where identity counts: values leave the program's process as copies."""
    if any(map(is_identity, ast.walk(expected))):
        raise NotSeparableError("asks whether two objects are one, and values leave the program as copies")
