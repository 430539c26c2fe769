"""Write the body of an exercise's function, and load a program to call it. Every choice comes from a seed."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from benchmarks.exercises.grammar import Meaning

_LOCALS: dict[str, tuple[str, ...]] = {
    "x": ("x", "item", "value", "v", "element", "e", "n", "w", "u"),
    "y": ("y", "z", "key", "other_value"),
    "out": ("out", "result", "res", "output", "found"),
    "total": ("total", "count", "result", "s"),
    "acc": ("acc", "total", "result", "value_so_far"),
    "best": ("best", "top", "result"),
    "rest": ("rest", "others", "remaining"),
    "i": ("i", "index", "idx"),
    "part": ("part", "window", "chunk"),
    "visit": ("visit", "go", "walk"),
}
_ARGUMENT = "argument_"  # before a role, until names are chosen
_FIRST = 0.9  # how often a solution is written in its first way, and a local has its first name
_DOUBLE = re.compile(r"\w\(\(")


def write_body(meaning: Meaning, names: Mapping[str, str], random: Random) -> str:
    """Write the function's body, mostly in its first way. No local name collides with an argument's."""
    marked = meaning.code(lambda ways: _mostly_first(ways, random), {role: _ARGUMENT + role for role in names})
    tree = ast.parse(marked)
    if marked.count("not ") > 1:
        tree = _Undouble().visit(tree)
    _rename(tree, {_ARGUMENT + role: name for role, name in names.items()}, random)
    return "\n" + textwrap.indent(bare_generators(ast.unparse(tree)), "    ") + "\n"


def bare_generators(code: str) -> str:
    """Drop the second brackets that ast.unparse writes in `sum((x for x in xs))`. No string may hold one."""
    at = 0
    while match := _DOUBLE.search(code, at):
        at = match.end() - 1  # the inner bracket
        end = _closing(code, at)
        if code[end + 1 : end + 2] == ")" and " for " in code[at:end]:
            code = code[:at] + code[at + 1 : end] + code[end + 1 :]
    return code


class _Undouble(ast.NodeTransformer):
    """Writes `not not c` as c. In our programs only the truth of such a value counts."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Drop a pair of `not`."""
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), inner)):
                return inner
        return node


def _mostly_first(ways: Sequence[str], random: Random) -> str:
    """Choose the first way mostly, as real code does. If all were equally likely, a model would doubt style alone."""
    return ways[0] if random.random() < _FIRST else random.choice(ways)


def _closing(code: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(code)):
        depth += (code[at] in "([") - (code[at] in ")]")
        if depth == 0:
            return at
    raise ValueError(f"bracket {opening} is never closed in {code!r}")


def load_function(program: str, name: str) -> Callable[..., Any]:
    """Execute one of our own programs and return its function. Never call it on a model's program."""
    space: dict[str, Any] = {}
    exec(compile(program, "<exercise>", "exec"), space)
    function: Callable[..., Any] = space[name]
    return function


def _rename(tree: ast.Module, names: Mapping[str, str], random: Random) -> None:
    """Give arguments and locals their names, in place."""
    mapping, nodes = dict(names), list(ast.walk(tree))
    for local in _locals(nodes):
        if local not in mapping:
            options = _LOCALS.get(local, (local,))
            free = [
                option
                for option in (_mostly_first(options, random), *options, f"{local}_1")
                if option not in mapping.values()
            ]
            mapping[local] = free[0]
    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = mapping.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = mapping.get(node.arg, node.arg)
        elif isinstance(node, ast.FunctionDef):
            node.name = mapping.get(node.name, node.name)


def _locals(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names that the body binds, in the order of the nodes."""
    bound: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] = None
        elif isinstance(node, ast.arg):
            bound[node.arg] = None
        elif isinstance(node, ast.FunctionDef):
            bound[node.name] = None
    return list(bound)
