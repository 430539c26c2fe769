"""Where a decoding run stands, and the surroundings in which it moves. Values; the loop makes new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from agent.decoding.samplers import uniform_at
from agent.decoding.step import Candidate, Completion, Pause, Step
from agent.decoding.stops import StopRule
from agent.lm import LM, Prefix
from uncertainty.scores import SCORES, surprisal

if TYPE_CHECKING:
    from agent.decoding.policies import Policy


@dataclass(frozen=True, slots=True)
class Place:
    """A completion and the prefix it grows from, which may lag behind: tokens are fed when logits are asked for."""

    prefix: Prefix
    completion: Completion
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a step may look at besides its place."""

    lm: LM
    policy: Policy
    stop: StopRule
    prompt_ids: tuple[int, ...]
    lame_ids: tuple[int, ...] | None = None  # USCD's weaker prompt; None where there is none
    seed: int = 0

    def fed(self, place: Place) -> Prefix:
        """Return the prefix of the whole completion: one forward for what is not fed yet, none if all is."""
        return self.lm.extend(place.prefix, place.completion.tokens[len(place.prefix.ids) - len(self.prompt_ids) :])

    def reason(self, logits: Tensor) -> str:
        """Say why there is a pause at this distribution. logits: [vocab]."""
        return self.policy.gate.reason(self.policy.gate.uncertainty(logits))

    def chosen(self, logits: Tensor, place: Place) -> int:
        """Return the sampler's token for this position. logits: [vocab]."""
        uniform = uniform_at(self.seed, len(place.completion.tokens))
        return self.policy.sampler(logits, uniform, place.completion.text)

    def step(self, place: Place, logits: Tensor, token: int, pause: Pause | None = None) -> tuple[Step, Place]:
        """Commit one token chosen from these logits; return its record and the place after it. logits: [vocab]."""
        completion = place.completion.append(token)
        end = self.stop(completion)
        text = completion.text[len(place.completion.text) :]
        scores = {name: SCORES[name](logits) for name in dict.fromkeys(("entropy", "margin", self.policy.gate.score))}
        return Step(token, text, -surprisal(logits, token), scores, pause, end), Place(place.prefix, completion, end)


def likeliest(logits: Tensor, width: int, completion: Completion) -> list[Candidate]:
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
