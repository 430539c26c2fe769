"""Strategies spend a budget on a task: one program, the best of n samples, beam search, or a search of the pause tree.

A strategy is a callable of a context and a task. All keep the same account of their cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from agent.errors import InvalidRequestError
from agent.messages import check_choice, join_names
from agent.profile import ModelProfile
from agent.search.budget import Budget, budget_from
from agent.search.frontier import ONE_PROGRAM, SearchConfig, with_profile
from agent.search.orders import ORDERS
from agent.workflow.session import Session

if TYPE_CHECKING:  # the command line reads STRATEGIES before torch is imported
    from agent.program.task import Task
    from agent.workflow.context import Context
    from agent.workflow.run import Result

DEFAULT_POLICY = "adadec"
ALONE = Session()  # nobody answers, and nothing is kept


@dataclass(frozen=True, slots=True)
class StrategyOptions:
    """The options of all strategies. Each strategy says which of them it takes."""

    programs: int | None = None  # at most so many programs, samples or beams; None: the strategy's own number
    budget: str | None = None  # bounds a search further, as "tokens=300,seconds=9"
    order: str | None = None  # a key of ORDERS
    min_probability: float = 0.0  # abstain below it
    asks: bool = False  # a person answers questions
    profile: ModelProfile | None = None  # what was learned of the model


class Strategy(Protocol):
    """A way to spend a budget on a task. One that is to have a name inherits from here and stands in STRATEGIES."""

    policies: ClassVar[tuple[str, ...]] = ()  # names of the policies it works with, the best first; empty: any
    options: ClassVar[tuple[str, ...]] = ()  # the fields of StrategyOptions that it takes
    keeps_thread: ClassVar[bool] = True  # a run that was cut off can go on

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the strategy with the options that it takes. Raises InvalidRequestError for their values."""
        return cls()

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Run the task. `context.emit` receives the events."""
        ...


@dataclass(frozen=True, slots=True)
class Once(Strategy):
    """Write one program."""

    options: ClassVar[tuple[str, ...]] = ("programs",)

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the strategy. Raises InvalidRequestError for another number of programs than one."""
        if options.programs not in (None, 1):
            raise InvalidRequestError(
                f"once writes one program, and {options.programs} were wanted; choose best-of or tree"
            )
        return cls()

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Decode one program and run it on the visible examples."""
        return _run(context, task, ONE_PROGRAM, session)


@dataclass(frozen=True, slots=True)
class Search(Strategy):
    """A search by the workflow. Its kinds differ in the settings of `SearchConfig`."""

    settings: ClassVar[Mapping[str, Any]] = {}
    config: SearchConfig

    @classmethod
    def within(cls, programs: int, **options: Any) -> Self:
        """Return the search that runs at most so many programs. options: other fields of `SearchConfig`."""
        return cls(SearchConfig(Budget(programs), **{**cls.settings, **options}))

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Search within the budget. `context.emit` receives the events."""
        return _run(context, task, self.config, session)


@dataclass(frozen=True, slots=True)
class BestOf(Search):
    """Sample programs until one passes two visible examples; with fewer examples, take the majority that behaves alike.

    The mean logprob of a token decides between equals. The sampling ends once no other behaviour can win.
    """

    policies: ClassVar[tuple[str, ...]] = ("sample", "adapt")
    options: ClassVar[tuple[str, ...]] = ("programs",)
    settings: ClassVar[Mapping[str, Any]] = {"branches": False, "samples": True, "repair_after": 0, "majority": True}

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the strategy that writes so many programs at most."""
        return cls.within(options.programs or 5)

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Sample, each program by its own seed. Raises InvalidRequestError for a policy that always writes the same."""
        from agent.decoding.samplers import argmax

        if context.policy.sampler is argmax:
            raise InvalidRequestError(
                "best-of needs programs that differ, and this policy always writes the same; take sample"
            )
        return _run(context, task, self.config, session)


@dataclass(frozen=True, slots=True)
class BestOfRepaired(BestOf):
    """Sample programs, and spend half of the tokens on repairs of those that fail an example."""

    settings: ClassVar[Mapping[str, Any]] = {**BestOf.settings, "repair_after": 1, "kinds": "equal"}


