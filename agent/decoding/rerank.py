"""Rerank by lookahead: try the likeliest tokens a few steps ahead and take the one with the better future.

AdaDec (arXiv:2506.08980), section 3.3, with B = width and L = horizon. Beam size one, so its lambda plays no part.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, get_args

from torch import Tensor

from agent.decoding.context import Place, Reading, Surroundings, likeliest
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.decoding.stops import END_TOKEN
from agent.lm.base import Batch, Prefix
from uncertainty.scores import surprisal

Ends = Literal["own", "past", "absorbing"]
NO_TOKEN = -1  # stands for one of which no rule says anything


@dataclass(slots=True)
class _Rollout:
    """A candidate and the greedy continuation tried for it; `total` is in nats."""

    candidate: Candidate
    completion: Completion
    ended: bool
    total: float
    row: int = 0  # in the batch, for candidates that were rolled out
    fed: int = 0  # what its row is fed next
    tokens: list[int] = field(default_factory=list)  # the continuation, without the candidate
    logits: list[Tensor] = field(default_factory=list)  # what each of them was taken from, [vocab]

    def grow(self, logits: Tensor, around: Surroundings, ends: Ends) -> None:
        token = argmax(logits)
        self.fed = token
        self.total -= surprisal(logits, token)
        if not self.ended:
            self.tokens.append(token)
            self.logits.append(logits)
            self.completion = self.completion.append(token)
            self.ended = _ends(self.completion, around, ends)


@dataclass(frozen=True, slots=True)
class Rerank:
    """Commits the candidate with the best mean logprob over itself and its greedy rollout.

    ends: how a rollout that ends before the horizon counts. "own": over its own length. "past": as the authors' code,
    while others go on it adds logprobs, not length. "absorbing": over the full length, nothing being uncertain behind
    an end. min_p: candidates less probable than this share of the likeliest are left out.
    """

    width: int = 3
    horizon: int = 5
    commit_rollout: bool = True  # go on along the winner's rollout while it is certain; changes no token
    ends: Ends = "own"
    min_p: float = 0.0
    cut: bool = False  # stop where no rollout that goes on can win; changes no token, only what the losers score
    name: ClassVar[str] = "rerank"

    def __post_init__(self) -> None:
        if self.width < 1 or self.horizon < 0:
            raise ValueError(f"width {self.width} and horizon {self.horizon} came; wanted width >= 1 and horizon >= 0")
        if self.ends not in get_args(Ends):
            raise ValueError(f"ends {self.ends!r} came; wanted own, past or absorbing")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p {self.min_p} came; wanted a share of the likeliest token, from 0 to 1")
        if self.cut and self.ends == "past":
            raise ValueError('cut and ends "past" came together; scores past an end can fall on, so choose one of them')

    def __call__(self, around: Surroundings, place: Place) -> Generator[Step, None, Place]:
        """Yield the winner and the certain part of its rollout; return the place after them."""
        return (yield from self.among(place.prefix.logits, around, place, (around.lm.forwards, around.lm.token_rows)))

    def among(
        self, ranked: Tensor, around: Surroundings, place: Place, start: tuple[int, int]
    ) -> Generator[Step, None, Place]:
        """Do so with the candidates that another distribution puts first: a contrast's, for one.

        ranked: logits, [vocab]. start: forwards and token rows before the pause began.
        """
        logits = place.prefix.logits
        reading = around.read(logits)
        rollouts = [self._begun(candidate, around, place) for candidate in self._candidates(ranked, reading, place)]
        batch = self._rolled_out(rollouts, around, place.prefix)
        winner = max(rollouts, key=lambda r: (self._score(r), r.candidate.logprob, -r.candidate.token))
        spent = around.lm.forwards - start[0], around.lm.token_rows - start[1]
        pause = Pause(around.reason(reading), self.name, self._seen(rollouts, place), winner.candidate.token, *spent)
        step, place = around.step(place, reading, winner.candidate.token, pause)
        yield step
        if place.end is not None or batch is None or not self.commit_rollout or around.policy.sampler is not argmax:
            return place
        return (yield from _certain_part(around, place, winner, batch))

    def _candidates(self, ranked: Tensor, reading: Reading, place: Place) -> list[Candidate]:
        """The likeliest by a ranking, each with the model's own logprob, the likeliest of them first."""
        first = likeliest(ranked, self.width, place.completion)
        logprobs = [float(reading.logprobs[each.token]) for each in first]
        found = [replace(each, logprob=own, score=own) for each, own in zip(first, logprobs, strict=True)]
        found.sort(key=lambda each: -each.logprob)
        least = found[0].logprob + math.log(self.min_p) if self.min_p else -math.inf
        return [each for each in found if each.logprob >= least]

    def _rolled_out(self, rollouts: list[_Rollout], around: Surroundings, prefix: Prefix) -> Batch | None:
        """Roll the candidates out together in at most `horizon` forwards; the last token of each is never fed."""
        live = [rollout for rollout in rollouts if self.ends == "past" or not rollout.ended]
        batch: Batch | None = None
        for depth in range(self.horizon):
            if (depth or self.ends != "past") and self._settled(rollouts):
                break
            if batch is None:
                batch = around.lm.branch(prefix, [rollout.candidate.token for rollout in live])
            else:  # a row that ended is fed along: rows keep equal length and nothing needs a mask
                batch = batch.advance([rollout.fed for rollout in live])
            for row, rollout in enumerate(live):
                rollout.row = row
                if self.ends == "past" or not rollout.ended:
                    rollout.grow(batch.logits[row], around, self.ends)
        return batch

    def _score(self, rollout: _Rollout) -> float:
        """Mean logprob over the candidate and its own rollout."""
        return rollout.total / (1 + (self.horizon if self.ends == "absorbing" else len(rollout.tokens)))

    def _settled(self, rollouts: list[_Rollout]) -> bool:
        """Whether all have ended, or none of those that go on can win.

        At best all that is to come has logprob 0, and the rollout is as long as it may be.
        """
        best = max((self._score(each) for each in rollouts if each.ended), default=-math.inf)
        return all(each.ended or (self.cut and each.total / (1 + self.horizon) < best) for each in rollouts)

    def _begun(self, candidate: Candidate, around: Surroundings, place: Place) -> _Rollout:
        completion = place.completion.append(candidate.token)
        ended = _ends(completion, around, self.ends)
        return _Rollout(candidate, completion, ended, candidate.logprob)

    def _seen(self, rollouts: list[_Rollout], place: Place) -> tuple[Candidate, ...]:
        begun = len(place.completion.text)
        return tuple(replace(r.candidate, score=self._score(r), text=r.completion.text[begun:]) for r in rollouts)


def _ends(completion: Completion, around: Surroundings, ends: Ends) -> bool:
    """Whether a rollout is over. The authors' code misses end tokens there, but no other end."""
    reason = around.stop(completion)
    if ends == "past" and reason == END_TOKEN:
        reason = around.stop(replace(completion, tokens=(*completion.tokens[:-1], NO_TOKEN)))
    return reason is not None


def _certain_part(around: Surroundings, place: Place, winner: _Rollout, batch: Batch) -> Generator[Step, None, Place]:
    """Commit the winner's rollout up to the first token that would itself pause.

    Exact: plain AdaDec sees the same distributions after the winner, and below the threshold takes the same argmax.
    """
    depth = batch.depth
    for fed, (token, logits) in enumerate(zip(winner.tokens, winner.logits, strict=True), start=1):
        reading = around.read(logits)
        if around.pauses_at(reading, place.completion):
            return replace(place, prefix=batch.select(winner.row, depth - fed))
        step, place = around.step(place, reading, token)
        yield step
        if place.end is not None:
            return place
    return replace(place, prefix=batch.select(winner.row, depth - len(winner.tokens)))
