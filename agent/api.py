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

from agent.decoding import POLICIES, Policy
from agent.errors import InvalidRequestError
from agent.lm.base import Model
from agent.messages import check_tau
from agent.profile import ModelProfile, find_profile
from agent.program.task import Task, read_task
from agent.records import Event
from agent.strategies import ALONE, Strategy, StrategyOptions, check_thread, choose_policy_name, find_strategy
from agent.verification.loading import check_module_loads
from agent.workflow.context import Context
from agent.workflow.prepare import fit_request
from agent.workflow.run import Result
from agent.workflow.session import Session
from sandbox.base import Sandbox
from uncertainty.prediction_set import MOST_HOLES


def solve(
    request: str | Task,
    *,
    lm: Model,
    sandbox: Sandbox,
    policy: str | Policy | None = None,
    strategy: str | Strategy = "adaptive",
    tests: str | None = None,
    profile: ModelProfile | None = None,
    max_tokens: int = 512,
    tau: float | None = None,
    max_holes: int = 2,
    seed: int = 0,
    on_event: Callable[[Event], None] = lambda event: None,
    session: Session = ALONE,
) -> Result:
    """Write a program for a request, and run it on the examples that the request shows.

    request: a sentence, Python to complete (a signature with its docstring), or a task. lm: what `open_lm` returns.
    sandbox: what `sandbox.open_sandbox` returns; the caller closes it. policy, strategy: a key of POLICIES and one of
    STRATEGIES, or objects; without a policy, the strategy takes its own. tests: a test file's text, whose asserts the
    program must also pass; a task has its tests. profile: the numbers learned for the model; None finds them by its
    name. max_tokens: the most tokens of one program. tau, max_holes: a partial program keeps at most -ln tau nats of
    surprisal, and has at most so many holes; without a tau, the calibrated one, else 0.1. seed: of the samplers.
    on_event: receives each Step, Attempt and Answer, in the thread that decodes. session: who answers, where runs stay.

    Returns a Result: `best.program`, `standing` (verified, agreed, unverified or abstained), `attempts`, `cost`. Raises
    InvalidRequestError, ContextLengthError, ProfileError, InvalidLogitsError, DeviceError, StorageError (of a stored
    run), and SandboxError.
    """
    _check_bounds(max_tokens, tau, max_holes)
    task, chosen = _choose_task(request, tests), choose_strategy(strategy)
    if session.checkpointer is not None:
        check_thread(chosen)
    profile = find_profile(lm.name) if profile is None else profile
    context = Context(
        lm, choose_policy(policy, chosen, profile), sandbox, max_tokens=max_tokens, tau=tau, max_holes=max_holes,
        seed=seed, profile=profile, emit=on_event, stop=session.stop,
    )  # fmt: skip
    return chosen(context, _fit_module(context, task), session)


def choose_strategy(strategy: str | Strategy) -> Strategy:
    """Return the strategy of a name. Raises InvalidRequestError for a name that is none."""
    return find_strategy(strategy).from_options(StrategyOptions()) if isinstance(strategy, str) else strategy


def choose_policy(policy: str | Policy | None, strategy: Strategy, profile: ModelProfile) -> Policy:
    """Return a policy as it is, or the one of a name with the learned threshold. Raises InvalidRequestError."""
    if isinstance(policy, Policy):
        return policy
    return apply_profile(POLICIES[choose_policy_name(policy, strategy, POLICIES)], profile)


def apply_profile(policy: Policy, profile: ModelProfile) -> Policy:
    """Return the policy with the threshold learned for the model; as it is where it never pauses, or none is."""
    gate = policy.gate
    threshold = profile.threshold(gate.score) if math.isfinite(gate.threshold) else None
    return policy if threshold is None else replace(policy, gate=replace(gate, threshold=threshold))


def _choose_task(request: str | Task, tests: str | None) -> Task:
    """Return the task of a request and its tests. Raises InvalidRequestError for tests beside a task."""
    if isinstance(request, str):
        return read_task(request, tests=tests)
    if tests is not None:
        raise InvalidRequestError("tests came beside a task, which has its own; give them to read_task with the text")
    return request


def _fit_module(context: Context, task: Task) -> Task:
    """Return a task whose request the model has room for. Raises InvalidRequestError where its module does not load."""
    if task.module is not None:
        check_module_loads(context.sandbox, task.module, context.limits)
    return fit_request(context, task)


def _check_bounds(max_tokens: int, tau: float | None, max_holes: int) -> None:
    """Raise InvalidRequestError for a bound that no run can keep."""
    if tau is not None:
        check_tau(tau)
    for name, value in (("max_tokens", max_tokens), ("max_holes", max_holes)):
        if value < 1:
            raise InvalidRequestError(f"{name} is {value}; wanted 1 or more")
    if max_holes > MOST_HOLES:
        raise InvalidRequestError(f"max_holes is {max_holes}; wanted {MOST_HOLES} or fewer")
