"""Strategies spend a budget on a task: one program, the best of n samples, beam search, or the pause tree.

A strategy is a callable of a context and a task. All keep the same account of their cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from agent.errors import InvalidRequestError
from agent.messages import check_choice, join_names
from agent.profile import ModelProfile
from agent.program.ends import End
from agent.records import Cost, Unfinished
from agent.search.budget import Budget, budget_from
from agent.search.frontier import SearchConfig, with_profile
from agent.search.orders import ORDERS
from agent.workflow.session import Session

if TYPE_CHECKING:  # the command line reads STRATEGIES before torch is imported
    from agent.program.task import Task
    from agent.records import Prompt
    from agent.workflow.context import Context
    from agent.workflow.run import Result
    from agent.workflow.state import AgentState

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
        from agent.workflow.series import ONE_PROGRAM, run_session

        return run_session(context, task, ONE_PROGRAM, session)


@dataclass(frozen=True, slots=True)
class BestOf(Strategy):
    """Sample programs until one passes the visible examples. The first one stands where none does."""

    policies: ClassVar[tuple[str, ...]] = ("sample", "adapt")
    options: ClassVar[tuple[str, ...]] = ("programs",)
    keeps_thread: ClassVar[bool] = False
    programs: int = 5

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the strategy that writes so many programs at most."""
        return cls() if options.programs is None else cls(options.programs)

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Sample, each program by its own seed. Raises InvalidRequestError for a policy that always writes the same."""
        from agent.workflow.series import Series

        series = Series(context, task, session)
        while not series.accepted and len(series.results) < self.programs:
            series.sample()
        return series.choose()


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
        from agent.workflow.conclude import choose_answer
        from agent.workflow.context import count_forwards
        from agent.workflow.prepare import build_prompt
        from agent.workflow.run import result_of
        from agent.workflow.series import ONE_PROGRAM
        from agent.workflow.state import AgentState

        if context.policy != POLICIES["greedy"]:
            raise InvalidRequestError(
                "beam search chooses tokens by itself; take the policy greedy, or another strategy"
            )
        state = build_prompt(context, AgentState(task, ONE_PROGRAM))
        start, before = context.clock(), count_forwards(context)
        beams = self._search(context, state.prompt)
        spent = Cost(sum(map(len, beams)), seconds=context.clock() - start) + (count_forwards(context) - before)
        state = choose_answer(context, _verify_beams(context, replace(state, cost=spent), beams))
        return replace(result_of(context, state), feedback="visible" if self.choose_by_examples else "none")

    def _search(self, context: Context, prompt: Prompt) -> list[list[int]]:
        """Return the beams that may become programs, best first, each up to its end token."""
        from agent.lm.base import BeamSearcher

        lm = context.lm
        if not isinstance(lm, BeamSearcher):
            raise InvalidRequestError("beam search needs the backend hf; choose a model of it, or another strategy")
        room = (lm.context or len(prompt.ids) + context.max_tokens) - len(prompt.ids)
        return lm.beam_search(
            prompt.ids,
            width=self.width,
            returned=self.width if self.choose_by_examples else 1,
            max_tokens=min(context.max_tokens, room),
            end_ids=context.tokenizer.end_ids,
            forbidden_first=prompt.forbidden_first,
        )


@dataclass(frozen=True, slots=True)
class Tree(Strategy):
    """Search the pause tree: go back to pauses and repair programs, until the examples or the budget end it."""

    options: ClassVar[tuple[str, ...]] = ("programs", "budget", "order", "min_probability")
    config: SearchConfig = field(default_factory=SearchConfig)

    @classmethod
    def from_options(cls, options: StrategyOptions) -> Self:
        """Return the search. Raises InvalidRequestError, and ProfileError where the profile lacks learned numbers."""
        order = options.order or "probability"
        check_choice("order", order, ORDERS)
        config = SearchConfig(
            _read_bounds(options.programs, options.budget), order, questions=3 if options.asks else 0,
            min_probability=options.min_probability,
        )  # fmt: skip
        return cls(with_profile(config, options.profile) if options.profile else config)

    @classmethod
    def within(cls, programs: int, **options: Any) -> Tree:
        """Return the search that runs at most so many programs. options: other fields of `SearchConfig`."""
        return cls(SearchConfig(Budget(programs=programs), **options))

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Search."""
        from agent.workflow.series import run_session

        return run_session(context, task, self.config, session)


STRATEGIES: dict[str, type[Strategy]] = {
    "once": Once,
    "best-of": BestOf,
    "beam": Beam,
    "tree": Tree,
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


def _read_bounds(programs: int | None, budget: str | None) -> Budget:
    """Return the budget of a search. Raises InvalidRequestError for a wrong one, and for programs given twice."""
    bounds = Budget() if programs is None else Budget(programs)
    if budget is None:
        return bounds
    if programs is not None and budget_from(budget, Budget(None)).programs is not None:
        raise InvalidRequestError(f"{programs} programs came, and the budget names programs, too; give one of them")
    return budget_from(budget, bounds)


def _verify_beams(context: Context, state: AgentState, beams: Sequence[list[int]]) -> AgentState:
    """Run the programs of the beams on the examples, best first, up to the first that passes."""
    from agent.workflow.extract import extract_draft
    from agent.workflow.verify import verify_program

    for tokens in beams:
        beam = Unfinished(tokens=tuple(tokens), logprobs=(0.0,) * len(tokens), end=End.BEAM)
        state = verify_program(context, extract_draft(context, replace(state, current=beam)))
        if state.attempts[-1].passed:
            break
    return state
