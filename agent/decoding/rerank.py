"""Rerank by lookahead: roll the likeliest tokens out for a few steps and commit the one with the best future.

AdaDec (arXiv:2506.08980), section 3.3, with B = width and L = horizon. Beam size 1 leaves its lambda no part.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import ClassVar

from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState, Distribution, top_candidates
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.lm.base import Batch, Prefix, Usage
from uncertainty.scores import Summary, surprisal


@dataclass(slots=True)
class Rollout:
    """A candidate and one continuation of it."""

    candidate: Candidate
    completion: Completion
    ended: bool
    total: float  # logprob of the candidate and its continuation, in nats
    number: int = 0  # among the rollouts of its candidate
    row: int = 0  # its index in the batch
    next_token: int = 0  # the token to feed to its row
    tokens: list[int] = field(default_factory=list)  # the continuation, without the candidate
    before: list[tuple[Tensor, Summary | None]] = field(default_factory=list)  # logits before each of them, [vocab]

    @property
    def score(self) -> float:
        """Mean logprob over the candidate and its rollout, in nats; higher is better."""
        return self.total / (1 + len(self.tokens))

    def grow(self, logits: Tensor, summary: Summary | None, context: DecodeContext, rule: Rerank) -> None:
        """Append the rule's token. After its end a rollout gets no longer, but its total may still fall."""
        token = self.next_token = rule.continue_with(logits, summary, context, self)
        known = summary is not None and summary.token == token
        self.total -= max(-summary.logprob, 0.0) if summary and known else surprisal(logits, token)
        if not self.ended:
            self.tokens.append(token)
            self.before.append((logits, summary))
            self.completion = self.completion.append(token)
            self.ended = rule.ends(self.completion, context)


