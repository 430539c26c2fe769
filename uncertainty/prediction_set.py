"""Keep the largest part of a program within a bound on uncertainty: exact, by dynamic programming.

Finds the holes for a given tau. Calibration chooses tau so that the promise holds; that is not done here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uncertainty.tree import UNPARSABLE, ProgramTree

COST_LIMIT = 10.0  # nats of one node; one wild token must not decide alone (PAC prediction sets, arXiv:2302.08703)
MOST_HOLES = 8

_Costs = NDArray[np.float64]  # [holes + 1, removed nodes + 1]: the least kept cost, in nats; infinite where none is


@dataclass(frozen=True, slots=True)
class PartialProgram:
    """A program with holes in place of some subtrees. The cost of the rest is within the bound."""

    source: str
    holes: tuple[tuple[int, int], ...]  # character spans, end exclusive, in order, disjoint
    removed: int  # syntax nodes inside the holes
    nodes: int
    cost: float  # nats kept

    def render(self, mark: str = "???") -> str:
        """Return the text with each hole replaced by a mark."""
        pieces, at = [], 0
        for start, end in self.holes:
            pieces += [self.source[at:start], mark]
            at = end
        return "".join([*pieces, self.source[at:]])


class _Cell(NamedTuple):
    removed: int
    cost: float
    holes: int


class HoleSets:
    """The smallest hole-sets of one program: for every tau, and for every number of holes up to a bound.

    The problem is that of PAC prediction sets (arXiv:2302.08703, section 3.3): remove the fewest nodes so that a kept
    node has a kept parent, the kept nodes cost at most -ln tau, and at most m kept nodes' children are removed (holes).
    """

    def __init__(self, tree: ProgramTree, most_holes: int, kept: Collection[int] = ()) -> None:
        """Solve all problems of a tree at once, in O(n² m) steps for n nodes and m holes.

        Costs are clamped to 0 … COST_LIMIT. kept: numbers of nodes that no hole-set may cut out, with the parents of
        each. Raises ValueError for a number of holes outside of 1 … MOST_HOLES.
        """
        if not 1 <= most_holes <= MOST_HOLES:
            raise ValueError(f"the number of holes is {most_holes}, wanted 1 to {MOST_HOLES}")
        self._tree = tree
        self._costs, self._removals = _solve(tree, most_holes, frozenset(kept))

    def removed(self, taus: Sequence[float], holes: int) -> NDArray[np.intp]:
        """Return, for each tau, how many nodes are removed with so many holes at most: [taus]."""
        falling = np.minimum.accumulate(self._costs[: holes + 1].min(0))
        return np.searchsorted(-falling, [-_bound(tau) for tau in taus])

    def hole_nodes(self, tau: float, holes: int) -> list[int]:
        """Return the numbers of the nodes that are holes, as in `partial`."""
        return self._read_holes(self._find_cell(_bound(tau), holes))

    def partial(self, source: str, tau: float, holes: int) -> PartialProgram:
        """Return the program with its holes. Of equal removals the cheaper is taken, then the one with fewer holes.

        source: the text of the tree. tau in (0, 1]: smaller keeps more. Raises ValueError for another.
        """
        return self._describe(source, self._find_cell(_bound(tau), holes))

    def least_sure(self, source: str, most_removed: int, holes: int) -> PartialProgram:
        """Return the program that costs least once at most so many nodes are removed, in so many holes at most.

        Of equal costs the one that removes fewer nodes is taken. source: the text of the tree.
        """
        costs = self._costs[: holes + 1, : most_removed + 1]
        fewest = costs.argmin(0)
        removed = int(costs.min(0).argmin())
        return self._describe(source, _Cell(removed, float(costs[fewest[removed], removed]), int(fewest[removed])))

    def _describe(self, source: str, cell: _Cell) -> PartialProgram:
        spans = tuple(self._tree.spans[node] for node in self._read_holes(cell))
        return PartialProgram(source, spans, cell.removed, len(self._tree), cell.cost)

    def _find_cell(self, bound: float, holes: int) -> _Cell:
        affordable = self._costs[: holes + 1] <= bound
        removed = int(affordable.any(0).argmax())  # the first
        column = self._costs[: holes + 1, removed]
        fewest = int(column.argmin())
        return _Cell(removed, float(column[fewest]), fewest)

    def _read_holes(self, cell: _Cell) -> list[int]:
        """Return the numbers of the nodes that are holes."""
        node, holes, removed, nodes = 0, cell.holes, cell.removed, list[int]()
        while node < len(self._tree):
            width, size = len(self._tree) - node + 1, self._tree.sizes[node]
            if _read_bit(self._removals[node], holes * width + removed):
                nodes.append(node)
                node, holes, removed = node + size, holes - 1, removed - size
            else:
                node += 1
        return nodes


def partial_program(source: str, tree: ProgramTree, *, tau: float, max_holes: int) -> PartialProgram:
    """Remove the fewest nodes so that the kept cost is at most -ln tau and there are at most `max_holes` holes.

    tau in (0, 1]: smaller keeps more. More holes never remove more. Raises ValueError for other numbers.
    """
    _bound(tau)
    return HoleSets(tree, max_holes).partial(source, tau, max_holes)


def _bound(tau: float) -> float:
    if not 0 < tau <= 1:
        raise ValueError(f"tau is {tau}, wanted 0 < tau <= 1; smaller keeps more of the program")
    return -math.log(tau)


def _solve(tree: ProgramTree, most_holes: int, kept: Collection[int]) -> tuple[_Costs, list[NDArray[np.uint8]]]:
    """Return the least costs of the tree, and for each node, as packed bits, in which cells it is removed.

    least[i][h, r] is the least kept cost of the nodes from i on, with h holes and r nodes removed. Node i is kept, and
    node i + 1 is next; or its subtree is removed, and the node behind it is next:
        least[i][h, r] = min(cost[i] + least[i + 1][h, r], least[i + size[i]][h - 1, r - size[i]])
    """
    count, sizes = len(tree), tree.sizes
    most = math.inf if tree.is_cut else COST_LIMIT  # what stands for many nodes may cost as much as they
    costs = [min(max(cost, 0.0), most) for cost in tree.costs] if tree.kinds != (UNPARSABLE,) else [math.inf]
    waiting = Counter([*range(1, count + 1), *(node + size for node, size in enumerate(sizes))])
    least, removals = {count: np.full((most_holes + 1, 1), np.inf)}, [np.empty(0, np.uint8)] * count
    least[count][0, 0] = 0.0
    for node in range(count - 1, -1, -1):
        size, width = sizes[node], count - node + 1
        best = np.full((most_holes + 1, width), np.inf)
        np.add(least[node + 1], costs[node], out=best[:, :-1])
        is_removed = np.zeros(best.shape, dtype=bool)
        if node not in kept:
            gone, place = least[node + size][:-1], best[1:, size:]
            np.less(gone, place, out=is_removed[1:, size:])
            np.minimum(gone, place, out=place)
        least[node], removals[node] = best, np.packbits(is_removed)
        for following in (node + 1, node + size):
            waiting[following] -= 1
            if not waiting[following]:
                del least[following]
    return least[0], removals


def _read_bit(bits: NDArray[np.uint8], place: int) -> bool:
    return bool(bits[place // 8] >> (7 - place % 8) & 1)
