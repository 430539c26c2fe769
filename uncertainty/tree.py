"""Build the tree of a program's syntax nodes, with spans and costs. Never writes code back.

Spans are offsets in the model's own text, so every character keeps the place at which it was generated.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

COST_LIMIT = 10.0  # nats; one wild token must not decide alone (PAC code sets, arXiv:2302.08703)
DEPTH_LIMIT = 100  # levels; deeper nodes belong to their ancestor at this level, so that no text can exhaust the stack


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One syntax node: kind, span in characters, end exclusive, cost of its own in nats, children in order."""

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
    """A node under construction, whose cost is still being added up."""

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
    """Build the syntax tree of a program. Add each charge (character offset, nats) to the deepest node there.

    A text that does not parse is one node of kind "unparsable", which can only be removed as a whole. Operators and
    contexts have no place in the text and belong to their parent. So do the parts of an f-string.
    """
    try:
        with warnings.catch_warnings():  # compile warnings concern the program's author, not its reader
            warnings.simplefilter("ignore")
            module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return TreeNode("unparsable", 0, len(source), float("inf"))
    root = _Draft("Module", 0, len(source), [])
    _grow(root, module, _Offsets(source))
    for offset, nats in charges:
        root.owner(offset).cost += nats
    return root.frozen()


class _Offsets:
    """Converts ast's line and UTF-8 column to a character offset."""

    def __init__(self, source: str) -> None:
        self.source = source
        # The line breaks that ast counts; str.splitlines also breaks at form feeds and U+2028.
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", source))]

    def __call__(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        return start + len(self.source[start : start + column].encode()[:column].decode())


def _grow(parent: _Draft, node: ast.AST, at: _Offsets, depth: int = 1) -> None:
    for child in ast.iter_child_nodes(node):
        if not hasattr(child, "lineno"):  # arguments, comprehensions …: only their children have a place
            _grow(parent, child, at, depth)
            continue
        draft = _Draft(type(child).__name__, *_span(child, at), [])
        parent.children.append(draft)
        # Python 3.11 misplaces what stands inside an f-string, so an f-string is one node.
        if depth < DEPTH_LIMIT and not isinstance(child, ast.JoinedStr):
            _grow(draft, child, at, depth + 1)
    parent.children.sort(key=lambda draft: (draft.start, draft.end))


def _span(node: Any, at: _Offsets) -> tuple[int, int]:
    start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
    for decorator in getattr(node, "decorator_list", [])[:1]:
        start = at.source.rindex("@", 0, at(decorator.lineno, decorator.col_offset))  # ast leaves the "@" out
    return start, end
