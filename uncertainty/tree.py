"""Build the tree of a program's syntax nodes, with spans and costs. Never writes code back.

Spans are offsets in the model's own text, so every character keeps the place at which it was generated.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from uncertainty.places import Places, Span

MOST_NODES = 6000  # of a tree; what lies deeper in a larger program belongs to its ancestors
UNPARSABLE = "unparsable"  # the kind of the one node of a text that is no Python


@dataclass(frozen=True, slots=True)
class ProgramTree:
    """A program's syntax nodes, in the order of the text and parents first. Each field has one entry a node.

    So the subtree of node i is the nodes from i on, `sizes[i]` in number.
    """

    kinds: tuple[str, ...]  # names of Python's syntax nodes
    spans: tuple[Span, ...]
    sizes: tuple[int, ...]  # nodes of the subtree, its root included
    costs: tuple[float, ...]  # nats, of what begins inside the node and inside none of its children
    is_cut: bool = False  # a node of the deepest level stands for its whole subtree, with its costs

    def __len__(self) -> int:
        return len(self.kinds)

    def children(self, node: int) -> Iterator[int]:
        """Yield the numbers of a node's children, in the order of the text."""
        child = node + 1
        while child < node + self.sizes[node]:
            yield child
            child += self.sizes[child]


def program_tree(source: str, charges: Sequence[tuple[int, float]]) -> ProgramTree:
    """Build the syntax tree of a program. Add each charge (character offset, nats) to the deepest node there.

    So the costs of all nodes sum to the charges; those outside of the text belong to the root. A text that does not
    parse is one node of kind UNPARSABLE and of infinite cost, which can only be removed as a whole. Operators and
    contexts have no place in the text and belong to their parent. So do the parts of an f-string, which Python 3.11
    misplaces. A program of more than MOST_NODES nodes is cut at the greatest depth that has at most so many.
    """
    module = _parse(source)
    if module is None:
        return ProgramTree((UNPARSABLE,), ((0, len(source)),), (1,), (float("inf"),))
    whole = list(_walk(source, module))
    nodes = _cut(whole)
    spans, is_cut = tuple(node.span for node in nodes), len(nodes) < len(whole)
    return ProgramTree(tuple(node.kind for node in nodes), spans, _measure(nodes), _charge(spans, charges), is_cut)


def _parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():  # compile warnings concern the program's author, not its reader
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True, slots=True)
class _Node:
    kind: str
    span: Span
    depth: int


def _walk(source: str, module: ast.Module) -> Iterator[_Node]:
    """Yield the nodes of a module that have a place in the text, parents first. Takes no stack for nested ones."""
    places, open_nodes = Places(source), list[tuple[ast.AST, Span, int]]([(module, (0, len(source)), 0)])
    while open_nodes:
        node, span, depth = open_nodes.pop()
        yield _Node(type(node).__name__, span, depth)
        children = [] if isinstance(node, ast.JoinedStr) else _find_children(node, span, places)
        open_nodes += [(child, inner, depth + 1) for child, inner in reversed(children)]


def _find_children(node: ast.AST, span: Span, places: Places) -> list[tuple[ast.AST, Span]]:
    """Return the nearest nodes below with a place, in order. One that leaves its parent or overlaps another is none."""
    placed, others = list[tuple[Span, ast.AST]](), [node]
    while others:
        for child in ast.iter_child_nodes(others.pop()):
            if hasattr(child, "lineno"):
                placed.append((places.find(child), child))
            else:  # arguments, comprehensions …: only their children have a place
                others.append(child)
    placed.sort(key=lambda each: each[0])
    children, at = list[tuple[ast.AST, Span]](), span[0]
    for (start, end), child in placed:
        if at <= start < end <= span[1]:
            children.append((child, (start, end)))
            at = end
    return children


def _cut(nodes: list[_Node]) -> list[_Node]:
    """Return the nodes down to the greatest depth that has at most MOST_NODES."""
    if len(nodes) <= MOST_NODES:
        return nodes
    counts = Counter(node.depth for node in nodes)
    depth = -1 + next(
        number for number, total in enumerate(accumulate(counts[each] for each in sorted(counts))) if total > MOST_NODES
    )
    return [node for node in nodes if node.depth <= depth]


def _measure(nodes: Sequence[_Node]) -> tuple[int, ...]:
    """Return the number of nodes of each subtree."""
    sizes, parents = [1] * len(nodes), [0] * len(nodes)
    path = list[int]()
    for number, node in enumerate(nodes):
        del path[node.depth :]
        parents[number] = path[-1] if path else 0
        path.append(number)
    for number in range(len(nodes) - 1, 0, -1):
        sizes[parents[number]] += sizes[number]
    return tuple(sizes)


def _charge(spans: Sequence[Span], charges: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """Return the sum of the charges that each node owns."""
    costs, path, following = [0.0] * len(spans), [0], 1
    for offset, nats in sorted(charges, key=lambda charge: charge[0]):
        while following < len(spans) and spans[following][0] <= offset:
            while len(path) > 1 and spans[path[-1]][1] <= spans[following][0]:
                path.pop()
            path.append(following)
            following += 1
        while len(path) > 1 and spans[path[-1]][1] <= offset:
            path.pop()
        costs[path[-1]] += nats
    return tuple(costs)
