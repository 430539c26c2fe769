"""Read a program, with or without holes, as a tree of what counts: no layout, comments, docstrings or parentheses.

Every field becomes a list of children, so that one rule of alignment serves all. Compares nothing and runs nothing.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from agent.program.syntax import is_text
from uncertainty.places import Places, Span

_Name = TypeVar("_Name")
_SUBTREE, _RUN = ("hole",), ("hole", "run")
_WITHOUT_MEANING = {"ctx", "type_comment", "type_ignores", "kind", "simple"}
_VARIABLES = {"id", "arg", "name", "rest", "names"}
_OPERATORS = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


@dataclass(eq=False, slots=True)
class PartialNode(Generic[_Name]):
    """A syntax node that is kept, or a hole.

    label: the type and what a node holds itself, but for variables.
    """

    label: tuple[Any, ...]
    names: Sequence[_Name] = ()  # the variables that the node holds itself
    slots: list[list[PartialNode[_Name]]] = field(default_factory=list)

    @property
    def is_subtree(self) -> bool:
        """It is a hole that stands for one subtree."""
        return self.label is _SUBTREE

    @property
    def is_run(self) -> bool:
        """It is a hole that stands for any number of neighbours, none included."""
        return self.label is _RUN


def read_partial_tree(
    tree: ast.Module, holes: Collection[ast.AST], name: Callable[[ast.AST], Sequence[_Name]]
) -> PartialNode[_Name]:
    """Turn a syntax tree into a tree of what counts. `holes` are nodes of the tree; `name` reads a node's variables."""
    removed = {id(hole) for hole in holes}
    root = PartialNode[_Name](_SUBTREE if id(tree) in removed else _label(tree), name(tree))
    todo: list[tuple[ast.AST, PartialNode[_Name]]] = [(tree, root)] if id(tree) not in removed else []
    while todo:
        node, partial = todo.pop()
        for children, is_list in _read_slots(node, removed):
            slot = list[PartialNode[_Name]]()
            for child in children:
                if id(child) not in removed:
                    slot.append(PartialNode(_label(child), name(child)))
                    todo.append((child, slot[-1]))
                elif not (slot and slot[-1].is_run):  # two runs side by side are one
                    slot.append(PartialNode(_RUN if is_list else _SUBTREE))
            partial.slots.append(slot)
    return root


def find_hole_nodes(source: str, tree: ast.Module, holes: Sequence[Span]) -> list[ast.AST]:
    """Return the node of each hole; the outermost where several nodes have its span, the whole tree for the whole text.

    Spans are in characters, end exclusive. A span of no node stands for the smallest node around it. A part of an
    f-string stands for the f-string, since Python 3.11 misplaces the parts.
    """
    places = Places(source)
    nodes = [(node, place) for node in _walk_outside_strings(tree) if (place := _find_place(node, places))]
    return [_find_node(span, nodes, len(source)) or tree for span in holes]


def _find_node(span: Span, places: Sequence[tuple[ast.AST, Span]], size: int) -> ast.AST | None:
    """Return the outermost node of a span, else the innermost one around it. None stands for the whole tree."""
    start, end = span
    if start <= 0 and end >= size:
        return None
    exact = (node for node, place in places if place == span)
    around = (node for node, place in reversed(places) if place[0] <= start and end <= place[1])
    return next(exact, None) or next(around, None)


def _find_place(node: ast.AST, places: Places) -> Span | None:
    """Return the span of a node that may be a hole; None for one that has no place."""
    if not isinstance(node, ast.stmt | ast.expr | ast.excepthandler | ast.arg | ast.keyword | ast.alias | ast.pattern):
        return None
    return places.find(node)


