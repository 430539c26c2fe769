"""Python source as a tree, read without a word whatever it is, and the names its parts speak of. Runs nothing."""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

UNREADABLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
_LOCK = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings, in one thread after another: the filters are the process's, and threads would mix them up."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parsed(source: str) -> ast.Module | None:
    """Return the syntax tree of a text, or None where it is no Python or too deep to tell. Warns of nothing."""
    try:
        return read_module(source)
    except UNREADABLE:
        return None


def read_module(source: str) -> ast.Module:
    """Return the syntax tree of a text. Warns of nothing; raises one of UNREADABLE."""
    with quiet():
        return ast.parse(source)


def read_expression(source: str) -> ast.expr | None:
    """Return the one expression that a text is; None where it is anything else."""
    tree = parsed(source)
    match tree.body if tree else []:
        case [ast.Expr(value)]:
            return value
    return None


def literal_of(source: str | ast.expr) -> tuple[Any] | None:
    """Return the value of a literal, in a tuple of one; None where the text or tree is none."""
    tree = read_expression(source) if isinstance(source, str) else source
    try:
        return None if tree is None else (ast.literal_eval(tree),)
    except UNREADABLE:
        return None


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are read anywhere in these trees."""
    inside = (inner for node in nodes for inner in ast.walk(node))
    return {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def names_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement gives a value."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return targets_in(statement)


def names_needed(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads and does not bind itself."""
    binding = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.comprehension)
    inside = {name for node in ast.walk(statement) if isinstance(node, binding) for name in targets_in(node)}
    return names_in([statement]) - names_bound(statement) - inside


def targets_in(node: ast.AST) -> set[str]:
    """Return the variables and arguments that are bound anywhere in a tree."""
    stored = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    return stored | {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}


def root_of(node: ast.AST) -> str | None:
    """Return the name that a chain of calls, attributes and subscripts begins with."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def modules_of(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the outermost packages that a statement imports from."""
    modules = [statement.module or ""] if isinstance(statement, ast.ImportFrom) else [a.name for a in statement.names]
    return {module.split(".")[0] for module in modules}


def is_of_python(statement: ast.Import | ast.ImportFrom) -> bool:
    """Whether all modules are of the standard library."""
    return modules_of(statement) <= set(sys.stdlib_module_names)
