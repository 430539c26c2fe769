"""A program as a tree of syntax nodes with spans and costs. Reads text and numbers; never writes code back.

Spans are the model's own text: nothing is unparsed, so every character keeps the place it was generated at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

COST_LIMIT = 10.0  # nats; one wild token must not decide alone (PAC code sets, arXiv:2302.08703)


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One syntax node: its kind, its span in characters (end exclusive), its own cost in nats, its children in order."""

    kind: str
    start: int
    end: int
    cost: float
    children: tuple[TreeNode, ...] = field(default=())

    def walk(self) -> Iterator[TreeNode]:
        """Yield this node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def size(self) -> int:
        """Number of nodes in this subtree, itself included."""
        return 1 + sum(child.size for child in self.children)


@dataclass(slots=True)
class _Draft:
    """A node under construction: its span is known, its cost is being added up."""

    kind: str
    start: int
    end: int
    children: list[_Draft]
    cost: float = 0.0

    def owner(self, offset: int) -> _Draft:
        """Return the deepest node whose span holds this character."""
        for child in self.children:
            if child.start <= offset < child.end:
                return child.owner(offset)
        return self

    def frozen(self) -> TreeNode:
        return TreeNode(
            self.kind,
            self.start,
            self.end,
            min(max(self.cost, 0.0), COST_LIMIT),
            tuple(c.frozen() for c in self.children),
        )


def program_tree(source: str, charges: Sequence[tuple[int, float]]) -> TreeNode:
    """Return the syntax tree of a program, each charge (character offset, nats) added to the deepest node there.

    A text that does not parse is one node of kind "unparsable" that can only be removed as a whole.
    Only nodes that have a place in the text take part; operators and contexts belong to their parent.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return TreeNode("unparsable", 0, len(source), float("inf"))
    root = _Draft("Module", 0, len(source), [])
    _grow(root, module, _Offsets(source))
    for offset, nats in charges:
        root.owner(offset).cost += nats
    return root.frozen()


class _Offsets:
    """Turns ast's line and UTF-8 column into a character offset."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def __call__(self, line: int, column: int) -> int:
        text = self._lines[line - 1].encode()[:column].decode(errors="ignore") if line <= len(self._lines) else ""
        return self._starts[min(line - 1, len(self._starts) - 1)] + len(text)


def _grow(parent: _Draft, node: ast.AST, at: _Offsets) -> None:
    for child in ast.iter_child_nodes(node):
        if not hasattr(child, "lineno"):
            _grow(parent, child, at)  # arguments, comprehensions …: no place of their own, their children have one
            continue
        first = min(
            [
                (child.lineno, child.col_offset),
                *((d.lineno, d.col_offset) for d in getattr(child, "decorator_list", [])),
            ]
        )
        start, end = at(*first), at(child.end_lineno or child.lineno, child.end_col_offset or 0)
        draft = _Draft(type(child).__name__, start, end, [])
        parent.children.append(draft)
        _grow(draft, child, at)
    parent.children.sort(key=lambda draft: (draft.start, draft.end))
