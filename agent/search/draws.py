"""Draw without replacement: where a fresh sample leaves what was written before (UniqueRandomizer, arXiv:2002.09067).

A draw that repeats an earlier answer up to some fork needs no forward until then: all probabilities there are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.records import Attempt, Edge, EdgeKind


class Beginning(NamedTuple):
    """The first tokens of a fresh sample. All but the last are those of an earlier attempt."""

    parent: int  # number of that attempt
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]  # nats, of each token


@dataclass(slots=True)
class _Node:
    """What was written or may be written behind the same tokens."""

    attempt: int  # number of the first that wrote these tokens
    logprobs: dict[int, float] = field(default_factory=dict)  # of each token that was written or considered here
    written: dict[int, _Node] = field(default_factory=dict)
    left: float = 0.0  # probability of what was not written yet, of all that may be written

    def weigh(self, temperature: float) -> dict[int, float]:
        """Return the probability of each token here, without what was written behind it; they sum to `left`."""
        most = max(self.logprobs.values(), default=0.0)
        masses = {token: math.exp((logprob - most) / temperature) for token, logprob in self.logprobs.items()}
        total = sum(masses.values())
        return {
            token: mass / total * (self.written[token].left if token in self.written else 1.0)
            for token, mass in masses.items()
        }


def leaves_parent(edge: Edge) -> bool:
    """Whether an attempt with this edge has its parent's tokens up to `edge.position`, and another one there."""
    return edge.kind == EdgeKind.BRANCH or (edge.kind == EdgeKind.SAMPLE and edge.token >= 0)


def draw_beginning(
    attempts: Sequence[Attempt], temperature: float, pick: Callable[[int], float], prompt: int = 0
) -> Beginning | None:
    """Return the first tokens of a fresh sample. The last one is a candidate that no attempt has taken.

    Its distribution is that of a draw among all candidates, at this temperature, that is repeated until it is new. None
    where every candidate was taken. pick: returns a number in [0, 1) for a position. prompt: number of the prompt that
    is answered.
    """
    nodes = _collect_nodes(attempts, prompt)
    for node in reversed(nodes):  # a node comes before those behind it
        node.left = sum(node.weigh(temperature).values())
    node, tokens, logprobs = nodes[0], list[int](), list[float]()
    while node.left:
        token = _choose(node.weigh(temperature), pick(len(tokens)) * node.left)
        tokens.append(token)
        logprobs.append(node.logprobs[token])
        if token not in node.written:
            return Beginning(node.attempt, tuple(tokens), tuple(logprobs))
        node = node.written[token]
    return None


def _collect_nodes(attempts: Sequence[Attempt], prompt: int) -> list[_Node]:
    """Return a node for each beginning of the attempts that answer a prompt, the shorter first; the first is empty."""
    root = _Node(0)
    nodes = [root]
    for number, attempt in enumerate(attempts):
        if attempt.prompt != prompt:
            continue
        node, forks = root, {fork.position: fork for fork in attempt.forks}
        for position, (token, logprob) in enumerate(zip(attempt.tokens, attempt.logprobs, strict=True)):
            considered = forks[position].candidates if position in forks else ()
            node.logprobs |= {each.token: each.logprob for each in considered} | {token: logprob}
            if token not in node.written:
                node.written[token] = _Node(number)
                nodes.append(node.written[token])
            node = node.written[token]
    return nodes


def _choose(weights: dict[int, float], mark: float) -> int:
    """Return the token at a mark of the weights' running sum; of what rounding leaves over, the likeliest token."""
    for token, weight in weights.items():
        if mark < weight:
            return token
        mark -= weight
    return max(weights, key=lambda token: weights[token])
