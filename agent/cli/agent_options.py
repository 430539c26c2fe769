"""The options that `solve` and `chat` share, and the agent that they describe. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from agent import strategies
from agent.cli import choices, components
from agent.cli.options import DEFAULT_SECONDS
from agent.cli.settings import naming_settings
from agent.cli.thresholds import describe_threshold
from agent.lm.names import choose_default_model, needs_conversion
from agent.messages import check_tau
from agent.search.budget import budget_from
from agent.search.frontier import ONE_PROGRAM, with_profile
from agent.strategies import StrategyOptions, choose_policy_name, find_strategy

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.lm.base import Model
    from agent.profile import ModelProfile
    from agent.program.task import Task
    from agent.records import Event
    from agent.strategies import Strategy
    from agent.views.frame import Meter
    from agent.workflow.context import Context
    from agent.workflow.run import Result
    from agent.workflow.session import Session
    from sandbox.base import Sandbox


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """The options of `solve` and `chat` that say how to write programs."""

    model: str
    policy: str | None
    threshold: str | None
    strategy: str
    programs: int | None
    ask: bool
    budget: str | None
    order: str | None
    min_probability: float
    max_tokens: int
    sandbox: str | None
    seed: int
    device: str | None
    weights: str
    prompt_style: str
    tau: float | None = None
    holes: int = 2

    @classmethod
    def take(cls, options: dict[str, Any]) -> AgentOptions:
        """Return the record of these options; others in the dict are left out. Without a model, choose the default."""
        if options["model"] is None:
            options = {**options, "model": choose_default_model()}
        return cls(**{field.name: options[field.name] for field in fields(cls) if field.name in options})

    def check(self) -> CheckedOptions:
        """Refuse options that are unknown or contradict each other. Imports nothing slow."""
        with naming_settings():
            return self._check()

    def _check(self) -> CheckedOptions:
        if self.tau is not None:
            check_tau(self.tau)
        policy = choose_policy_name(self.policy, find_strategy(self.strategy), choices.POLICY_SCORES)
        components.check_policy(policy, model=self.model, threshold=self.threshold, ask=self.ask)
        components.check_model(self.model, self.weights, self.prompt_style)
        components.check_sandbox(self.sandbox)
        profile = components.read_profile(self.model)
        budget = _bound_seconds(self.budget, find_strategy(self.strategy).options)
        options = StrategyOptions(self.programs, budget, self.order, self.min_probability, self.ask, profile)
        strategy = components.build_strategy(self.strategy, options)
        return CheckedOptions(self, policy, strategy, profile)


def _bound_seconds(budget: str | None, taken: Sequence[str]) -> str | None:
    """Return a budget with a bound in seconds, where a strategy takes one. taken: the options that it takes."""
    if budget is not None:
        budget_from(budget)  # refused as it was given
    if "budget" not in taken or "seconds=" in (budget or ""):
        return budget
    return f"{budget},seconds={DEFAULT_SECONDS}" if budget else f"seconds={DEFAULT_SECONDS}"


@dataclass(frozen=True, slots=True)
class CheckedOptions:
    """Options that go together, with the names and files in them looked up."""

    options: AgentOptions
    policy: str
    strategy: Strategy
    profile: ModelProfile

    def open(self, cleanup: ExitStack, *, quiet: bool = False) -> Agent:
        """Start the sandbox, which `cleanup` closes, and load the model."""
        self.announce(quiet=quiet)
        with naming_settings():
            sandbox = cleanup.enter_context(closing(components.start_sandbox(self.options.sandbox)))
            return self.open_beside(sandbox)

    def check_thread(self, name: str, task: Task) -> None:
        """Refuse a strategy that keeps no thread, and a thread of another run, as far as no model is needed for it."""
        from agent.workflow.named_runs import check_same_run, find_state

        strategies.check_thread(self.strategy)
        stored = find_state(name)
        if stored is not None:
            config = with_profile(getattr(self.strategy, "config", ONE_PROGRAM), self.profile)
            check_same_run(stored, task, config, self.identity(), name)

    def identity(self) -> dict[str, Any]:
        """Return the options that belong to a stored run, as far as they are known without the model."""
        options = self.options
        return {
            "model": options.model, "weights": self.profile.weights, "policy": self.policy, "ask": options.ask,
            "max_tokens": options.max_tokens, "tau": options.tau, "holes": options.holes, "seed": options.seed,
            "sandbox": options.sandbox, "device": options.device,
        }  # fmt: skip

    def announce(self, *, quiet: bool = False) -> None:
        """Say that the model is being loaded, before anything slow is imported."""
        from agent.views.say import announce_loading

        announce_loading(self.options.model, converts=needs_conversion(self.options.model), quiet=quiet)

    def open_beside(self, sandbox: Sandbox, model: Model | None = None) -> Agent:
        """Return the agent with a running sandbox, and with a model that is loaded already or is loaded here."""
        policy = self.build_policy()
        return Agent(self, self.open_model() if model is None else model, policy, sandbox)

    def build_policy(self) -> Policy:
        """Return the policy with its threshold."""
        options = self.options
        return components.build_policy(
            self.policy, model=options.model, threshold=options.threshold, ask=options.ask, profile=self.profile
        )

    def open_model(self) -> Model:
        """Load the model."""
        from agent.lm.open import open_lm

        options = self.options
        return open_lm(options.model, device=options.device, weights=options.weights, prompt_style=options.prompt_style)


@dataclass(frozen=True, slots=True)
class Agent:
    """A loaded model, a policy and a running sandbox."""

    checked: CheckedOptions
    model: Model
    policy: Policy
    sandbox: Sandbox

    @property
    def asks(self) -> bool:
        """A person answers questions, which need a checkpointer."""
        return self.checked.options.ask

    def solve(self, task: Task, *, on_event: Callable[[Event], None], session: Session) -> Result:
        """Solve a task."""
        from agent.api import solve

        checked, options = self.checked, self.checked.options
        return solve(
            task, lm=self.model, sandbox=self.sandbox, policy=self.policy, strategy=checked.strategy,
            profile=checked.profile, max_tokens=options.max_tokens, tau=options.tau, max_holes=options.holes,
            seed=options.seed, on_event=on_event, session=session,
        )  # fmt: skip

    def change(self, **options: Any) -> Agent:
        """Return an agent with other options, with the same sandbox and, unless that changes, the same model.

        Raises what `AgentOptions.check` raises, and ModelLoadError.
        """
        checked = replace(self.checked.options, **options).check()
        if "model" in options:
            checked.announce()
        return checked.open_beside(self.sandbox, None if "model" in options else self.model)

    def context(self) -> Context:
        """Return the model, the policy, the sandbox and the bounds as the workflow takes them."""
        from agent.workflow.context import Context

        options = self.checked.options
        return Context(
            self.model, self.policy, self.sandbox, max_tokens=options.max_tokens, seed=options.seed,
            profile=self.checked.profile,
        )  # fmt: skip

    def meter(self) -> Meter:
        """Return what the line of counts of a live view is of."""
        from agent.views.frame import Meter

        config = getattr(self.checked.strategy, "config", None)
        return Meter(self.model.name, lambda: self.model.lm.forwards, config.budget.programs if config else None)

    def opening(self, task: Task) -> str:
        """Return the code that the first answer to a task goes on with."""
        from agent.program.prompts import read_opening_code
        from agent.workflow.prepare import write_task_prompt

        return read_opening_code(write_task_prompt(task, self.model.prompt_style).opening)

    def identity(self) -> dict[str, Any]:
        """Return the options that belong to a stored run."""
        from agent.files.plain import make_plain

        return {
            **self.checked.identity(), "dtype": self.model.dtype, "prompt_style": self.model.prompt_style.describe(),
            "threshold": make_plain(self.policy.gate.threshold),
        }  # fmt: skip

    def provenance(self) -> dict[str, Any]:
        """Return what a trace says of the options: those of a stored run, and the device that was taken."""
        return {**self.identity(), "device": self.model.device}

    def describe_limits(self) -> str:
        """Return a sentence about what the model cannot do; an empty one for any but the embedded model."""
        return components.describe_limits(self.model.name)

    def describe(self) -> str:
        """Return the policy, the model and where the pauses come from, for the head of a run."""
        options = self.checked.options
        pausing = describe_threshold(self.policy, self.checked.policy, options.threshold)
        style = self.model.prompt_style
        asking = f" in the style {style.name}" if style.chat else ""
        return f"{self.checked.policy} with {options.model}{asking}{pausing}, run in {type(self.sandbox).__name__}"
