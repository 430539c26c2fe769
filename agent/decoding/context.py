"""Where a decoding run stands, and the surroundings in which it moves. Values; the loop makes new ones."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from agent.decoding.gates import Gate
from agent.decoding.prompt_lookup import Draft
from agent.decoding.samplers import Sampler, uniform_at
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.decoding.stops import StopRule
from agent.lm.base import LM, Prefix
from uncertainty.scores import SCORES, log_probabilities

_LEAST_PROBABILITY = 0.0025  # a token less probable than this is no alternative
_MAX_OTHERS = 5  # alternatives kept of a step, besides a pause's candidates
_CERTAIN = math.log1p(-_LEAST_PROBABILITY)  # above it no other token can be an alternative


@dataclass(frozen=True, slots=True)
class DecodeState:
    """A completion and the prefix it grows from, which may lag behind: tokens are fed when logits are asked for."""

    prefix: Prefix
    completion: Completion
    end: str | None = None


class Distribution(NamedTuple):
    """A next-token distribution, normalised and scored once."""

    logprobs: Tensor  # [vocab], nats
    scores: dict[str, float]  # higher is more uncertain


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """All that a step may look at besides its place."""

    lm: LM
    policy: Policy
    stop: StopRule
    prompt_ids: tuple[int, ...]
    lame_ids: tuple[int, ...] | None = None  # USCD's weaker prompt; None where there is none
    seed: int = 0
    draft: Draft | None = None
    forking: bool = False  # steps name the tokens that were not taken, for a search that may come back

    def feed_with_draft(self, state: DecodeState) -> Iterable[tuple[Prefix, int | None]]:
        """Return the prefix of the completion and a guess at its next token, then the same behind each guess.

        One forward for the token that is not fed yet and every guess. The last prefix has no guess behind it.
        """
        unfed = self._unfed(state)
        guesses = self.draft((*state.prefix.ids, *unfed)) if self.draft and len(unfed) == 1 else ()
        if not guesses:
            return ((self.lm.extend(state.prefix, unfed), None),)
        prefixes = self.lm.extend_each(state.prefix, (*unfed, *guesses))
        return zip(prefixes, (*guesses, None), strict=False)  # shorter where the context ends

    def feed(self, state: DecodeState) -> Prefix:
        """Return the prefix of the whole completion: one forward for what is not fed yet, none if all is."""
        return self.lm.extend(state.prefix, self._unfed(state))

    def _unfed(self, state: DecodeState) -> tuple[int, ...]:
        return state.completion.tokens[len(state.prefix.ids) - len(self.prompt_ids) :]

    def score(self, logits: Tensor) -> Distribution:
        """Normalise and score a next-token distribution. logits: [vocab]."""
        logprobs = log_probabilities(logits)
        names = dict.fromkeys(("entropy", "margin", self.policy.gate.score))
        return Distribution(logprobs, {name: SCORES[name](logprobs, normalised=True) for name in names})

    def pauses_at(self, distribution: Distribution, completion: Completion) -> bool:
        """Whether the policy pauses at this distribution, which follows the completion."""
        gate = self.policy.gate
        return gate.pauses_at(distribution.scores[gate.score], len(completion.tokens), completion.text)

    def explain_pause(self, distribution: Distribution) -> str:
        """Say why there is a pause at this distribution."""
        return self.policy.gate.reason(distribution.scores[self.policy.gate.score])

    def sample(self, logits: Tensor, state: DecodeState) -> int:
        """Return the sampler's token for this position. logits: [vocab]."""
        uniform = uniform_at(self.seed, len(state.completion.tokens))
        return self.policy.sampler(logits, uniform, state.completion.text)

    def commit(
        self, state: DecodeState, distribution: Distribution, token: int, pause: Pause | None = None
    ) -> tuple[Step, DecodeState]:
        """Commit one token of this distribution; return its record and the place after it."""
        completion = state.completion.append(token)
        end = self.stop(completion)
        text = completion.text[len(state.completion.text) :]
        logprob = min(float(distribution.logprobs[token]), 0.0)
        others = self._others(state, distribution, token, pause) if self.forking and logprob <= _CERTAIN else ()
        return Step(token, text, logprob, distribution.scores, pause, end, others), DecodeState(
            state.prefix, completion, end
        )

    def _others(
        self, state: DecodeState, distribution: Distribution, token: int, pause: Pause | None
    ) -> tuple[Candidate, ...]:
        near = {
            candidate.token: candidate
            for candidate in top_candidates(distribution.logprobs, 1 + _MAX_OTHERS, state.completion)
        }
        near |= {candidate.token: candidate for candidate in (pause.candidates if pause else ())}
        found = [each for each in near.values() if each.token != token and each.logprob >= math.log(_LEAST_PROBABILITY)]
        return tuple(sorted(found, key=lambda each: (-each.logprob, each.token)))


def top_candidates(logits: Tensor, width: int, completion: Completion) -> list[Candidate]:
    """Return the `width` likeliest tokens, falling; of equals the lower id first. logits: [vocab]."""
    logp = logits.log_softmax(-1)
    # Ranked by logits, as an argmax is: normalising rounds near-ties into ties.
    cut = logits.topk(min(width, logits.shape[-1])).values[-1]
    ids = (logits >= cut).nonzero().flatten().tolist()  # ties at the cut included, so the order below decides them
    ranked = sorted(ids, key=lambda token: (-float(logits[token]), token))[:width]
    begun = len(completion.text)
    return [
        Candidate(t, float(logp[t]), float(logp[t]), completion.append(t).text[begun:])
        for t in ranked
        if logp[t] > -float("inf")
    ]


class Resolver(Protocol):
    """Settles a pause: commits at least one step."""

    @property
    def name(self) -> str:
        """The graph node that this resolver is. A contrast may leave a pause to a rerank, which then signs it."""
        ...

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield the committed steps; return the place after them. `place.prefix` is fed up to the pause."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """A named triple."""

    gate: Gate
    resolver: Resolver
    sampler: Sampler
