"""Fill the holes of a program with parts of another program, the likeliest first. Runs and judges nothing."""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations_with_replacement, islice
from typing import NamedTuple, TypeVar

from agent.program.partial_tree import find_hole_nodes
from agent.program.syntax import PARSE_ERRORS, find_bound_names, find_names, parse, read_module
from agent.program.variables import Variables, read_own_names
from uncertainty.places import Span

MOST_PARTS = 12  # of the donor for each hole
MOST_TEXTS = 400  # for one donor
_MOST_LEVELS = 4  # of the nodes around a part that are compared
_NAMES = re.compile(r"\b(id|arg|name|rest)='\w+'")
_T = TypeVar("_T")
_Part = tuple[ast.AST, ...]


def graft(source: str, holes: Sequence[Span], donor: str, *, entry_point: str) -> Iterator[str]:
    """Yield the source with its holes filled by parts of the donor, each text once, the likeliest first.

    holes: spans in characters, as in `contains`. A hole for a statement takes a run of statements of one body, together
    with what they need of the donor's module. Any other hole takes one part of its kind. Parts come first whose place
    is like that of the hole. The donor's variables get names of the source: parameters of the entry point by their
    order, others by what both programs have. MOST_PARTS and MOST_TEXTS are the bounds. Yields nothing where one of the
    texts is not Python.
    """
    if parse(source) is None or parse(donor) is None:
        return
    try:
        mine, theirs = _Program(source, entry_point), _Program(donor, entry_point)
        removed = find_hole_nodes(source, mine.tree, holes)
        names = _match_names(mine, theirs, removed)
        ranked = [_rank_parts(hole, mine, theirs) for hole in removed]
    except PARSE_ERRORS:  # too deep for Python's own tools
        return
    seen = set[str]()
    for parts in islice(sort_by_rank(ranked), MOST_TEXTS):
        text = _fill(mine, holes, parts, theirs, names)
        if text is not None and text not in seen:
            seen.add(text)
            yield text


def sort_by_rank(ranked: Sequence[Sequence[_T]]) -> Iterator[tuple[_T, ...]]:
    """Yield each way to take one of every list. Those come first whose places in the lists have the least sum."""
    for total in range(sum(len(each) - 1 for each in ranked) + 1):
        yield from _take(ranked, total)


def _take(ranked: Sequence[Sequence[_T]], total: int) -> Iterator[tuple[_T, ...]]:
    if not ranked:
        yield from [()] if total == 0 else []
        return
    first, *rest = ranked
    left = sum(len(each) - 1 for each in rest)
    for place in range(max(0, total - left), min(len(first) - 1, total) + 1):
        yield from ((first[place], *others) for others in _take(rest, total - place))


class _Slot(NamedTuple):
    """The place of a node: its parent, the field, and the number in the field's list, or -1."""

    parent: ast.AST
    field: str
    number: int


class _Program:
    """A program's tree, and the place of each of its nodes."""

    def __init__(self, source: str, entry_point: str) -> None:
        self.source, self.tree = source, read_module(source)
        self.entry_point = entry_point
        self.slots = {id(node): slot for node, slot in _walk_slots(self.tree)}
        entries = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
        self.entry = entries[-1] if entries else None
        self._shapes = dict[int, str]()

    def shape(self, node: ast.AST) -> str:
        """Return a text that is equal for nodes which differ only in names of variables."""
        if id(node) not in self._shapes:
            self._shapes[id(node)] = _NAMES.sub(r"\1", ast.dump(node))
        return self._shapes[id(node)]


def _walk_slots(tree: ast.AST) -> Iterator[tuple[ast.AST, _Slot]]:
    todo = [tree]
    for parent in todo:  # it grows
        for field, value in ast.iter_fields(parent):
            for index, child in enumerate(value) if isinstance(value, list) else [(-1, value)]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.expr_context):
                    todo.append(child)
                    yield child, _Slot(parent, field, index)