@dataclass(frozen=True, slots=True)
class Beam(Strategy):
    """Write one program by transformers' own beam search. It chooses tokens by itself, so its policy is greedy.

    choose_by_examples: return the first of all beams that passes the visible examples, and the best beam otherwise.
    """

    policies: ClassVar[tuple[str, ...]] = ("greedy",)
    options: ClassVar[tuple[str, ...]] = ("programs",)
    keeps_thread: ClassVar[bool] = False
    width: int = 3
    choose_by_examples: bool = False

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the search of so many beams."""
        return cls() if options.programs is None else cls(options.programs)

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Search. Raises InvalidRequestError for another policy than greedy, and for a model of another backend."""
        from agent.decoding import POLICIES
        from agent.workflow.beam import run_beams

        if context.policy != POLICIES["greedy"]:
            raise InvalidRequestError(
                "beam search chooses tokens by itself; take the policy greedy, or another strategy"
            )
        return run_beams(context, task, self.width, choose_by_examples=self.choose_by_examples)


@dataclass(frozen=True, slots=True)
class Tree(Search):
    """Search the pause tree: go back to pauses and repair programs, until the examples or the budget end it."""

    options: ClassVar[tuple[str, ...]] = ("programs", "budget", "order", "min_probability")

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the search. Raises InvalidRequestError, and ProfileError where the profile lacks learned numbers."""
        order = options.order or "probability"
        check_choice("order", order, ORDERS)
        config = SearchConfig(
            _read_bounds(options.programs, options.budget), order, questions=3 if options.asks else 0,
            min_probability=options.min_probability, **cls.settings,
        )  # fmt: skip
        return cls(with_profile(config, options.profile) if options.profile else config)


@dataclass(frozen=True, slots=True)
class Adaptive(Tree):
    """Go deeper by a branch or wider by a fresh sample or a repair: what comes next is the kind that pays best."""

    settings: ClassVar[Mapping[str, Any]] = {"samples": True, "repair_after": 1, "kinds": "paying"}


STRATEGIES: dict[str, type[Strategy]] = {
    "once": Once,
    "best-of": BestOf,
    "best-of-repaired": BestOfRepaired,
    "beam": Beam,
    "tree": Tree,
    "adaptive": Adaptive,
}


def find_strategy(name: str) -> type[Strategy]:
    """Return the strategy of this name. Raises InvalidRequestError for a name that is none."""
    check_choice("strategy", name, STRATEGIES)
    return STRATEGIES[name]


def choose_policy_name(
    policy: str | None, strategy: Strategy | type[Strategy], known: Iterable[str], default: str = DEFAULT_POLICY
) -> str:
    """Return the policy that a strategy runs: the one asked for, else the strategy's own, else the default.

    known: the names of all policies. Raises InvalidRequestError for another, and for one that the strategy cannot run.
    """
    fitting = strategy.policies
    if policy is None:
        return fitting[0] if fitting else default
    check_choice("policy", policy, sorted(known))
    if fitting and policy not in fitting:
        raise InvalidRequestError(
            f"{name_of(strategy)} needs the policy {join_names(fitting)}, and {policy} came; leave it out"
        )
    return policy


def check_thread(strategy: Strategy | type[Strategy]) -> None:
    """Raise InvalidRequestError for a strategy that cannot go on where it was cut off."""
    if not strategy.keeps_thread:
        keeping = join_names(name for name, each in STRATEGIES.items() if each.keeps_thread)
        raise InvalidRequestError(
            f"{name_of(strategy)} starts anew each time and keeps no thread; choose {keeping} for one"
        )


def name_of(strategy: Strategy | type[Strategy]) -> str:
    """Return the name of a strategy in STRATEGIES, else that of its class."""
    kind = strategy if isinstance(strategy, type) else type(strategy)
    return next((name for name, each in STRATEGIES.items() if each is kind), kind.__name__)


def _run(context: Context, task: Task, config: SearchConfig, session: Session) -> Result:
    """Run a task by the workflow. `context.emit` receives the events."""
    from agent.workflow.run import run_task

    return run_task(
        context, task, config=config, on_event=context.emit, log=session.log, person=session.person,
        checkpointer=session.checkpointer, thread=session.thread, identity=session.identity,
    )  # fmt: skip


def _read_bounds(programs: int | None, budget: str | None) -> Budget:
    """Return the budget of a search. Raises InvalidRequestError for a wrong one, and for programs given twice."""
    bounds = Budget() if programs is None else Budget(programs)
    if budget is None:
        return bounds
    if programs is not None and budget_from(budget, Budget(None)).programs is not None:
        raise InvalidRequestError(f"{programs} programs came, and the budget names programs, too; give one of them")
    return budget_from(budget, bounds)
