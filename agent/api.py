"""`solve`: the one way from a request to a verified program. Loads no model and starts no sandbox; the caller does.

from agent import open_lm, solve
from sandbox import open_sandbox

result = solve("Write total(xs), the sum of xs.", lm=open_lm("models/tiny"), sandbox=open_sandbox())
print(result.standing, result.best.program)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agent.decoding import POLICIES, Policy
from agent.errors import InvalidRequestError
from agent.lm.base import Model
from agent.messages import check_choice, check_tau
from agent.profile import ModelProfile, find_profile
from agent.program.task import Task, read_task
from agent.records import Event
from agent.strategies import STRATEGIES, Strategy
from agent.workflow.context import Context
from agent.workflow.run import Result
from sandbox.base import Sandbox

DEFAULT_POLICY = "adadec"


def solve(
    request: str | Task,
    *,
    lm: Model,
    sandbox: Sandbox,
    policy: str | Policy | None = None,
    strategy: str | Strategy = "tree",
    tests: str | None = None,
    profile: ModelProfile | None = None,
    max_tokens: int = 512,
    tau: float = 0.1,
    max_holes: int = 2,
    seed: int = 0,
    on_event: Callable[[Event], None] = lambda event: None,
    **session: Any,
) -> Result:
    """Write a program for a request, and run it on the examples that the request shows.

    request: a sentence, Python to complete (a signature with its docstring), or a task.
    lm: the model, as `open_lm` returns it.
    sandbox: runs the programs, as `sandbox.open_sandbox` returns it. The caller closes it.
    policy: a key of POLICIES, or a policy. None takes the strategy's own, which is adadec for once and tree.
    strategy: a key of STRATEGIES, or a strategy.
    tests: the text of a test file. The program must also pass its asserts. A task has its tests already.
    profile: the numbers learned for the model. None finds them by the model's name.
    max_tokens: the most tokens that one program may have.
    tau, max_holes: a partial program keeps at most -ln tau nats of surprisal, and has at most so many holes.
    seed: starts the random numbers of the samplers.
    on_event: receives each Step, Attempt and Answer, in the thread that decodes.
    session: options of `run_task` for a run that is stored or asks a person.

    Returns a Result: `best.program`, `standing` (verified, agreed, unverified or abstained), `attempts`, `cost`. A
    program that fails is no error: the Result has it.
    Raises InvalidRequestError for arguments that are wrong or contradict each other, and ContextLengthError for a
    prompt that is too long; ProfileError for a damaged profile; InvalidLogitsError and DeviceError for a model that
    fails; StorageError for a run that cannot be stored; SandboxError for a sandbox that fails.
    """
    _check_bounds(max_tokens, tau, max_holes)
    if isinstance(request, str):
        request = read_task(request, tests=tests)
    elif tests is not None:
        raise InvalidRequestError("tests came beside a task, which has its own; give them to read_task with the text")
    chosen = choose_strategy(strategy)
    profile = find_profile(lm.name) if profile is None else profile
    context = Context(
        lm, choose_policy(policy, chosen, profile), sandbox,
        max_tokens=max_tokens, tau=tau, max_holes=max_holes, seed=seed, profile=profile,
    )  # fmt: skip
    return chosen(context, request, on_event=on_event, **session)


def choose_strategy(strategy: str | Strategy) -> Strategy:
    """Return the strategy of a name. Raises InvalidRequestError for a name that is none."""
    if not isinstance(strategy, str):
        return strategy
    check_choice("strategy", strategy, STRATEGIES)
    return STRATEGIES[strategy]()


def choose_policy(policy: str | Policy | None, strategy: Strategy, profile: ModelProfile) -> Policy:
    """Return the policy of a name, pausing at the threshold of the profile. Raises InvalidRequestError."""
    if isinstance(policy, Policy):
        return policy
    if policy is None:
        policy = next(iter(getattr(strategy, "policies", ())), DEFAULT_POLICY)
    check_choice("policy", policy, sorted(POLICIES))
    named = POLICIES[policy]
    pauses = math.isfinite(named.gate.threshold)
    threshold = profile.threshold(named.gate.score) if pauses else None
    return named if threshold is None else replace(named, gate=replace(named.gate, threshold=threshold))


def _check_bounds(max_tokens: int, tau: float, max_holes: int) -> None:
    """Raise InvalidRequestError for a bound that no run can keep."""
    check_tau(tau)
    for name, value in (("max_tokens", max_tokens), ("max_holes", max_holes)):
        if value < 1:
            raise InvalidRequestError(f"{name} is {value}; wanted 1 or more")
