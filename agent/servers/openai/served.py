"""The model that a server answers with, and the two names under which it answers. Decodes nothing."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from agent.api import apply_profile
from agent.decoding import POLICIES, Gate, Policy
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import Temperature, argmax
from agent.lm.base import Model
from agent.profile import ModelProfile
from agent.strategies import Strategy
from sandbox.base import Sandbox

SOLVING = ":solve"  # ends the name under which programs are searched and run


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, and how it answers."""

    model: Model
    policy: Policy  # of an answer whose tokens are not drawn, and of programs
    strategy: Strategy  # by which programs are searched
    profile: ModelProfile
    max_tokens: int  # of an answer or a program, where the request says no number
    sandbox: Sandbox | None  # None: no programs are run, and there is one name
    since: int = field(default_factory=lambda: int(time.time()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it answers: the plain one, and the one that runs programs."""
        return (self.model.name, *([self.model.name + SOLVING] if self.sandbox is not None else ()))

    @property
    def doubt(self) -> Gate:
        """The gate that marks tokens as doubtful: the policy's, else AdaDec's, whether they are drawn or not."""
        gate = self.policy.gate
        return gate if math.isfinite(gate.threshold) else apply_profile(POLICIES["adadec"], self.profile).gate

    def choose_policy(self, temperature: float | None, top_p: float | None) -> Policy:
        """Return the policy of a plain answer. Tokens that are drawn are drawn at pauses, too, as in `solve`.

        temperature: None for the policy as it is, 0 for its likeliest tokens.
        """
        if temperature is None:
            return self.policy
        if temperature == 0:
            return replace(self.policy, sampler=argmax)
        gate = replace(self.policy.gate, threshold=math.inf)
        return Policy(gate, Rerank(), Temperature(temperature, top_p or 1.0))


def draws(policy: Policy) -> bool:
    """Whether a policy draws tokens, so that another seed gives another answer."""
    return policy.sampler is not argmax