@dataclass(frozen=True, slots=True)
class Rerank:
    """Commits the candidate with the best mean logprob over itself and its greedy rollout (AdaDec, eq. 4)."""

    width: int = 3  # candidates
    horizon: int = 5  # the most tokens of a rollout
    commit_rollout: bool = True  # commit its certain part at once; changes no token
    name: ClassVar[str] = "rerank"
    grows_past_end: ClassVar[bool] = False  # True in the reference of AdaDec alone
    greedy_rollouts: ClassVar[bool] = True  # only a greedy rollout is what decoding would take

    def __post_init__(self) -> None:
        if self.width < 1 or self.horizon < 0:
            raise ValueError(f"width {self.width} and horizon {self.horizon} came; wanted width >= 1 and horizon >= 0")

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield the winner and the certain part of its rollout; return the state after them."""
        start = Usage.read(context.lm)
        return (yield from self.choose(state.prefix.logits, context, state, start))

    def choose(
        self, ranked: Tensor, context: DecodeContext, state: DecodeState, start: Usage
    ) -> Generator[Step, None, DecodeState]:
        """Rerank the candidates that `ranked` puts first: the model's logits, or a contrasted ranking. [vocab].

        start: the model's counters when the pause began.
        """
        distribution = context.score(state.prefix.logits, state.prefix.summary)
        groups, batch = self._roll_out_candidates(ranked, distribution, context, state)
        scored = tuple(self._describe_candidate(rollouts, state) for rollouts in groups)
        winner = max(scored, key=lambda each: (each.score, each.logprob, -each.token))
        cost = Usage.read(context.lm).since(start)
        pause = Pause(context.explain_pause(distribution), self.name, scored, winner.token, *cost)
        step, state = context.commit(state, distribution, winner.token, pause)
        yield step
        rollout, committable = groups[scored.index(winner)][0], self.commit_rollout and self.greedy_rollouts
        if state.end is not None or batch is None or not (committable and context.policy.sampler is argmax):
            return state
        return (yield from _commit_certain_part(context, state, rollout, batch)) if rollout.tokens else state

    def look_ahead(self, context: DecodeContext, state: DecodeState) -> tuple[Candidate, ...]:
        """Return the likeliest candidates, each with its rollout as text and its score. Commits none."""
        distribution = context.score(state.prefix.logits, state.prefix.summary)
        groups, _ = self._roll_out_candidates(state.prefix.logits, distribution, context, state)
        return tuple(self._describe_candidate(rollouts, state) for rollouts in groups)

    def _roll_out_candidates(
        self, ranked: Tensor, distribution: Distribution, context: DecodeContext, state: DecodeState
    ) -> tuple[list[list[Rollout]], Batch | None]:
        """Return the rollouts of each of the first candidates of a ranking, and the batch that they grew in."""
        candidates = self._candidates(ranked, distribution, state)
        groups = [self.start_rollouts(candidate, context, state) for candidate in candidates]
        return groups, self._roll_out(list(chain.from_iterable(groups)), context, state.prefix)

    def ends(self, completion: Completion, context: DecodeContext) -> bool:
        """Decide whether a rollout is over."""
        return context.ends_rollout(completion)

    def _candidates(self, ranked: Tensor, distribution: Distribution, state: DecodeState) -> list[Candidate]:
        """Return the first tokens of a ranking, each with the model's own logprob, by falling logprob."""
        first = top_candidates(ranked, self.width, state.completion)
        logprobs = [distribution.logprob(each.token) for each in first]
        candidates = [replace(each, logprob=own, score=own) for each, own in zip(first, logprobs, strict=True)]
        return sorted(candidates, key=lambda each: -each.logprob)

    def start_rollout(self, candidate: Candidate, context: DecodeContext, state: DecodeState) -> Rollout:
        """Return the rollout of a candidate before it grows."""
        completion = state.completion.append(candidate.token)
        return Rollout(candidate, completion, self.ends(completion, context), candidate.logprob)

    def start_rollouts(self, candidate: Candidate, context: DecodeContext, state: DecodeState) -> list[Rollout]:
        """Return the rollouts of a candidate, one by default, before they grow."""
        return [self.start_rollout(candidate, context, state)]

    def continue_with(self, logits: Tensor, summary: Summary | None, context: DecodeContext, rollout: Rollout) -> int:
        """Return the token that a rollout takes next: the likeliest. logits: [vocab]."""
        return argmax(logits) if summary is None else summary.token

    def score(self, rollouts: list[Rollout]) -> float:
        """Return what a candidate with these rollouts is worth; higher is better."""
        return rollouts[0].score

    def _describe_candidate(self, rollouts: list[Rollout], state: DecodeState) -> Candidate:
        text = rollouts[0].completion.text[len(state.completion.text) :]
        return replace(rollouts[0].candidate, score=self.score(rollouts), text=text)

    def _roll_out(self, rollouts: list[Rollout], context: DecodeContext, prefix: Prefix) -> Batch | None:
        """Roll the candidates out together in at most `horizon` forwards. The last token of each is never fed."""
        live = [rollout for rollout in rollouts if not rollout.ended]
        batch: Batch | None = None
        for _ in range(self.horizon):
            if all(rollout.ended for rollout in rollouts):
                break
            if batch is None:
                batch = context.lm.branch(prefix, [rollout.candidate.token for rollout in live])
            else:  # rows that ended are fed too: rows of equal length need no mask
                batch = batch.advance([rollout.next_token for rollout in live])
            for row, rollout in enumerate(live):
                rollout.row = row
                if self.grows_past_end or not rollout.ended:
                    summary = batch.summaries[row] if batch.summaries else None
                    rollout.grow(batch.logits[row], summary, context, self)
        return batch


def _commit_certain_part(
    context: DecodeContext, state: DecodeState, winner: Rollout, batch: Batch
) -> Generator[Step, None, DecodeState]:
    """Commit the winner's rollout up to the first token that would pause.

    This is exact: AdaDec without it sees the same distributions, and below the threshold it takes the same argmax.
    """
    depth = batch.depth
    for fed, (token, before) in enumerate(zip(winner.tokens, winner.before, strict=True), start=1):
        distribution = context.score(*before)
        if context.pauses_at(distribution, state.completion):
            return replace(state, prefix=batch.select(winner.row, depth - fed))
        step, state = context.commit(state, distribution, token)
        yield step
        if state.end is not None:
            return state
    return replace(state, prefix=batch.select(winner.row, depth - len(winner.tokens)))
