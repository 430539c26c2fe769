"""Write the request for one function of a module: the code above it, as far as there is room, down to its docstring.

What the function's head and docstring name comes first, wherever the module defines it; then what stands nearest above.
Other functions and classes are named in comments, so that the model may call them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.program.modules.functions import Function, SourceTree, find_scope_names
from agent.program.modules.layout import (
    find_colon,
    find_layout,
    find_places,
    is_mark,
    line_end,
    line_start,
    list_hints,
    move_lines,
    read_indent,
    take_lines,
)
from agent.program.syntax import DEFINITIONS, find_names, is_stub, is_text

MOST_CHARACTERS = 4_000  # of an excerpt; reading more takes a CPU longer than writing the function
_MOST_SIGNATURES, _LONGEST_SIGNATURE = 1_200, 140  # characters of all comments, and of one
_LONGEST_GAP = 300  # characters of comments and blank lines above the function
_ROUNDS = 2  # what is named, and what that names


class _Block(NamedTuple):
    """Statements that hold a function, from the module's or the class's text at `begin` on."""

    body: Sequence[ast.stmt]
    begin: int
    holder: ast.stmt  # that the function is in
    margin: str  # blanks that are removed from its lines


class _Unit(NamedTuple):
    """Statements of a block that share lines, with the comments and blank lines above them."""

    nodes: tuple[ast.stmt, ...]
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def write_excerpt(source: SourceTree, function: Function, most: int = MOST_CHARACTERS) -> str:
    """Return the code that a model is to continue. It ends with the head, the docstring and the hints of the function.

    A method stands in its innermost class, and that at the margin. most: characters; the function's own part is whole.
    """
    statements, others = (*function.owners, function.node), list[tuple[str, ast.stmt]]()
    shown = write_own_part(source, function)
    if function.classes:
        group, margin = function.classes[-1], _find_margin(source, function)
        start = line_start(source.plain, find_places(source.plain).find(group)[0])
        begin = _find_class_body(source, group)
        head = _take(source, start, begin, margin)
        body = group.body[is_text(group.body[0]) :]
        inner = _Block(body, begin, statements[statements.index(group) + 1], margin)
        above = _choose_above(source, inner, shown, most - len(head) - len(shown))
        others += [(f"{group.name}.", node) for node in above.others]
        shown = f"{head}{above.text}{above.gap}{shown}"
    block = _Block(source.tree.body, 0, statements[0], "")
    above = _choose_above(source, block, shown, most - len(shown))
    comments = list(_describe([*others, *(("", node) for node in above.others)], most - len(above.text) - len(shown)))
    if comments:
        comments.insert(0, "\n\n\n# Elsewhere in this module:" if above.text else "# Elsewhere in this module:")
    return "".join((above.text, "\n".join(comments), above.gap, shown)).strip("\n") + "\n"


def write_own_part(source: SourceTree, function: Function) -> str:
    """Return the head of a function with its docstring, its hints and the comments above it.

    A method is moved to where it stands in its innermost class, any other function to the margin.
    """
    text, layout, margin = source.text, find_layout(source, function), _find_margin(source, function)
    start, inner = _find_own_start(source, function), layout.body_indent.removeprefix(margin)
    hints = [f"{inner}{comment}" for comment in list_hints(source, function)]
    if layout.docstring and "\n" not in text[layout.colon : layout.docstring[0]]:
        return "\n".join((_take(source, start, layout.colon, margin), inner + text[slice(*layout.docstring)], *hints))
    rest = text[layout.head : line_end(text, layout.head)]
    kept = rest if rest.strip().startswith("#") and not is_mark(rest) and not function.is_stub else ""
    return "\n".join((_take(source, start, layout.head, margin) + kept, *hints))


class _Above(NamedTuple):
    """What stands above a function in a block: the statements that are shown, and the lines before its own."""

    text: str
    gap: str
    others: list[ast.stmt]  # that are not shown, the nearest first


def _choose_above(source: SourceTree, block: _Block, shown: str, room: int) -> _Above:
    """Choose what stands above a function in a block. shown: the text that stands below. room: characters."""
    units = list(_split_units(source, block))
    number = next(number for number, each in enumerate(units) if block.holder in each.nodes)
    chosen = _choose_units(units, number, shown, room)
    texts = [_take(source, each.start, each.end, block.margin) for each in units if each in chosen]
    rest = sorted(
        (each for each in units if each not in chosen), key=lambda each: abs(each.start - units[number].start)
    )
    others = [node for each in rest for node in each.nodes if node is not block.holder]
    gap = _take(source, units[number].start, _find_gap_end(source, units[number]), block.margin)
    return _Above("".join(texts), gap if 0 < len(gap) < _LONGEST_GAP else "\n\n", others)


def _split_units(source: SourceTree, block: _Block) -> Iterator[_Unit]:
    text, places, at = source.text, find_places(source.plain), block.begin
    nodes = list[ast.stmt]()
    for node, following in zip(block.body, [*block.body[1:], None], strict=True):
        nodes.append(node)
        end = min(line_end(text, places.find(node)[1]), len(text))
        if following is None or places.find(following)[0] > end:
            yield _Unit(tuple(nodes), at, end)
            nodes, at = [], end


def _choose_units(units: Sequence[_Unit], number: int, shown: str, room: int) -> list[_Unit]:
    """Choose units to show as they are: imports, then what is named, then what stands nearest above."""
    usable = [each for each in (*units[:number], *units[number + 1 :]) if _is_usable(each)]
    usable.sort(key=lambda each: abs(each.start - units[number].start))
    chosen, words = list[_Unit](), set(re.findall(r"\w+", shown))

    def choose(among: Iterable[_Unit]) -> None:
        nonlocal room
        for each in among:
            if each not in chosen and each.size <= room:
                chosen.append(each)
                room -= each.size

    above = [each for each in usable if each.start < units[number].start]
    choose(each for each in above if all(isinstance(node, ast.Import | ast.ImportFrom) for node in each.nodes))
    for _ in range(_ROUNDS):
        named = [each for each in usable if find_scope_names(each.nodes) & words]
        choose(named)
        words |= {name for each in named if each in chosen for node in each.nodes for name in _find_interface(node)}
    if sum(each.size for each in above if each not in chosen) > room:
        room -= min(_MOST_SIGNATURES, room // 3)  # for the heads of what is not shown
    choose(above)
    return chosen


def _is_usable(unit: _Unit) -> bool:
    """Decide whether statements can be shown as they are: they define something, and no function is left to write."""
    if any(isinstance(each, DEFINITIONS) and is_stub(each) for node in unit.nodes for each in ast.walk(node)):
        return False
    main = any(isinstance(node, ast.If) and "__name__" in find_names([node.test]) for node in unit.nodes)
    return not main and (bool(find_scope_names(unit.nodes)) or is_text(unit.nodes[0]))


def _find_interface(node: ast.stmt) -> set[str]:
    """Return the names that one has to know to use what a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return find_names([node.args, *([node.returns] if node.returns else []), *node.decorator_list])
    if isinstance(node, ast.ClassDef):
        return find_names([*node.bases, *(each for each in node.body if isinstance(each, ast.AnnAssign))])
    return find_names([node])


