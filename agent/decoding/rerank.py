"""Rerank by lookahead: try the likeliest tokens a few steps ahead and take the one with the better future.

AdaDec (arXiv:2506.08980), section 3.3, with B = width and L = horizon. Beam size one, so its lambda plays no part.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState, Distribution, top_candidates
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.lm.base import Batch, Prefix
from uncertainty.scores import surprisal


class Spent(NamedTuple):
    """The model's counters when a pause began, or what the pause cost."""

    forwards: int
    token_rows: int


@dataclass(slots=True)
class Rollout:
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
        """Mean logprob over the candidate and its rollout, in nats; higher is better."""
        return self.total / (1 + len(self.tokens))

    def grow(self, logits: Tensor, context: DecodeContext, rule: Rerank) -> None:
        """Take the greedy token. Behind its end a rollout grows no longer; only its total may fall on."""
        token = argmax(logits)
        self.fed = token
        self.total -= surprisal(logits, token)
        if not self.ended:
            self.tokens.append(token)
            self.logits.append(logits)
            self.completion = self.completion.append(token)
            self.ended = rule.ends(self.completion, context)


@dataclass(frozen=True, slots=True)
class Rerank:
    """Commits the candidate with the best mean logprob over itself and its greedy rollout (AdaDec, eq. 4)."""

    width: int = 3  # candidates
    horizon: int = 5  # tokens of a rollout, at most
    commit_rollout: bool = True  # go on along the winner's rollout while it is certain; changes no token
    name: ClassVar[str] = "rerank"
    grows_past_end: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.horizon < 0:
            raise ValueError(f"width {self.width} and horizon {self.horizon} came; wanted width >= 1 and horizon >= 0")

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield the winner and the certain part of its rollout; return the state after them."""
        start = Spent(context.lm.forwards, context.lm.token_rows)
        return (yield from self.among(state.prefix.logits, context, state, start))

    def among(
        self, ranked: Tensor, context: DecodeContext, state: DecodeState, start: Spent
    ) -> Generator[Step, None, DecodeState]:
        """Rerank the candidates that another distribution puts first, such as a contrasted one.

        ranked: logits, [vocab]. start: the model's counters when the pause began.
        """
        distribution = context.score(state.prefix.logits)
        candidates = self._candidates(ranked, distribution, state)
        rollouts = [self._rollout(candidate, context, state) for candidate in candidates]
        batch = self._roll_out(rollouts, context, state.prefix)
        winner = max(rollouts, key=lambda r: (r.score, r.candidate.logprob, -r.candidate.token))
        pause = Pause(
            context.explain_pause(distribution), self.name, _scored(rollouts, state), winner.candidate.token,
            context.lm.forwards - start.forwards, context.lm.token_rows - start.token_rows,
        )  # fmt: skip
        step, state = context.commit(state, distribution, winner.candidate.token, pause)
        yield step
        if state.end is not None or batch is None or not self.commit_rollout or context.policy.sampler is not argmax:
            return state
        return (yield from _certain_part(context, state, winner, batch))

    def ends(self, completion: Completion, context: DecodeContext) -> bool:
        """Whether a rollout is over."""
        return context.stop(completion) is not None

    def _candidates(self, ranked: Tensor, distribution: Distribution, state: DecodeState) -> list[Candidate]:
        """Return the likeliest by a ranking, each with the model's own logprob, the likeliest of them first."""
        first = top_candidates(ranked, self.width, state.completion)
        logprobs = [float(distribution.logprobs[each.token]) for each in first]
        candidates = [replace(each, logprob=own, score=own) for each, own in zip(first, logprobs, strict=True)]
        return sorted(candidates, key=lambda each: -each.logprob)

    def _rollout(self, candidate: Candidate, context: DecodeContext, state: DecodeState) -> Rollout:
        completion = state.completion.append(candidate.token)
        return Rollout(candidate, completion, self.ends(completion, context), candidate.logprob)

    def _roll_out(self, rollouts: list[Rollout], context: DecodeContext, prefix: Prefix) -> Batch | None:
        """Roll the candidates out together in at most `horizon` forwards; the last token of each is never fed."""
        live = [rollout for rollout in rollouts if self.grows_past_end or not rollout.ended]
        batch: Batch | None = None
        for depth in range(self.horizon):
            if (depth or not self.grows_past_end) and all(rollout.ended for rollout in rollouts):
                break
            if batch is None:
                batch = context.lm.branch(prefix, [rollout.candidate.token for rollout in live])
            else:  # a row that ended is fed along: rows keep equal length and nothing needs a mask
                batch = batch.advance([rollout.fed for rollout in live])
            for row, rollout in enumerate(live):
                rollout.row = row
                if self.grows_past_end or not rollout.ended:
                    rollout.grow(batch.logits[row], context, self)
        return batch


def _scored(rollouts: list[Rollout], state: DecodeState) -> tuple[Candidate, ...]:
    begun = len(state.completion.text)
    return tuple(replace(r.candidate, score=r.score, text=r.completion.text[begun:]) for r in rollouts)


def _certain_part(
    context: DecodeContext, state: DecodeState, winner: Rollout, batch: Batch
) -> Generator[Step, None, DecodeState]:
    """Commit the winner's rollout up to the first token that would itself pause.

    Exact: plain AdaDec sees the same distributions after the winner, and below the threshold takes the same argmax.
    """
    depth = batch.depth
    for fed, (token, logits) in enumerate(zip(winner.tokens, winner.logits, strict=True), start=1):
        distribution = context.score(logits)
        if context.pauses_at(distribution, state.completion):
            return replace(state, prefix=batch.select(winner.row, depth - fed))
        step, state = context.commit(state, distribution, token)
        yield step
        if state.end is not None:
            return state
    return replace(state, prefix=batch.select(winner.row, depth - len(winner.tokens)))
