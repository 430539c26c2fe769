"""Put a function of a program into a module: its body in the place of the old one, and what it needs beside it.

The head of the function stays as the module has it, and so does all that is not replaced.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.files.changes import Change, apply_changes
from agent.program.modules.companions import Companions, find_companions
from agent.program.modules.functions import (
    Function,
    FunctionNode,
    SourceTree,
    find_scope_names,
    list_functions,
    read_tree,
)
from agent.program.modules.layout import (
    Line,
    find_layout,
    find_places,
    find_tail,
    find_unit,
    is_mark,
    line_end,
    line_start,
    list_comments,
    move_lines,
    read_indent,
    take_lines,
)
from agent.program.syntax import is_text


class Placement(NamedTuple):
    """The changes that put a program's function into a module, and the lines of its body in both, from 1."""

    changes: tuple[Change, ...]
    program_line: int
    module_line: int
    size: int  # lines of the body

    def find_program_lines(self, module_lines: Iterable[int]) -> list[int]:
        """Return the lines of the program that these lines of the module come from, where they are of the body."""
        shift = self.program_line - self.module_line
        return [line + shift for line in module_lines if 0 <= line - self.module_line < self.size]


@lru_cache(maxsize=256)
def place_function(source: SourceTree, function: Function, program: str) -> Placement | None:
    """Return how a program's function is put into a module; None where the program does not write it, or no Python
    comes of it.

    program: defines the function as the request shows it, within its innermost class alone, or as the module does.
    """
    written, name = read_tree(program), ".".join([*(each.name for each in function.classes[-1:]), function.node.name])
    node = written and _find_written(written, (name, function.name))
    if not written or not node:
        return None
    body = _read_body(written, node, list_comments(source, function))
    companions = find_companions(written, node, find_scope_names(source.tree.body), function.classes)
    for units in ((find_unit(written), find_unit(source)), ("", "")):
        placement = _place(source, function, body, companions, units)
        if _is_sound(source, function, node.node, placement):
            return placement
    return None


class _Body(NamedTuple):
    """The lines of a function's body in a program."""

    lines: Sequence[Line]
    indent: str
    number: int  # of the first line, from 1


def _find_written(program: SourceTree, names: Sequence[str]) -> Function | None:
    """Return the last function of one of these names in a program that has a body."""
    named = [each for each in list_functions(program.tree) if each.name in names and not each.is_stub]
    return named[-1] if named else None


def _read_body(program: SourceTree, function: Function, hints: Sequence[str]) -> _Body:
    """Return the body of a function, with the comments above its first statement that are no hints of the request."""
    text, layout = program.text, find_layout(program, function)
    start, end = line_start(text, layout.first), line_end(text, layout.end)
    if text[start : layout.first].strip():  # it stands behind the colon, or behind the docstring
        return _Body(take_lines(text, layout.first, end), "", 1 + text.count("\n", 0, layout.first))
    begin = line_end(text, layout.head) + 1
    lines, number = take_lines(text, begin, end), 1 + text.count("\n", 0, begin)
    above = text.count("\n", begin, start)
    dropped = 0
    while dropped < above and (not lines[dropped].text.strip() or lines[dropped].text.strip() in hints):
        dropped += 1
    return _Body(lines[dropped:], read_indent(text, start), number + dropped)


