"""Mutants of a program: the same tokens but for one, which the model nearly wrote. Decodes nothing.

Those that pass the visible examples, too, say what the examples leave open, and how probable it is (mutation testing:
DeMillo, Lipton & Sayward, doi:10.1109/C-M.1978.218136; the operators are the model's own doubts).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from agent.program.normal_form import normal_form
from agent.program.syntax import parse
from agent.records import Attempt
from agent.search.orders import BRANCH, ONWARD

LEAST = -5.0  # nats: what is less probable than this, against what was written, is no doubt
CONSIDERED = 16  # likeliest tokens that are put in another's place
LIKELY, MOST_SEEN = -2.5, 2  # nats; mutants that a person sees
SECONDS = 1.0  # that one may run: with one other token many a loop has no end


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program that differs in one token."""

    weight: float  # nats: logprob of its token, less that of the one it replaces
    program: str
    line: int  # the first that differs, from 1
    text: str  # of that line


def mutants(
    attempts: Sequence[Attempt], number: int, written: Callable[[Sequence[int]], str], *, any_name: bool = False
) -> Iterator[Mutant]:
    """Yield the mutants of an attempt, the likeliest first: what is Python, and no duplicate of it or of one before.

    written: the program that completion tokens make.
    """
    attempt = attempts[number]
    ways = {
        (position, token): logprob - attempt.logprobs[position]
        for position, token, logprob in _nearly_written(attempts, number)
        if token != attempt.tokens[position]
    }
    seen = {normal_form(attempt.program, any_name=any_name)}
    for (position, token), weight in sorted(ways.items(), key=lambda way: (-way[1], way[0]))[:CONSIDERED]:
        program = written([*attempt.tokens[:position], token, *attempt.tokens[position + 1 :]])
        form = normal_form(program, any_name=any_name)
        if weight >= LEAST and form not in seen and parse(program) is not None:
            seen.add(form)
            yield Mutant(weight, program, *_first_difference(attempt.program, program))


def likely(undecided: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of an answer's undecided mutants that a person should see: two at most, none that is improbable."""
    return [mutant for mutant in undecided if mutant["weight"] >= LIKELY][:MOST_SEEN]


def open_weight(weights: Sequence[float]) -> float:
    """Return ln(1 + sum of e^w): how probable all that the examples leave open is against the program, in nats."""
    return math.log1p(sum(math.exp(weight) for weight in weights))


class _Way(NamedTuple):
    position: int
    token: int
    logprob: float


def _nearly_written(attempts: Sequence[Attempt], number: int) -> Iterator[_Way]:
    """Yield what was not taken on an attempt's way: at its own forks, and up to where it left another attempt.

    What the other one said where it was left is no doubt: it was decoded, with the tail that belongs to it, and run.
    """
    attempt = attempts[number]
    for fork in attempt.forks:
        yield from (_Way(fork["position"], each["token"], each["logprob"]) for each in fork["candidates"])
    if attempt.edge.get("kind") in (BRANCH, ONWARD):
        parent, left = attempt.edge["parent"], attempt.edge["position"]
        yield from (way for way in _nearly_written(attempts, parent) if way.position <= left)


def _first_difference(one: str, other: str) -> tuple[int, str]:
    """Return the number and the text of the first line of `other` that `one` does not have there."""
    pairs = zip_longest(one.splitlines(), other.splitlines(), fillvalue="")
    return next(((n, theirs.strip()) for n, (mine, theirs) in enumerate(pairs, start=1) if mine != theirs), (1, ""))