def _walk_outside_strings(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes, each before what is inside it, but for the parts of f-strings."""
    todo = deque[ast.AST]([tree])
    while todo:
        node = todo.popleft()
        yield node
        if not isinstance(node, ast.JoinedStr):
            todo.extend(ast.iter_child_nodes(node))


class _Group(ast.AST):
    """Fields of one node that belong together, such as a key and its value. Has no place of its own."""

    def __init__(self, kind: str, *parts: ast.AST | None) -> None:
        super().__init__()
        self.kind, self.parts = kind, parts


def _label(node: ast.AST) -> tuple[Any, ...]:
    """Return the type of a node and what it holds itself, but for variables, layout and children."""
    if isinstance(node, _Group):
        return ("group", node.kind)
    if isinstance(node, ast.Constant):
        return ("Constant", type(node.value), node.value)
    return (type(node).__name__, *(part for name, value in ast.iter_fields(node) for part in _own(node, name, value)))


def _own(node: ast.AST, name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield what a field adds to the label: a plain value, or the type of an operator."""
    is_variable = name in _VARIABLES and not isinstance(node, ast.alias | ast.keyword)
    if isinstance(value, _OPERATORS):
        yield name, type(value).__name__
    elif isinstance(value, str | int) and not is_variable and name not in _WITHOUT_MEANING:
        yield name, value


def _read_slots(node: ast.AST, removed: Collection[int]) -> Iterator[tuple[Sequence[ast.AST], bool]]:
    """Yield the children of each field, and whether the field is a list. A field that is absent has no child."""
    match node:
        case _Group():
            yield from (([part] if part else [], False) for part in node.parts)
        case ast.Dict() | ast.Compare() | ast.MatchMapping() | ast.MatchClass():
            yield from _read_pairs(node)
        case ast.Call():
            yield [node.func], False
            yield [*node.args, *node.keywords], True
        case ast.ClassDef():
            yield [*node.bases, *node.keywords], True
            yield _skip_texts(node.body, removed), True
            yield node.decorator_list, True
        case ast.arguments():
            yield from _read_parameters(node, removed)
        case _:
            slots = (_read_slot(node, name, value, removed) for name, value in ast.iter_fields(node))
            yield from filter(None, slots)


def _read_pairs(
    node: ast.Dict | ast.Compare | ast.MatchMapping | ast.MatchClass,
) -> Iterator[tuple[Sequence[ast.AST], bool]]:
    """Yield the children of a node whose fields go by pairs, each pair as one child."""
    match node:
        case ast.Dict():
            groups = [_Group("entry", *pair) for pair in zip(node.keys, node.values, strict=True)]
        case ast.Compare():
            yield [node.left], False
            pairs = zip(node.ops, node.comparators, strict=True)
            groups = [_Group(type(operator).__name__, operand) for operator, operand in pairs]
        case ast.MatchMapping():
            groups = [_Group("entry", *pair) for pair in zip(node.keys, node.patterns, strict=True)]
        case ast.MatchClass():
            yield [node.cls], False
            yield node.patterns, True
            groups = [_Group(*pair) for pair in zip(node.kwd_attrs, node.kwd_patterns, strict=True)]
    yield groups, True


def _read_slot(
    node: ast.AST, name: str, value: object, removed: Collection[int]
) -> tuple[Sequence[ast.AST], bool] | None:
    """Return the children of a field, and whether it is a list; None where the field is no child, or has no meaning."""
    if name in _WITHOUT_MEANING or isinstance(value, (str, int, *_OPERATORS)):
        return None
    if not isinstance(value, list):
        return [value] if isinstance(value, ast.AST) else [], False
    children = [each for each in value if isinstance(each, ast.AST)]
    if isinstance(node, ast.Module):
        return _skip_texts(children, removed, rest=[]), True
    return (_skip_texts(children, removed) if children and isinstance(children[0], ast.stmt) else children), True


def _skip_texts(
    statements: Sequence[ast.AST], removed: Collection[int], rest: Sequence[ast.AST] = (ast.Pass(),)
) -> Sequence[ast.AST]:
    """Return the statements but for texts, which do nothing; `rest` where nothing is left."""
    return [each for each in statements if id(each) in removed or not _is_text(each)] or rest


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt) and is_text(node)


def _read_parameters(node: ast.arguments, removed: Collection[int]) -> Iterator[tuple[Sequence[ast.AST], bool]]:
    """Yield the parameters of each kind, each with its default. A hole for one without a default is in a list."""
    positional = [*node.posonlyargs, *node.args]
    defaults = [*[None] * (len(positional) - len(node.defaults)), *node.defaults]
    pairs = [*zip(positional, defaults, strict=True), *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    groups = [
        arg if default is None and id(arg) in removed else _Group("parameter", arg, default) for arg, default in pairs
    ]
    first, second = len(node.posonlyargs), len(positional)
    yield from ((part, True) for part in (groups[:first], groups[first:second], groups[second:]))
    yield from (([each] if each else [], False) for each in (node.vararg, node.kwarg))