def _rank_parts(hole: ast.AST, mine: _Program, theirs: _Program) -> list[_Part]:
    """Return the donor's parts that may fill a hole, the likeliest first."""
    if id(hole) not in mine.slots:  # the whole text
        return [tuple(theirs.tree.body)]
    scored = _score_runs(hole, mine, theirs) if isinstance(hole, ast.stmt) else _score_nodes(hole, mine, theirs)
    best = nlargest(MOST_PARTS, enumerate(scored), key=lambda each: (each[1][0], -each[0]))
    return [part for _, (_, part) in best]


def _score_runs(hole: ast.stmt, mine: _Program, theirs: _Program) -> Iterator[tuple[float, _Part]]:
    """Yield runs of the donor's statements. Those score higher whose neighbours and place are like the hole's."""
    slot = mine.slots[id(hole)]
    kept = [mine.shape(each) for each in getattr(slot.parent, slot.field)]
    for parent, field, body in _walk_bodies(theirs.tree):
        shapes = [theirs.shape(each) for each in body]
        alike = type(parent) is type(slot.parent) and field == slot.field
        if isinstance(parent, ast.Module) and not alike:
            continue
        entries = slot.parent is mine.entry and parent is theirs.entry
        for start, end in combinations_with_replacement(range(len(body) + 1), 2):
            before = _count_common(kept[: slot.number][::-1], shapes[:start][::-1])
            after = _count_common(kept[slot.number + 1 :], shapes[end:])
            ends = (start == slot.number == 0) + (len(body) - end == len(kept) - 1 - slot.number == 0)
            whole = entries and (start, end) == (0, len(body))
            score = 2 * (before + after) + ends + 2 * alike + 4 * whole - 0.01 * abs(end - start - 1)
            yield score, tuple(body[start:end])


def _walk_bodies(tree: ast.AST) -> Iterator[tuple[ast.AST, str, list[ast.stmt]]]:
    """Yield each list of statements, its node and its field."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body:
                yield node, field, body


def _count_common(ones: Sequence[str], others: Sequence[str]) -> int:
    """Count how many texts at the beginning are the same."""
    count = 0
    for one, other in zip(ones, others, strict=False):
        if one != other:
            break
        count += 1
    return count


def _score_nodes(hole: ast.AST, mine: _Program, theirs: _Program) -> Iterator[tuple[float, _Part]]:
    """Yield the donor's nodes of the hole's kind. Those score higher whose parents and siblings are like the hole's."""
    base = type(hole).__mro__[1]
    kind, context = type(hole) if base is ast.AST else base, type(getattr(hole, "ctx", ast.Load()))
    for node in ast.walk(theirs.tree):
        if isinstance(node, kind) and id(node) in theirs.slots and type(getattr(node, "ctx", ast.Load())) is context:
            score = 0.5 * (type(node) is type(hole)) + _compare_siblings(hole, node, mine, theirs)
            yield score + _compare_places(hole, node, mine, theirs), (node,)


def _compare_places(one: ast.AST, other: ast.AST, mine: _Program, theirs: _Program) -> float:
    """Count the levels above two nodes that are alike, and half a point for each same place in a list."""
    score = 0.0
    for _ in range(_MOST_LEVELS):
        ours, others = mine.slots.get(id(one)), theirs.slots.get(id(other))
        if not ours or not others or type(ours.parent) is not type(others.parent) or ours.field != others.field:
            break
        score += 1 + 0.5 * (ours.number == others.number)
        one, other = ours.parent, others.parent
    return score


def _compare_siblings(one: ast.AST, other: ast.AST, mine: _Program, theirs: _Program) -> int:
    """Count the fields beside two nodes that hold the same."""
    ours, others = mine.slots[id(one)], theirs.slots[id(other)]
    if type(ours.parent) is not type(others.parent):
        return 0
    sides = [
        [program.shape(child) for child in ast.iter_child_nodes(slot.parent) if child is not node]
        for program, slot, node in ((mine, ours, one), (theirs, others, other))
    ]
    return sum((Counter(sides[0]) & Counter(sides[1])).values())


