"""Mutants of a program: the same tokens with one replaced by another that was probable there. Decodes and runs nothing.

Mutants that pass the visible examples, too, say what the examples leave open, and how probable that is (mutation
testing: DeMillo, Lipton & Sayward, doi:10.1109/C-M.1978.218136; here the model's own doubts are the operators).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from agent.program.normal_form import normal_form
from agent.program.syntax import parse
from agent.records import Attempt, EdgeKind
from agent.search.draws import leaves_parent

LEAST_WEIGHT = -5.0  # nats: a token less probable than this, against the one written, is no doubt
MUTANT_SECONDS = 1.0  # that one may run: with another token many a loop has no end
_CONSIDERED = 16  # likeliest tokens that are put in another's place


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program that differs in one token."""

    weight: float  # nats: logprob of its token, less that of the one it replaces
    program: str
    line: int  # the first that differs, from 1
    text: str  # of that line


def make_mutants(
    attempts: Sequence[Attempt], number: int, read_program: Callable[[Sequence[int]], str], *, any_name: bool = False
) -> Iterator[Mutant]:
    """Yield the mutants of an attempt, the likeliest first: valid Python, and no duplicate of the attempt or a mutant.

    read_program: returns the program in the tokens of a completion.
    """
    attempt = attempts[number]
    weights = {
        (position, token): logprob - attempt.logprobs[position]
        for position, token, logprob in _alternatives(attempts, number)
        if token != attempt.tokens[position]
    }
    seen = {normal_form(attempt.program, any_name=any_name)}
    for (position, token), weight in sorted(weights.items(), key=lambda each: (-each[1], each[0]))[:_CONSIDERED]:
        program = read_program([*attempt.tokens[:position], token, *attempt.tokens[position + 1 :]])
        form = normal_form(program, any_name=any_name)
        if weight >= LEAST_WEIGHT and form not in seen and parse(program) is not None:
            seen.add(form)
            yield Mutant(weight, program, *_first_difference(attempt.program, program))


def total_weight(weights: Sequence[float]) -> float:
    """Return ln(1 + sum of e^w): how probable all that the examples leave open is against the program, in nats."""
    return math.log1p(sum(math.exp(weight) for weight in weights))


class _Alternative(NamedTuple):
    position: int
    token: int
    logprob: float


def _alternatives(attempts: Sequence[Attempt], number: int) -> Iterator[_Alternative]:
    """Yield the candidates not taken on an attempt's way: at its own forks, and its parent's up to where it left it.

    The parent's own token at that place is no doubt: it was decoded with the tail that belongs to it, and run.
    """
    attempt = attempts[number]
    for fork in attempt.forks:
        yield from (_Alternative(fork.position, each.token, each.logprob) for each in fork.candidates)
    if attempt.edge and (leaves_parent(attempt.edge) or attempt.edge.kind == EdgeKind.READ_ON):
        parent, left = attempt.edge.parent, attempt.edge.position
        yield from (each for each in _alternatives(attempts, parent) if each.position <= left)


def _first_difference(one: str, other: str) -> tuple[int, str]:
    """Return the number and the text of the first line of `other` that `one` does not have there."""
    pairs = zip_longest(one.splitlines(), other.splitlines(), fillvalue="")
    return next(((n, theirs.strip()) for n, (mine, theirs) in enumerate(pairs, start=1) if mine != theirs), (1, ""))
