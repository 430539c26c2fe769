"""Write the names that a module defines as a short text, by which the examples of one of its functions are read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from agent.program.modules.excerpt import write_own_part
from agent.program.modules.functions import Function, SourceTree, find_scope_names, list_blocks


def write_outline(source: SourceTree, function: Function) -> str:
    """Return what a module defines without values, bodies and docstrings; then the function's own part, which has one.

    A class keeps its decorators, its bases, and whether it compares in a way of its own. So the examples that are found
    are the function's alone, and may name all that the module defines.
    """
    own = write_own_part(source, function)
    if function.classes:
        indent = own[: len(own) - len(own.lstrip(" \t"))]
        own = "\n".join((*_write_class_head(function.classes[-1], indent), own))
    return "\n".join((*_write_block(source.tree.body, (*function.owners, function.node)), own, ""))


def _write_block(body: Sequence[ast.stmt], left_out: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if statement not in left_out:
                word = "async def" if isinstance(statement, ast.AsyncFunctionDef) else "def"
                yield f"{word} {statement.name}({ast.unparse(statement.args)}): ..."
        elif isinstance(statement, ast.ClassDef):
            if statement not in left_out:
                yield "\n".join((*_write_class_head(statement, "    "), "    ..."))
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield ast.unparse(statement)
        else:
            blocks = list(list_blocks(statement))
            inner = {name for block in blocks for name in find_scope_names(block)}
            yield from (f"{name} = ..." for name in sorted(find_scope_names([statement]) - inner))
            for block in blocks:
                yield from _write_block(block, left_out)


def _write_class_head(group: ast.ClassDef, indent: str) -> Iterator[str]:
    yield from (f"@{ast.unparse(each)}" for each in group.decorator_list)
    bases = ", ".join(map(ast.unparse, (*group.bases, *group.keywords)))
    yield f"class {group.name}({bases}):" if bases else f"class {group.name}:"
    if "__eq__" in find_scope_names(group.body):
        yield f"{indent}def __eq__(self, other): ..."
