"""In which order the ways not taken are tried: small functions of an edge's features; the highest comes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.records import Attempt

Order = Callable[[Mapping[str, float], Mapping[str, float]], float]  # features, and weights where they were learned
DISCOUNT = 0.02  # nats a token: how much earlier forks are preferred
REPEATED = 0.5  # nats: what each program that says the same at its own place costs; lambda of arXiv:1610.02424
BRANCH, REPAIR, ONWARD = "branch", "repair", "onward"  # kinds of edges
BLAMED = 2.0  # nats: what a failure's pointing at the line is worth


@dataclass(frozen=True, slots=True)
class Edge:
    """A way not taken: another candidate where decoding was in doubt, a repair, or the rest of a chat answer."""

    kind: str  # BRANCH, REPAIR or ONWARD
    parent: int  # the attempt it leaves
    prior: float  # nats: what its prompt is worth against the first one
    path: float  # nats: the prior, and the logprob of all tokens up to the candidate
    position: int = 0  # of the candidate, in the completion
    token: int = -1
    logprob: float = 0.0
    score: float = 0.0  # as a resolver ranked the candidate; its logprob where none did
    text: str = ""
    entropy: float = 0.0  # nats, of the distribution there
    gap: float = 0.0  # logprob of what was taken, less this one's
    line: int = 0  # of the parent's program, from 1
    leaves: str = ""  # the parent's label


def said_by(attempts: Sequence[Attempt]) -> Counter[tuple[int, ...]]:
    """Return in how many attempts each token stands behind each other one; at their beginnings, by itself."""
    return Counter(pair for a in attempts for pair in {tuple(a.tokens[:1]), *zip(a.tokens, a.tokens[1:], strict=False)})


def features(edge: Edge, attempts: Sequence[Attempt], said: Mapping[tuple[int, ...], int]) -> dict[str, float]:
    """Return what the orders look at. All are numbers; nats where they come from the model. said: by `said_by`."""
    parent = attempts[edge.parent]
    if edge.kind != BRANCH:
        return {"path": edge.path, edge.kind: 1.0}
    before = parent.tokens[max(0, edge.position - 1) : edge.position]
    return {
        "path": edge.path,
        "logprob": edge.logprob,
        "entropy": edge.entropy,
        "gap": edge.gap,
        "lookahead": edge.score,
        "depth": float(edge.position),
        "said": float(said.get((*before, edge.token), 0)),
        "blamed": float(edge.line in parent.blamed),
    }


def probability(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the likeliest beginning first: the probability of all its tokens under the model."""
    return of["path"]


def entropy(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the most doubtful fork first, its likeliest candidate before the others."""
    return of["entropy"] + 1e-3 * of["logprob"] if "logprob" in of else of["path"]


def gap(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the candidate first that came nearest to being taken."""
    return -of["gap"] if "logprob" in of else of["path"]


def lookahead(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the candidate first whose lookahead was best; its own logprob counts where nobody looked."""
    return of["lookahead"] if "logprob" in of else of["path"]


def discounted(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the likeliest candidate first, early forks before late ones."""
    return of["logprob"] - DISCOUNT * of["depth"] if "logprob" in of else of["path"]


def diversity(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the likeliest beginning first, but behind others what programs that were seen already say elsewhere."""
    return of["path"] - REPEATED * of.get("said", 0.0)


def blame(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put the likeliest beginning first, and lines before others at which the failure points."""
    return of["path"] + BLAMED * of.get("blamed", 0.0)


def learned(of: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Put first what led to right programs on the calibration split: a linear form of the features."""
    return sum(weight * of.get(name, 0.0) for name, weight in weights.items())


ORDERS: dict[str, Order] = {
    "probability": probability,
    "entropy": entropy,
    "gap": gap,
    "lookahead": lookahead,
    "discounted": discounted,
    "diversity": diversity,
    "blame": blame,
    "learned": learned,
}
LOOKS_AT_LINES = ("blame", "learned")  # these need to know which lines a failing example ran
