"""Tell which statements may change an object that they did not make, and which give another value each time."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.program.separation.scope import CHANGING, METHODS, Scope
from agent.program.syntax import find_names, find_root

_PURE_MODULES = {  # their functions change none of their arguments, and return the same each time
    "math", "cmath", "operator", "itertools", "functools", "collections", "re", "string", "json", "statistics",
    "fractions", "decimal", "datetime", "copy", "textwrap", "typing", "base64", "hashlib", "struct", "dataclasses",
    "enum", "types", "calendar", "numbers",
}  # fmt: skip
_NONDETERMINISTIC = {"random", "secrets", "uuid", "time", "os", "tempfile", "threading", "open", "input", "id", "hash"}
_FIXED = {"Random", "join", "dirname", "basename"}  # functions of these modules that return the same each time
_VARYING = {"now", "today", "utcnow", "seed", "shuffle"}  # methods that vary, whatever their module
_IMPURE = {"next", "setattr", "delattr", "exec", "eval", "iter"}


def is_fresh(statement: ast.stmt) -> bool:
    """Decide whether the assigned value shares no object with what it is computed from."""
    inner = getattr(statement, "value", None)
    return isinstance(inner, ast.Call) and ast.unparse(inner.func) in ("copy.deepcopy", "deepcopy", "json.loads", "str")


def _find_calls(node: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def may_change(statement: ast.stmt, scope: Scope) -> bool:
    """Decide whether a statement may change an object that it did not make."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.FunctionDef | ast.ClassDef | ast.Assert):
        return True
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    stores = any(
        isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store) for n in ast.walk(statement)
    )
    return stores or any(_call_may_change(call, scope) for call in _find_calls(statement))


def _call_may_change(call: ast.Call, scope: Scope) -> bool:
    match call.func:
        case ast.Name(name):
            return name in _IMPURE or (
                name in scope.bound and name not in {*scope.pure_functions, *scope.imported, *scope.own_classes}
            )
        case ast.Attribute(_, name) if find_root(call.func) in scope.imported:
            return scope.imported[str(find_root(call.func))] not in _PURE_MODULES
        case ast.Attribute(_, name):
            return name in CHANGING or name not in METHODS
    return True


def is_pure(function: ast.FunctionDef | ast.Lambda, scope: Scope, names: set[str]) -> bool:
    """Decide whether a function changes nothing but the objects that it makes. names: the function's own."""
    own = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    } - {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Subscript | ast.Attribute)
            and not isinstance(node.ctx, ast.Load)
            and find_root(node) not in own
        ):
            return False
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.With):
            return False
        if isinstance(node, ast.Call) and _call_may_change(node, scope) and find_root(node.func) not in own | names:
            return False
    return True


def is_nondeterministic(statement: ast.stmt, scope: Scope) -> bool:
    """Decide whether a call in a statement may give another value in another process."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    for call in _find_calls(statement):
        root = find_root(call.func)
        module = scope.imported.get(str(root), root)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else root
        if (module in _NONDETERMINISTIC and name not in _FIXED) or name in _VARYING:
            return True
    return bool(find_names([statement]) & scope.nondeterministic) and not isinstance(statement, ast.Assign)


def reaches_out(statement: ast.stmt, scope: Scope) -> bool:
    """Decide whether a statement that binds nothing changes something outside: a module, a file, a setting."""
    match statement:
        case ast.Expr(ast.Call(function)):
            return find_root(function) in scope.imported or find_root(function) in ("open", "setattr")
        case ast.Assign([target]) | ast.AugAssign(target) | ast.Delete([target]):
            return find_root(target) in scope.imported or (
                isinstance(target, ast.Attribute)
                and any(find_root(c.func) in scope.imported for c in _find_calls(target))
            )
        case ast.With():
            return True
    return False
