"""Rerank by lookahead: try the likeliest tokens a few steps ahead and take the one with the better future.

AdaDec (arXiv:2506.08980), section 3.3, with B = width and L = horizon. Beam size one, so its lambda plays no part.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor

from agent.decoding.place import Place, Surroundings, likeliest
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.decoding.stops import END_TOKEN
from agent.lm import Batch, Prefix
from uncertainty.scores import surprisal


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

    @property
    def score(self) -> float:
        """Mean logprob over the candidate and its own rollout; for how ends count see Rerank.past_ends."""
        return self.total / (1 + len(self.tokens))

    def grow(self, logits: Tensor, around: Surroundings, *, past_ends: bool) -> None:
        token = argmax(logits)
        self.fed = token
        if past_ends or not self.ended:
            self.total -= surprisal(logits, token)
        if not self.ended:
            self.tokens.append(token)
            self.logits.append(logits)
            self.completion = self.completion.append(token)
            self.ended = _ends(self.completion, around, past_ends=past_ends)


@dataclass(frozen=True, slots=True)
class Rerank:
    """Commits the candidate with the best mean logprob over itself and its greedy rollout."""

    width: int = 3
    horizon: int = 5
    commit_rollout: bool = True  # go on along the winner's rollout while it is certain; changes no token
    past_ends: bool = False  # as the authors' code: while others go on, a rollout that ended adds logprobs, not length
    name: ClassVar[str] = "rerank"

    def __post_init__(self) -> None:
        if self.width < 1 or self.horizon < 0:
            raise ValueError(f"width {self.width} and horizon {self.horizon} came; wanted width >= 1 and horizon >= 0")

    def __call__(self, around: Surroundings, place: Place) -> Generator[Step, None, Place]:
        """Yield the winner and the certain part of its rollout; return the place after them."""
        start = around.lm.forwards, around.lm.token_rows
        logits = place.prefix.logits
        reading = around.read(logits)
        rollouts = [
            self._begun(candidate, around, place) for candidate in likeliest(logits, self.width, place.completion)
        ]
        batch = self._rolled_out(rollouts, around, place.prefix)
        winner = max(rollouts, key=lambda r: (r.score, r.candidate.logprob, -r.candidate.token))
        spent = around.lm.forwards - start[0], around.lm.token_rows - start[1]
        pause = Pause(around.reason(reading), self.name, _seen(rollouts, place), winner.candidate.token, *spent)
        step, place = around.step(place, reading, winner.candidate.token, pause)
        yield step
        if place.end is not None or batch is None or not self.commit_rollout or around.policy.sampler is not argmax:
            return place
        return (yield from _certain_part(around, place, winner, batch))

    def _rolled_out(self, rollouts: list[_Rollout], around: Surroundings, prefix: Prefix) -> Batch | None:
        """Roll the candidates out together in at most `horizon` forwards; the last token of each is never fed."""
        live = [rollout for rollout in rollouts if self.past_ends or not rollout.ended]
        if not live or not self.horizon:
            return None
        batch = around.lm.branch(prefix, [rollout.candidate.token for rollout in live])
        self._grow(live, batch, around)
        for _ in range(self.horizon - 1):
            if all(rollout.ended for rollout in live):
                break
            # A row that ended is fed along: rows keep equal length and nothing needs a mask.
            batch = batch.advance([rollout.fed for rollout in live])
            self._grow(live, batch, around)
        return batch

    def _begun(self, candidate: Candidate, around: Surroundings, place: Place) -> _Rollout:
        completion = place.completion.append(candidate.token)
        ended = _ends(completion, around, past_ends=self.past_ends)
        return _Rollout(candidate, completion, ended, candidate.logprob)

    def _grow(self, live: list[_Rollout], batch: Batch, around: Surroundings) -> None:
        for row, rollout in enumerate(live):
            rollout.row = row
            rollout.grow(batch.logits[row], around, past_ends=self.past_ends)


def _ends(completion: Completion, around: Surroundings, *, past_ends: bool) -> bool:
    """Whether a rollout is over. The authors' code misses end tokens there."""
    reason = around.stop(completion)
    return reason is not None and not (past_ends and reason == END_TOKEN)


def _seen(rollouts: list[_Rollout], place: Place) -> tuple[Candidate, ...]:
    begun = len(place.completion.text)
    return tuple(replace(r.candidate, score=r.score, text=r.completion.text[begun:]) for r in rollouts)


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
