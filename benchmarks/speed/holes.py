"""Measure how fast hole-sets are found: for all taus at once, by the number of syntax nodes, and against z3.

Prints one line a measurement; takes half a minute. z3 comes with the development packages.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from agent.views.say import say
from uncertainty.prediction_set import HoleSets
from uncertainty.tree import ProgramTree

_TAUS = [math.exp(-step / 3) for step in range(1, 101)]
_EXAMPLE = "example: python -m benchmarks.speed.holes"


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m benchmarks.speed.holes", description=__doc__, epilog=_EXAMPLE).parse_args()
    for shape in ("bushy", "deep", "flat", "left"):
        for nodes, holes in ((300, 4), (3_000, 8), (6_000, 8)):
            tree = make_tree(nodes, shape)
            _print(
                f"{shape}, {nodes} nodes, {holes} holes, 100 taus",
                f"{1000 * _time(partial(find_all, tree, holes)):.0f} ms",
            )
    _print("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    tree = make_tree(12, "bushy")
    ours, theirs = _time(lambda: find_all(tree, 2)), _time(lambda: [ask_z3(tree, tau, 2) for tau in _TAUS[:5]])
    _print("12 nodes, 2 holes: z3, a tau, against ours, 100 taus", f"{theirs / 5 / ours:.0f} times as long")


def find_all(tree: ProgramTree, holes: int) -> None:
    """Find the hole-sets of a tree, for all taus and each number of holes."""
    sets = HoleSets(tree, holes)
    for most in range(1, holes + 1):
        sets.removed(_TAUS, most)


def make_tree(nodes: int, shape: str) -> ProgramTree:
    """Make a tree of so many nodes. left: deep, with a leaf at each level, as a sum is. Costs are up to 3 nats."""
    rng = random.Random(0)
    half, reach = nodes // 2, {"bushy": 8, "deep": 1}.get(shape, 1)
    parents = [0, *(rng.randrange(max(0, node - reach), node) for node in range(1, nodes))]
    if shape == "flat":
        parents = [0] * nodes
    if shape == "left":
        parents = [max(0, node - 1) if node < half else max(0, 2 * half - 1 - node) for node in range(nodes)]
    below = [list[int]() for _ in range(nodes)]
    for node in range(1, nodes):
        below[parents[node]].append(node)
    order, waiting = list[int](), [0]
    while waiting:
        order.append(waiting.pop())
        waiting += reversed(below[order[-1]])
    sizes = [1] * nodes
    for node in range(nodes - 1, 0, -1):
        sizes[parents[node]] += sizes[node]
    costs = tuple(3 * rng.random() for _ in order)
    return ProgramTree(("node",) * nodes, ((0, 1),) * nodes, tuple(sizes[node] for node in order), costs)


def ask_z3(tree: ProgramTree, tau: float, holes: int) -> Any:
    """Solve the problem of one tau by z3, as the paper does."""
    import z3  # noqa: PLC0415 - heavy, and a development package

    kept = [z3.Bool(f"kept{node}") for node in range(len(tree))]
    edges = [(node, child) for node in range(len(tree)) for child in tree.children(node)]
    solver = z3.Optimize()
    solver.add([z3.Implies(kept[child], kept[node]) for node, child in edges])
    cut = [z3.And(kept[node], z3.Not(kept[child])) for node, child in edges]
    solver.add(z3.Sum([z3.If(each, 1, 0) for each in (*cut, z3.Not(kept[0]))]) <= holes)
    solver.add(z3.Sum([z3.If(each, cost, 0.0) for each, cost in zip(kept, tree.costs, strict=True)]) <= -math.log(tau))
    solver.minimize(z3.Sum([z3.If(each, 0, 1) for each in kept]))
    return solver.check()


def _time(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of three runs."""
    seconds = list[float]()
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _print(name: str, value: str) -> None:
    say(f"{name:<60}{value}")


if __name__ == "__main__":
    main()
