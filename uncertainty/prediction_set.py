"""Keep the largest part of a program within a budget of uncertainty: exact, by dynamic programming.

Finds the holes for one given tau. Calibration chooses tau so that the promise holds; that is not done here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from uncertainty.tree import TreeNode

_Cells = dict[tuple[int, int], float]  # (holes, removed nodes) -> least kept cost, in nats


@dataclass(frozen=True, slots=True)
class PartialProgram:
    """A program with holes in place of some subtrees. The cost of the rest is within the budget."""

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


class _Table(NamedTuple):
    node: TreeNode
    cells: _Cells  # of this subtree, kept or removed
    steps: list[dict[tuple[int, int], tuple[int, int]]]  # for each child: the child's cell in each cell of the sum
    below: list[_Table]


def partial_program(source: str, tree: TreeNode, *, tau: float, max_holes: int) -> PartialProgram:
    """Remove the fewest nodes so that the kept cost is at most -ln tau and there are at most `max_holes` holes.

    tau in (0, 1]: smaller keeps more. More holes never remove more. Ties go to the lower cost, then to fewer holes.
    """
    budget = _budget(tau, max_holes)
    table = _solve(tree, max_holes)
    cell = _best(table.cells, budget)
    holes = tuple(sorted(_holes(table, cell)))
    return PartialProgram(source, holes, cell[1], tree.size, table.cells[cell])


def _budget(tau: float, max_holes: int) -> float:
    if not 0 < tau <= 1:
        raise ValueError(f"tau is {tau}, wanted 0 < tau <= 1; smaller keeps more of the program")
    if max_holes < 1:
        raise ValueError(f"max_holes is {max_holes}, wanted at least 1")
    return -math.log(tau)


def _best(cells: _Cells, budget: float) -> tuple[int, int]:
    affordable = [cell for cell, cost in cells.items() if cost <= budget]
    return min(affordable, key=lambda cell: (cell[1], cells[cell], cell[0]))


def _solve(node: TreeNode, max_holes: int) -> _Table:
    # f_v of PAC code sets' tree problem with the number of removed nodes as the integer axis; O(n² m²).
    cells: _Cells = {(0, 0): node.cost}
    steps, below = [], []
    for child in node.children:
        table = _solve(child, max_holes)
        cells, choices = _join(cells, table.cells, max_holes)
        below.append(table)
        steps.append(choices)
    return _Table(node, {**cells, (1, node.size): 0.0}, steps, below)


def _join(left: _Cells, right: _Cells, max_holes: int) -> tuple[_Cells, dict[tuple[int, int], tuple[int, int]]]:
    cells: _Cells = {}
    choices: dict[tuple[int, int], tuple[int, int]] = {}
    for (holes, nodes), cost in left.items():
        for (more_holes, more_nodes), more_cost in right.items():
            cell = (holes + more_holes, nodes + more_nodes)
            if cell[0] <= max_holes and cost + more_cost < cells.get(cell, math.inf):
                cells[cell], choices[cell] = cost + more_cost, (more_holes, more_nodes)
    return cells, choices


def _holes(table: _Table, cell: tuple[int, int]) -> list[tuple[int, int]]:
    if cell == (1, table.node.size):
        return [(table.node.start, table.node.end)]
    holes = []
    for step, below in zip(reversed(table.steps), reversed(table.below), strict=True):
        child = step[cell]
        holes += _holes(below, child)
        cell = (cell[0] - child[0], cell[1] - child[1])
    return holes
