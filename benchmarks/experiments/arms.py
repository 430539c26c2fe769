"""Experiments as data: which policies and strategies are compared, over which benchmark, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from agent.search.budget import budget_from
from agent.search.orders import ORDERS
from agent.strategies import Adaptive, Beam, BestOf, BestOfRepaired, Once, Strategy, Tree
from benchmarks.experiments.rivals import RedrawDegenerate


class Match(NamedTuple):
    """The part of another arm's outcomes that an arm must equal. The other arm runs first."""

    arm: str
    part: Literal["cost", "pause rate"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration of an experiment: a policy by name, its threshold, and the strategy that runs it."""

    policy: str
    strategy: Strategy = field(default_factory=Once)
    threshold: float | None = None  # None: the policy's own
    match: Match | None = None  # it settles the strategy ("cost") or the gate ("pause rate")


class Bounds(NamedTuple):
    """The default bounds for the problems of a benchmark."""

    max_tokens: int = 512
    memory_mib: int | None = None
    budget: str | None = None  # of every tree
    samples: int = 20


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms over the same problems; the first arm is what the others are compared with."""

    question: str
    arms: Mapping[str, Arm]  # a name means the same arm in every experiment
    plot_axis: str = ""  # a key of `plots.AXES`; empty: no picture of costs
    with_curves: bool = False  # also draw samples, and report what is solved by how many tokens
    bounds: Bounds | None = None  # None: those of the benchmark
    with_trails: bool = False  # also judge every program of a search, for `bench budgets`


BOUNDS: dict[str, Bounds] = {
    "exercises": Bounds(),
    "HumanEval": Bounds(max_tokens=128, memory_mib=3072, budget="tokens=200", samples=8),
    "Mbpp": Bounds(max_tokens=128, memory_mib=3072, budget="tokens=100", samples=8),
}

_GREEDY, _ADADEC = Arm("greedy"), Arm("adadec")
_BEST_OF_5 = Arm("sample", BestOf.within(5))

EXPERIMENTS: dict[str, Experiment] = {
    "policies": Experiment(
        "What does each policy solve, and what does the same budget buy otherwise?",
        {
            "greedy": _GREEDY,
            "sample": Arm("sample"),
            "adadec": _ADADEC,
            "uscd": Arm("uscd"),
            "beam-3": Arm("greedy", Beam(3)),
            "best-of-5": _BEST_OF_5,
            "greedy-tree-5": Arm("greedy", Tree.within(5)),
            "adadec-tree-5": Arm("adadec", Tree.within(5)),
            "best-of-equal": Arm("sample", match=Match("adadec-tree-5", "cost")),
        },
        plot_axis="token_rows",
    ),
    "ablations": Experiment(
        "Which part of AdaDec is worth what: its gate, its rollouts, the guard against empty programs?",
        {
            "greedy": _GREEDY,
            "greedy-guarded": Arm("greedy", RedrawDegenerate()),
            "adadec": _ADADEC,
            "adadec-guarded": Arm("adadec", RedrawDegenerate()),
            "adadec-line-start": Arm("adadec-line-start"),
            "adadec-by-chance": Arm("adadec", match=Match("adadec", "pause rate")),
            "adadec-reference": Arm("adadec-reference"),
            "power": Arm("power"),
            "uscd-adadec": Arm("uscd-adadec"),
            "eg-cfg": Arm("eg-cfg"),
            "adapt": Arm("adapt"),
        },
    ),
    "sweep": Experiment(
        "At which threshold should AdaDec pause, in nats?",
        {
            "greedy": _GREEDY,
            "adadec": _ADADEC,
            **{f"adadec@{nats}": Arm("adadec", threshold=nats) for nats in (2.0, 1.5, 0.75, 0.5, 0.25, 0.1)},
        },
        plot_axis="pause-rate",
    ),
    "tree": Experiment(
        "Which order, which policy and which kinds of edges make the pause tree solve most by the fewest tokens?",
        {
            "greedy-tree-20": Arm("greedy", Tree.within(20)),
            "greedy-tree-5": Arm("greedy", Tree.within(5)),
            **{
                f"tree-20-{order}": Arm("greedy", Tree.within(20, order=order))
                for order in ORDERS
                if order != "probability"
            },
            "tree-20-unrepaired": Arm("greedy", Tree.within(20, repair_after=0)),
            "tree-20-unbranched": Arm("greedy", Tree.within(20, branches=False, repair_after=1)),
            "tree-20-unpruned": Arm("greedy", Tree.within(20, prune=False)),
            "adadec-tree-20": Arm("adadec", Tree.within(20)),
            "adadec-tree-5": Arm("adadec", Tree.within(5)),
            "uscd-tree-20": Arm("uscd", Tree.within(20)),
            "sample-tree-20": Arm("sample", Tree.within(20)),
            "beam-5-chosen": Arm("greedy", Beam(5, choose_by_examples=True)),
            "best-of-5": _BEST_OF_5,
            "adadec": _ADADEC,
        },
        with_curves=True,
    ),
    "real": Experiment(
        "On a real model, what is solved by how many tokens: by samples, by repairs, deeper, wider?",
        {
            "best-of": Arm("sample", BestOf.within(10)),
            "best-of-repaired": Arm("sample", BestOfRepaired.within(10)),
            "greedy-first": Arm("greedy", Adaptive.within(10, branches=False, repair_after=0, majority=True)),
            "tree": Arm("greedy", Tree.within(10)),
            "adaptive": Arm("greedy", Adaptive.within(10)),
            "adadec-adaptive": Arm("adadec", Adaptive.within(10)),
            "beam-3-chosen": Arm("greedy", Beam(3, choose_by_examples=True)),
            "adadec": _ADADEC,
            "uscd": Arm("uscd"),
        },
        bounds=Bounds(memory_mib=3072),
        with_trails=True,
    ),
    "orders": Experiment(
        "On a real model, in which order do branches of the pause tree solve most by the fewest tokens?",
        {order: Arm("greedy", Tree.within(5, order=order, repair_after=0)) for order in ORDERS if order != "learned"},
        bounds=Bounds(memory_mib=3072),
        with_trails=True,
    ),
    "cases": Experiment(
        "Where no example is given, do test cases of the model's own choose better programs?",
        {
            "adaptive": Arm("greedy", Adaptive.within(10)),
            "adaptive-without-cases": Arm("greedy", Adaptive.within(10, own_cases=False)),
        },
        with_trails=True,
    ),
    "card": Experiment(
        "What does a model solve greedily, and what with one repair?",
        {"greedy": _GREEDY, "greedy-repaired": Arm("greedy", Tree.within(2, branches=False, repair_after=1))},
    ),
}


def bounds_of(dataset: str) -> Bounds:
    """Return the bounds of a benchmark or of one of its splits."""
    return BOUNDS.get(dataset.partition("/")[0], Bounds())


def bounded(strategy: Strategy, budget: str | None) -> Strategy:
    """Return a strategy within a budget as well; one that is no tree spends what it spends."""
    if budget is None or not isinstance(strategy, Tree):
        return strategy
    return replace(strategy, config=replace(strategy.config, budget=budget_from(budget, strategy.config.budget)))