def _match_names(mine: _Program, theirs: _Program, removed: Sequence[ast.AST]) -> dict[str, str]:
    """Return the names that variables of the donor get in the source: of what looks alike there, else their own."""
    inside = {id(node) for hole in removed for node in ast.walk(hole)}
    votes = Counter(zip(_list_variables(theirs), _list_variables(mine), strict=False))
    first = dict[str, ast.AST]()
    for node in ast.walk(theirs.tree):
        first.setdefault(theirs.shape(node), node)
    for node in ast.walk(mine.tree):
        other = first.get(mine.shape(node))
        if other and inside.isdisjoint(map(id, ast.walk(node))):
            votes.update(2 * [*zip(_read_names(other), _read_names(node), strict=False)])
    if mine.entry and theirs.entry:  # what the tests give counts more than what looks alike
        votes.update(dict.fromkeys(zip(*map(_read_parameters, (theirs.entry, mine.entry)), strict=False), 10_000))
    return _choose_names(votes, theirs)


def _list_variables(program: _Program) -> list[str]:
    """Return the names of a program's own variables, in the order in which it names them."""
    return [each.name for each in Variables(program.tree, called=(program.entry_point,)) if each.renamable]


def _choose_names(votes: Counter[tuple[str, str]], theirs: _Program) -> dict[str, str]:
    own = _list_variables(theirs)
    names = dict[str, str]()
    for (variable, name), _ in sorted(votes.items(), key=lambda each: (-each[1], each[0][0] != each[0][1], each[0])):
        if variable in own and variable not in names and name not in names.values():
            names[variable] = name
    for name in own:
        names.setdefault(name, name if name not in names.values() else f"{name}_")
    return names


def _read_names(node: ast.AST) -> list[str]:
    return [name for each in ast.walk(node) for name in read_own_names(each)]


def _read_parameters(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


@dataclass(slots=True)
class _Renamer(ast.NodeTransformer):
    names: dict[str, str]

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self.names.get(name, name) for name in node.names]
        elif read_own_names(node):
            field = next(each for each in ("id", "arg", "name", "rest") if isinstance(getattr(node, each, None), str))
            setattr(node, field, self.names.get(getattr(node, field), getattr(node, field)))
        return self.generic_visit(node)


def _fill(
    mine: _Program, holes: Sequence[Span], parts: Sequence[_Part], theirs: _Program, names: dict[str, str]
) -> str | None:
    """Return the text of the source with these parts in its holes; None where that is not Python."""
    try:
        tree = read_module(mine.source)
        slots = {id(node): slot for node, slot in _walk_slots(tree)}
        for hole, part in zip(find_hole_nodes(mine.source, tree, holes), parts, strict=True):
            needed = _find_needed(part, theirs, mine) if isinstance(hole, ast.stmt) else []
            grown = [_Renamer(names).visit(copy.deepcopy(node)) for node in (*needed, *part)]
            _replace(hole, grown, tree, slots)
        text = ast.unparse(ast.fix_missing_locations(tree))
    except PARSE_ERRORS:
        return None
    return text if parse(text) is not None else None


def _replace(hole: ast.AST, grown: list[ast.AST], tree: ast.Module, slots: dict[int, _Slot]) -> None:
    if id(hole) not in slots:
        tree.body = [each for each in grown if isinstance(each, ast.stmt)]
        return
    slot = slots[id(hole)]
    if slot.number < 0:
        setattr(slot.parent, slot.field, grown[0])
        return
    siblings = getattr(slot.parent, slot.field)
    at = next(index for index, each in enumerate(siblings) if each is hole)
    rest = [*siblings[:at], *grown, *siblings[at + 1 :]]
    setattr(slot.parent, slot.field, rest or ([ast.Pass()] if slot.field == "body" else []))


def _find_needed(part: _Part, theirs: _Program, mine: _Program) -> list[ast.stmt]:
    """Return the statements of the donor's module that bind what a part reads and the source does not bind."""
    missing = find_names(part) - {name for each in mine.tree.body for name in find_bound_names(each)}
    needed = list[ast.stmt]()
    for statement in reversed(theirs.tree.body):
        if statement not in part and statement is not theirs.entry and find_bound_names(statement) & missing:
            needed.insert(0, statement)
            missing |= find_names([statement])
    return needed
