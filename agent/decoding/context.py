"""The state of one decoding and the context that stays the same: what gates, resolvers and samplers see."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor

from agent.decoding.gates import Gate
from agent.decoding.prompt_lookup import Draft
from agent.decoding.samplers import Sampler, argmax, pick_uniform
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.decoding.stops import StopRule
from agent.lm.base import LM, Prefix
from uncertainty.scores import SCORES, Summary, log_probabilities

CodeRegion = Callable[[str], bool]  # from the text of a completion to whether the next token belongs to the program
# From the text of a completion to the ids of a prompt that also shows how its lines run; None where they cannot run.
TracedPromptWriter = Callable[[str], tuple[int, ...] | None]

_LEAST_PROBABILITY = 0.0025  # of an alternative
_MAX_OTHERS = 5  # alternatives of a step, besides the candidates of its pause
_CERTAIN = math.log1p(-_LEAST_PROBABILITY)  # above this logprob no other token can be an alternative


@dataclass(frozen=True, slots=True)
class DecodeState:
    """A completion and its prefix. The prefix may lag behind: tokens are fed only when their logits are needed."""

    prefix: Prefix
    completion: Completion
    end: str | None = None  # the stop rule's reason, once the completion is over


def everywhere(text: str) -> bool:
    """Return True: a completion that is no chat answer is code throughout."""
    return True


def trace_nothing(text: str) -> tuple[int, ...] | None:
    """Return None: nobody runs the lines of this completion."""
    return None


@dataclass(frozen=True, eq=False)
class Distribution:
    """A next-token distribution and its scores."""

    logits: Tensor  # [vocab]
    scores: dict[str, float]  # higher is more uncertain
    summary: Summary | None = None

    @cached_property
    def logprobs(self) -> Tensor:
        """Log-probabilities, in nats. [vocab]."""
        return log_probabilities(self.logits)

    def logprob(self, token: int) -> float:
        """Return the log-probability of a token, in nats."""
        if self.summary is not None and token == self.summary.token:
            return self.summary.logprob
        return float(self.logprobs[token])


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """All that a step may look at besides its state."""

    lm: LM
    policy: Policy
    stop: StopRule
    prompt_ids: tuple[int, ...]
    lame_ids: tuple[int, ...] | None = None  # USCD's weaker prompt, if there is one
    seed: int = 0
    draft: Draft | None = None
    forking: bool = False  # steps carry alternatives, for a search that may return to them
    in_code: CodeRegion = everywhere  # only tokens in it are pauses or have alternatives
    write_traced_prompt: TracedPromptWriter = trace_nothing  # the better prompt of EG-CFG
    alternatives: int = 0  # how many of the likeliest other tokens a step carries; 0 leaves it to `forking`

    def feed_with_draft(self, state: DecodeState) -> Iterable[tuple[Prefix, int | None]]:
        """Feed what the prefix lacks and, in the same forward, draft tokens for what may follow.

        Yields pairs of a prefix and the draft token that it expects next, longer and longer. The last pair has no draft
        token. Stop at the first draft token that proves wrong: the prefixes behind it are not of this completion.
        """
        unfed = self._unfed(state)
        drafted = self.draft((*state.prefix.ids, *unfed)) if self.draft and len(unfed) == 1 else ()
        if not drafted:
            return ((self.lm.extend(state.prefix, unfed), None),)
        prefixes = self.lm.extend_each(state.prefix, (*unfed, *drafted))
        return zip(prefixes, (*drafted, None), strict=False)  # shorter where the context ends

    def feed(self, state: DecodeState) -> Prefix:
        """Return the prefix of the whole completion: one forward if any token is not fed yet, else none."""
        return self.lm.extend(state.prefix, self._unfed(state))

    def _unfed(self, state: DecodeState) -> tuple[int, ...]:
        return state.completion.tokens[len(state.prefix.ids) - len(self.prompt_ids) :]

    def score(self, logits: Tensor, summary: Summary | None = None) -> Distribution:
        """Score a next-token distribution. logits: [vocab]. summary: of these logits, if there is one."""
        scores = {} if summary is None else {"entropy": summary.entropy, "margin": summary.margin}
        distribution = Distribution(logits, scores, summary)
        for name in ("entropy", "margin", self.policy.gate.score):
            if name not in scores:
                scores[name] = SCORES[name](distribution.logprobs, normalised=True)
        return distribution

    def pauses_at(self, distribution: Distribution, completion: Completion) -> bool:
        """Decide whether the policy pauses before the token behind this completion: only in code, and by its gate."""
        gate = self.policy.gate
        fires = gate.pauses_at(distribution.scores[gate.score], len(completion.tokens), completion.text)
        return fires and self.in_code(completion.text)

    def ends_rollout(self, completion: Completion) -> bool:
        """Decide whether a lookahead is over: where decoding stops, and where the code does."""
        return self.stop(completion) is not None or not self.in_code(completion.text)

    def explain_pause(self, distribution: Distribution) -> str:
        """Describe why the policy pauses at this distribution."""
        return self.policy.gate.reason(distribution.scores[self.policy.gate.score])

    def sample(self, logits: Tensor, state: DecodeState, summary: Summary | None = None) -> int:
        """Return the token that the sampler chooses. logits: [vocab]. summary: of these logits, if there is one."""
        if summary is not None and self.policy.sampler is argmax:
            return summary.token
        uniform = pick_uniform(self.seed, len(state.completion.tokens))
        return self.policy.sampler(logits, uniform, state.completion.text)

    def commit(
        self,
        state: DecodeState,
        distribution: Distribution,
        token: int,
        pause: Pause | None = None,
        *,
        is_written: bool = False,
    ) -> tuple[Step, DecodeState]:
        """Append one token of this distribution; return its record and the state after it.

        is_written: by a person, so that it says nothing of what the model doubts.
        """
        completion = state.completion.append(token)
        end = self.stop(completion)
        text = completion.text[len(state.completion.text) :]
        logprob = 0.0 if is_written else min(distribution.logprob(token), 0.0)
        others = self._list_others(state, distribution, token, pause)  # a search may still return here
        return Step(token, text, logprob, distribution.scores, pause, end, others), DecodeState(
            state.prefix, completion, end
        )

    def _list_others(
        self, state: DecodeState, distribution: Distribution, token: int, pause: Pause | None
    ) -> tuple[Candidate, ...]:
        if self.alternatives:
            likeliest = top_candidates(distribution.logprobs, 1 + self.alternatives, state.completion)
            return tuple(each for each in likeliest if each.token != token)[: self.alternatives]
        forks = self.forking and distribution.logprob(token) <= _CERTAIN and self.in_code(state.completion.text)
        return self._others(state, distribution, token, pause) if forks else ()

    def _others(
        self, state: DecodeState, distribution: Distribution, token: int, pause: Pause | None
    ) -> tuple[Candidate, ...]:
        candidates = {
            candidate.token: candidate
            for candidate in top_candidates(distribution.logprobs, 1 + _MAX_OTHERS, state.completion)
        }
        candidates |= {candidate.token: candidate for candidate in (pause.candidates if pause else ())}
        others = [
            each for each in candidates.values() if each.token != token and each.logprob >= math.log(_LEAST_PROBABILITY)
        ]
        return tuple(sorted(others, key=lambda each: (-each.logprob, each.token)))


def top_candidates(logits: Tensor, width: int, completion: Completion) -> list[Candidate]:
    """Return the `width` likeliest tokens by falling probability, of equals the lower id first. logits: [vocab]."""
    logp = logits.log_softmax(-1)
    # Logits rank the tokens, as in an argmax: normalising rounds near-ties into ties.
    lowest = logits.topk(min(width, logits.shape[-1])).values[-1]
    ids = (logits >= lowest).nonzero().flatten()  # with all ties, which the order below decides
    ranked = sorted(zip((-logits[ids]).tolist(), ids.tolist(), logp[ids].tolist(), strict=True))[:width]
    start = len(completion.text)
    return [
        Candidate(token, logprob, logprob, completion.append(token).text[start:])
        for _, token, logprob in ranked
        if logprob > -math.inf
    ]


class Resolver(Protocol):
    """Settles a pause by committing at least one step."""

    @property
    def name(self) -> str:
        """The name of its node in the graph. A contrast may delegate a pause to a rerank, which then signs it."""
        ...

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield the committed steps; return the state after them. `state.prefix` is fed up to the pause."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """A gate that decides when to pause, a resolver that settles pauses, and a sampler for every other token."""

    gate: Gate
    resolver: Resolver
    sampler: Sampler

    @property
    def contrasts(self) -> bool:
        """Whether its resolver reads the lame prompt."""
        return bool(getattr(self.resolver, "contrasts", False))