def _place(
    source: SourceTree, function: Function, body: _Body, companions: Companions, units: tuple[str, str]
) -> Placement:
    layout, text = find_layout(source, function), source.text
    tail = find_tail(source, function)
    members = [line for each in companions.members for line in ("", *move_lines(*each, layout.indent, units))]
    if members and text[tail + 1 : line_end(text, tail + 1)].strip():
        members.append("")
    lines = move_lines(body.lines, body.indent, layout.body_indent, units)
    above, below = _list_kept(source, function)
    start = layout.colon if _is_one_line(source, function) else layout.head
    new = "\n".join((*above, *lines, *below, *members))
    changes = [Change(start, tail, new), *add_imports(source, companions.imports)]
    if companions.definitions:
        place = _find_place_above(source, function.owners[0] if function.owners else function.node)
        taken = any(each.start == place for each in changes[1:])  # by imports, with blank lines behind them
        blank = "" if taken or not place else "\n" * max(0, 3 - len(text[:place]) + len(text[:place].rstrip("\n")))
        changes.append(Change(place, place, blank + "".join(f"{each}\n\n\n" for each in companions.definitions)))
    before = sum(each.text.count("\n") for each in changes[1:]) + text.count("\n", 0, start)
    first = 1 + before + sum(1 + line.count("\n") for line in above)
    return Placement((*changes[1:], changes[0]), body.number, first, len(lines))


def _is_one_line(source: SourceTree, function: Function) -> bool:
    layout = find_layout(source, function)
    return "\n" not in source.text[layout.colon : layout.docstring[0] if layout.docstring else layout.first]


def _list_kept(source: SourceTree, function: Function) -> tuple[list[str], list[str]]:
    """Return the rest of the head's line with the lines that stay above the new body, and those that stay below it.

    A stub keeps its comments but for marks.
    """
    text, layout = source.text, find_layout(source, function)
    rest = text[layout.head : line_end(text, layout.head)]
    above = [rest if rest.strip().startswith("#") and not is_mark(rest) else ""]
    if _is_one_line(source, function) and layout.docstring:
        above.append(layout.body_indent + text[slice(*layout.docstring)])
    if not function.is_stub:
        return above, []
    under = text[line_end(text, layout.end) : find_tail(source, function)].split("\n")[1:]
    under = [line for line in under if line.strip() and not is_mark(line)]
    if layout.first == layout.end:  # nothing but a docstring stands above the comments
        return [*above, *under], []
    start, first = line_end(text, layout.head) + 1, line_start(text, layout.first)
    between = text[start:first].split("\n")[:-1] if start <= first else []
    if start <= first and text[layout.first : layout.first + 1] == "#":  # a comment stands for the body
        between.append(text[first : line_end(text, first)])
    return [*above, *(line for line in between if not is_mark(line))], under


def add_imports(source: SourceTree, imports: Sequence[str]) -> list[Change]:
    """Return the change that adds imports behind those of a module, or where its first ones would stand."""
    if not imports:
        return []
    text, body = source.text, source.tree.body
    docstring = body[0] if is_text(body[0]) else None
    last, lines = docstring, "\n".join(imports)
    for statement in body[docstring is not None :]:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            break
        last = statement
    if last is None:
        start = _find_place_above(source, body[0])
        return [Change(start, start, f"{lines}\n\n\n")]
    end = line_end(text, find_places(source.plain).find(last)[1])
    if last is not docstring:
        return [Change(end, end, f"\n{lines}")]
    blank = "\n" if text[end + 1 : line_end(text, end + 1)].strip() else ""
    return [Change(end, end, f"\n\n{lines}{blank}")]


def _find_place_above(source: SourceTree, statement: ast.stmt) -> int:
    """Return where a statement of the module begins, with the comments right above it that do not begin the file."""
    text = source.text
    first = start = line_start(text, find_places(source.plain).find(statement)[0])
    while start and text[line_start(text, start - 1)] == "#":
        start = line_start(text, start - 1)
    return start or first


def _is_sound(source: SourceTree, function: Function, written: FunctionNode, placement: Placement) -> bool:
    """Decide whether a change leaves Python in which the function does what it does in the program."""
    changed = read_tree(apply_changes(source.text, placement.changes))
    if changed is None:
        return False
    before = [each.node for each in list_functions(source.tree) if each.name == function.name]
    after = [each.node for each in list_functions(changed.tree) if each.name == function.name]
    if len(before) != len(after):
        return False
    return _dump_body(after[before.index(function.node)]) == _dump_body(written)


def _dump_body(node: FunctionNode) -> list[str]:
    return [ast.dump(each) for each in node.body[is_text(node.body[0]) :]]
