"""Find what a function of a program needs beside it and a module lacks: imports, helper functions, methods."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from agent.program.modules.functions import Function, SourceTree, find_scope_names
from agent.program.modules.layout import Line, find_places, line_end, line_start, read_indent, take_lines
from agent.program.syntax import find_names, find_targets


class Lines(NamedTuple):
    """The lines of a statement, and the blanks that begin its first one."""

    lines: Sequence[Line]
    indent: str


class Companions(NamedTuple):
    """The parts of a program that a function needs, and that a module does not have."""

    imports: tuple[str, ...] = ()  # statements, each of one name
    definitions: tuple[str, ...] = ()  # sources of other statements at the margin
    members: tuple[Lines, ...] = ()  # of its class


def find_companions(
    program: SourceTree, function: Function, module_names: Collection[str], classes: Sequence[ast.ClassDef]
) -> Companions:
    """Return what a program's function needs. classes: of the module, those that will hold it."""
    needed, taken = _find_read_names(function.node), list[ast.stmt]()
    members = _find_members(function, classes)
    for each in members:
        needed |= find_names([each])
    others = [each for each in program.tree.body if each not in (*function.owners, function.node)]
    while more := next((each for each in others if each not in taken and _gives(each, needed, module_names)), None):
        taken.append(more)
        needed |= find_names([more])
    imports, definitions = list[str](), list[str]()
    for each in (each for each in others if each in taken):
        if isinstance(each, ast.Import | ast.ImportFrom):
            imports += _split_import(each, needed - {*module_names})
        else:
            definitions.append("\n".join(line.text for line in _read_statement(program, each).lines))
    own = tuple(_read_statement(program, each) for each in members)
    return Companions(tuple(imports), tuple(definitions), own)


def _find_read_names(node: ast.AST) -> set[str]:
    """Return the names that a function reads, and that are not its own variables."""
    outer = {name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
    return find_names([node]) - (find_targets(node) - outer)


def _gives(statement: ast.stmt, needed: set[str], module_names: Collection[str]) -> bool:
    """Decide whether a statement binds a name that is needed and that the module does not have."""
    return bool(find_scope_names([statement]) & (needed - {*module_names}))


def _split_import(statement: ast.Import | ast.ImportFrom, needed: set[str]) -> Iterator[str]:
    """Yield one statement for each needed name of an import."""
    for alias in statement.names:
        if (alias.asname or alias.name.split(".")[0]) in needed:
            yield ast.unparse(
                ast.ImportFrom(statement.module, [alias], statement.level)
                if isinstance(statement, ast.ImportFrom)
                else ast.Import([alias])
            )


def _find_members(function: Function, classes: Sequence[ast.ClassDef]) -> list[ast.stmt]:
    """Return the other statements of a method's class that it needs, and that the module's class does not have."""
    if not function.classes or not classes:
        return []
    there, members, nodes = find_scope_names(classes[-1].body), list[ast.stmt](), list[ast.stmt]([function.node])
    for node in nodes:
        attributes = {
            each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
        }
        for each in function.classes[-1].body:
            if each not in members and each is not function.node and find_scope_names([each]) & (attributes - there):
                members.append(each)
                nodes.append(each)
    return [each for each in function.classes[-1].body if each in members]


def _read_statement(program: SourceTree, statement: ast.stmt) -> Lines:
    start, end = find_places(program.plain).find(statement)
    text = program.text
    begin = line_start(text, start)
    return Lines(take_lines(text, begin, line_end(text, end)), read_indent(text, begin))