def _describe(others: Sequence[tuple[str, ast.stmt]], room: int) -> Iterator[str]:
    """Yield a comment for each function and class that there is room for, in their order, with what it is for.

    others: the nearest first, each with what stands before its name.
    """
    room, lines = min(room, _MOST_SIGNATURES), list[tuple[int, str]]()
    for owner, node in others:
        if isinstance(node, DEFINITIONS):
            line = f"# {_write_head(owner, node)}"[:_LONGEST_SIGNATURE]
            room -= len(line)
            if room < 0:
                break
            lines.append((node.lineno, line))
    yield from (line for _, line in sorted(lines))


def _write_head(owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    name, purpose = f"{owner}{node.name}", (ast.get_docstring(node) or "").partition("\n")[0]
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        head = f"class {name}({bases})" if bases else f"class {name}"
    else:
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        head = f"{name}({ast.unparse(node.args)}){returns}"
    return f"{head}: {purpose}" if purpose else head


def _take(source: SourceTree, start: int, end: int, margin: str) -> str:
    """Return characters of a text without the blanks of a margin before their lines."""
    if not margin:
        return source.text[start:end]
    return "\n".join(move_lines(take_lines(source.text, start, end), margin, ""))


def _find_margin(source: SourceTree, function: Function) -> str:
    node = function.classes[-1] if function.classes else function.node
    return read_indent(source.plain, line_start(source.plain, find_places(source.plain).find(node)[0]))


def _find_own_start(source: SourceTree, function: Function) -> int:
    """Return where a function begins, with the comments right above it; those that begin the file are left out."""
    text, layout = source.text, find_layout(source, function)
    start = layout.start
    while start and text[line_start(text, start - 1) : start].startswith(f"{layout.indent}#"):
        start = line_start(text, start - 1)
    return start or layout.start


def _find_gap_end(source: SourceTree, unit: _Unit) -> int:
    """Return where the lines right above the statements of a unit end that are no part of their comments."""
    text = source.text
    end = line_start(text, find_places(source.plain).find(unit.nodes[0])[0])
    while end > unit.start and text[line_start(text, end - 1) : end].lstrip(" \t").startswith("#"):
        end = line_start(text, end - 1)
    return max(unit.start, end)


def _find_class_body(source: SourceTree, group: ast.ClassDef) -> int:
    """Return the end of the line on which the head of a class ends, or its docstring where it has one."""
    places = find_places(source.plain)
    if is_text(group.body[0]):
        return line_end(source.text, places.find(group.body[0])[1])
    return line_end(source.text, find_colon(source.plain, places.locate(group.lineno, group.col_offset)))
