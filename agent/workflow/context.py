"""The parts of a run that are never stored: model, policy, sandbox, bounds. Enforces the budget; decides nothing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.decoding.context import Policy
from agent.decoding.policies import name_policy
from agent.lm.base import LM, Model, Tokenizer
from agent.lm.metered import Metered
from agent.profile import ModelProfile
from agent.program.charges import COST_RULE
from agent.program.hole_calibration import WayOfWriting
from agent.records import Cost, Event, Question
from agent.verification.metered import MeteredSandbox
from agent.workflow.state import AgentState
from sandbox.base import Limits, Sandbox

Person = Callable[[Question], int | str]  # answers with the number of what it was shown, or with a text
Emit = Callable[[Event], None]
Log = Callable[[int, Event], None]


_NEVER = sys.float_info.max  # a deadline that only a stop passes
DEFAULT_TAU = 0.1  # where nothing was calibrated


@dataclass(frozen=True, slots=True)
class Context:
    """The model, the policy, the sandbox and the bounds of a run."""

    model: Model
    policy: Policy
    sandbox: Sandbox
    max_tokens: int = 512
    tau: float | None = None  # the code outside of holes costs at most -ln tau nats; None for the calibrated tau
    max_holes: int = 2
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    stop: Callable[[], bool] | None = None  # says whether the person wants what there is now; None: never
    profile: ModelProfile = field(default_factory=lambda: ModelProfile(""))  # what was learned of the model
    emit: Emit = lambda event: None  # receives each event, in the thread of its node
    log: Log = lambda number, event: None  # receives each event with its number, which a repeated node keeps

    @property
    def lm(self) -> LM:
        """The model as a function of token ids."""
        return self.model.lm

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.model.tokenizer


def way_of_writing(context: Context) -> WayOfWriting:
    """Return the way in which the run writes programs."""
    style = context.model.prompt_style.describe()
    return WayOfWriting(
        name_policy(context.policy), f"{style['name']} {style['digest']}", context.model.dtype, context.max_tokens,
        COST_RULE,
    )  # fmt: skip


def limit_forwards(context: Context, state: AgentState) -> Context:
    """Return the context with a model that refuses a forward which the budget does not have any more."""
    budget = state.config.budget
    forwards = None if budget.forwards is None else budget.forwards - state.cost.forwards
    if forwards is None and budget.seconds is None and context.stop is None:
        return context
    metered = Metered(context.lm, forwards, _deadline(context, state), _deadline_clock(context))
    return replace(context, model=replace(context.model, lm=metered))


def meter_sandbox(context: Context, state: AgentState) -> MeteredSandbox:
    """Return the sandbox, counting its runs and refusing those that the budget does not have any more."""
    budget = state.config.budget
    runs = None if budget.runs is None else budget.runs - state.cost.sandbox_runs
    return MeteredSandbox(context.sandbox, runs, _deadline(context, state), _deadline_clock(context))


def count_forwards(context: Context) -> Cost:
    """Return what the model has been used for since it was loaded."""
    return Cost(forwards=context.lm.forwards, token_rows=context.lm.token_rows)


def _deadline(context: Context, state: AgentState) -> float | None:
    seconds = state.config.budget.seconds
    if seconds is None:
        return None if context.stop is None else _NEVER
    return context.clock() + seconds - state.cost.seconds


def _deadline_clock(context: Context) -> Callable[[], float]:
    """Return the clock that a deadline is compared with: past every one, once the person wants what there is."""
    stop, clock = context.stop, context.clock
    return clock if stop is None else lambda: math.inf if stop() else clock()
