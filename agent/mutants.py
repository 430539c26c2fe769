"""Mutants of a program: the same tokens but for one, which the model nearly wrote. Decodes nothing.

Those that pass the visible examples, too, say what the examples leave open, and how probable it is (mutation testing:
DeMillo, Lipton & Sayward, doi:10.1109/C-M.1978.218136; the operators are the model's own doubts).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.examples import parsed
from agent.normal import normal_form
from agent.state import Attempt

LEAST = -5.0  # nats: what is less probable than this, against what was written, is no doubt
CONSIDERED = 16  # likeliest tokens that are put in another's place


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program that differs in one token."""

    weight: float  # nats: logprob of its token, less that of the one it replaces
    program: str
    line: int  # of the program, from 1, in which the token stands
    text: str  # of that line


def mutants(
    attempts: Sequence[Attempt], number: int, written: Callable[[Sequence[int]], str], *, free: bool = False
) -> Iterator[Mutant]:
    """Yield the mutants of an attempt, the likeliest first: what is Python, and no twin of it or of one before.

    written: the program that completion tokens make.
    """
    attempt = attempts[number]
    ways = [
        (candidate["logprob"] - attempt.logprobs[fork["position"]], fork["position"], candidate["token"], fork["line"])
        for fork in _forks_of(attempts, number)
        for candidate in fork["candidates"]
        if candidate["token"] != attempt.tokens[fork["position"]]
    ]
    seen = {normal_form(attempt.program, free=free)}
    for weight, position, token, line in sorted(ways, key=lambda way: (-way[0], *way[1:]))[:CONSIDERED]:
        program = written([*attempt.tokens[:position], token, *attempt.tokens[position + 1 :]])
        form = normal_form(program, free=free)
        if weight >= LEAST and form not in seen and parsed(program) is not None:
            seen.add(form)
            lines = program.splitlines()
            yield Mutant(weight, program, line, lines[line - 1].strip() if line <= len(lines) else "")


def open_weight(weights: Sequence[float]) -> float:
    """Return ln(1 + sum of e^w): how probable all that the examples leave open is against the program, in nats."""
    return math.log1p(sum(math.exp(weight) for weight in weights))


def _forks_of(attempts: Sequence[Attempt], number: int) -> Iterator[dict[str, Any]]:
    """Yield the forks on an attempt's way: its own, and those of what it left, up to where it left it."""
    attempt = attempts[number]
    yield from attempt.forks
    if attempt.edge.get("kind") == "branch":
        parent, position = attempt.edge["parent"], attempt.edge["position"]
        yield from (fork for fork in _forks_of(attempts, parent) if fork["position"] <= position)
