"""Priority functions over the frontier (best-first search): the edge with the highest priority is followed next.

Each is a small function of an edge's features, and of weights where they were learned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from agent.records import Attempt, Edge, EdgeKind

Priority = Callable[[Mapping[str, float], Mapping[str, float]], float]  # (features, weights)
_BLAMED = 2.0  # nats: what a failure that points at the line is worth


def count_pairs(attempts: Sequence[Attempt]) -> Counter[tuple[int, ...]]:
    """Count the attempts in which each token follows each other one. A first token is counted by itself."""
    return Counter(pair for a in attempts for pair in {tuple(a.tokens[:1]), *zip(a.tokens, a.tokens[1:], strict=False)})


def edge_features(edge: Edge, attempts: Sequence[Attempt], pairs: Mapping[tuple[int, ...], int]) -> dict[str, float]:
    """Return what the priority functions look at; nats where it comes from the model. pairs: by `count_pairs`."""
    parent = attempts[edge.parent]
    if edge.kind != EdgeKind.BRANCH:
        return {"path": edge.path, edge.kind: 1.0}
    before = parent.tokens[max(0, edge.position - 1) : edge.position]
    return {
        "path": edge.path,
        "logprob": edge.logprob,
        "entropy": edge.entropy,
        "gap": edge.gap,
        "lookahead": edge.score,
        "depth": float(edge.position),
        "said": float(pairs.get((*before, edge.token), 0)),
        "blamed": float(edge.line in parent.blamed),
    }


def by_probability(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Prefer the likeliest beginning: the probability of all its tokens under the model."""
    return features["path"]


def by_blame(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Prefer the likeliest beginning, with a bonus for a line that the failure points at."""
    return features["path"] + _BLAMED * features.get("blamed", 0.0)


def by_learned_weights(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Prefer what led to right programs on the calibration split: a linear form of the features."""
    return sum(weight * features.get(name, 0.0) for name, weight in weights.items())


ORDERS: dict[str, Priority] = {
    "probability": by_probability,
    "blame": by_blame,
    "learned": by_learned_weights,
}
LOOKS_AT_LINES = ("blame", "learned")  # these need the lines that a failing example ran
