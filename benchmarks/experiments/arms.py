"""Ways to spend a budget on a task, with one record of cost: policies, with revisions, and what they must beat."""

from __future__ import annotations

import math
from dataclasses import replace

from agent.decoding import POLICIES, Policy
from agent.decoding.gates import LineStartGate, RandomGate
from agent.decoding.policies import ADADEC
from agent.search.orders import ORDERS
from agent.strategies import Contestant, best_of, once, redraw_degenerate, tree
from benchmarks.experiments.beam import beam


def by_chance(rate: float) -> Policy:
    """AdaDec that pauses at a share of all tokens, whatever the model says of them."""
    return replace(ADADEC, gate=RandomGate("entropy", math.nan, rate=rate))


LINE_START = replace(ADADEC, gate=LineStartGate("entropy", ADADEC.gate.threshold))

CONTESTANTS: dict[str, tuple[Policy, Contestant]] = {
    **{name: (policy, once) for name, policy in POLICIES.items()},
    "beam-3": (POLICIES["greedy"], beam(3)),
    "beam-5-chosen": (POLICIES["greedy"], beam(5, chosen=True)),
    "best-of-5": (POLICIES["sample"], best_of(5)),
    "greedy-guarded": (POLICIES["greedy"], redraw_degenerate),
    "adadec-guarded": (POLICIES["adadec"], redraw_degenerate),
    "adadec-line-start": (LINE_START, once),
    **{f"{name}-tree-{most}": (policy, tree(most)) for name, policy in POLICIES.items() for most in (5, 20)},
    **{f"tree-20-{order}": (POLICIES["greedy"], tree(20, order=order)) for order in ORDERS if order != "probability"},
    "adadec-tree-20-learned": (POLICIES["adadec"], tree(20, order="learned")),
    "greedy-repaired": (POLICIES["greedy"], tree(2, branches=False, repair_after=1)),
    "tree-20-unrepaired": (POLICIES["greedy"], tree(20, repair_after=0)),
    "tree-20-unbranched": (POLICIES["greedy"], tree(20, branches=False, repair_after=1)),
    "tree-20-unpruned": (POLICIES["greedy"], tree(20, prune=False)),
}
