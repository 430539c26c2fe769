"""Strategies spend a budget on a task: one program, the best of n samples, beam search, or the pause tree.

A strategy is a callable of a context and a task. All keep the same account of their cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from agent.errors import InvalidRequestError
from agent.program.ends import End
from agent.records import Attempt, Cost, Event, Unfinished, next_label
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig

if TYPE_CHECKING:  # the command line reads STRATEGIES before torch is imported
    from agent.program.task import Task
    from agent.workflow.context import Context
    from agent.workflow.run import Result
    from agent.workflow.state import AgentState

_ONE_PROGRAM = SearchConfig(Budget(programs=1), votes=1, mutants=0)


class Strategy(Protocol):
    """A way to spend a budget on a task."""

    def __call__(self, context: Context, task: Task, **session: Any) -> Result:
        """Run the task. session: the options of `run_task` that say who hears of the run and where it is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Once:
    """Write one program."""

    policies: ClassVar[tuple[str, ...]] = ()  # names of the policies it works with, the best first; empty: any

    def __call__(self, context: Context, task: Task, **session: Any) -> Result:
        """Decode one program and run it on the visible examples."""
        return _run_task(context, task, _ONE_PROGRAM, session)


@dataclass(frozen=True, slots=True)
class BestOf:
    """Sample programs until one passes the visible examples. The first one stands where none does."""

    policies: ClassVar[tuple[str, ...]] = ("sample", "adapt")
    programs: int = 5

    def __call__(self, context: Context, task: Task, **session: Any) -> Result:
        """Sample, each program by its own seed. Raises InvalidRequestError for a thread, and for a greedy policy."""
        series = Series(context, task, session)
        while not series.accepted and len(series.results) < self.programs:
            series.sample()
        return series.choose()


@dataclass(frozen=True, slots=True)
class Beam:
    """Write one program by transformers' own beam search, whatever the policy.

    choose_by_examples: return the first of all beams that passes the visible examples, and the best beam otherwise.
    """

    policies: ClassVar[tuple[str, ...]] = ("greedy",)
    width: int = 3
    choose_by_examples: bool = False

    def __call__(self, context: Context, task: Task, **session: Any) -> Result:
        """Search. Raises InvalidRequestError for a thread, and for a model of another backend."""
        from agent.decoding import POLICIES
        from agent.workflow.conclude import choose_answer
        from agent.workflow.context import count_forwards
        from agent.workflow.prepare import build_prompt
        from agent.workflow.run import result_of
        from agent.workflow.state import AgentState

        _refuse_thread(session)
        context = replace(context, policy=POLICIES["greedy"], emit=session.get("on_event", context.emit))
        state = build_prompt(context, AgentState(task, _ONE_PROGRAM))
        start, before = context.clock(), count_forwards(context)
        beams = self._search(context, state.prompt.ids)
        spent = Cost(sum(map(len, beams)), seconds=context.clock() - start) + (count_forwards(context) - before)
        state = choose_answer(context, _verify_beams(context, replace(state, cost=spent), beams))
        return replace(result_of(state), feedback="visible" if self.choose_by_examples else "none")

    def _search(self, context: Context, prompt: Sequence[int]) -> list[list[int]]:
        """Return the beams that may become programs, best first, each up to its end token."""
        from agent.lm.base import BeamSearcher

        lm = context.lm
        if not isinstance(lm, BeamSearcher):
            raise InvalidRequestError("beam search needs the backend hf; choose a model of it, or another strategy")
        room = (lm.context or len(prompt) + context.max_tokens) - len(prompt)
        return lm.beam_search(
            prompt,
            width=self.width,
            returned=self.width if self.choose_by_examples else 1,
            max_tokens=min(context.max_tokens, room),
            end_ids=context.tokenizer.end_ids,
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """Search the pause tree: go back to pauses and repair programs, until the examples or the budget end it."""

    policies: ClassVar[tuple[str, ...]] = ()
    config: SearchConfig = field(default_factory=SearchConfig)

    @classmethod
    def within(cls, programs: int, **options: Any) -> Tree:
        """Return the search that runs at most so many programs. options: other fields of `SearchConfig`."""
        return cls(SearchConfig(Budget(programs=programs), **options))

    def __call__(self, context: Context, task: Task, **session: Any) -> Result:
        """Search."""
        return _run_task(context, task, self.config, session)


STRATEGIES: dict[str, type[Once | BestOf | Beam | Tree]] = {
    "once": Once,
    "best-of": BestOf,
    "beam": Beam,
    "tree": Tree,
}


class Series:
    """Programs written one after another for one task, told and counted as one run."""

    def __init__(self, context: Context, task: Task, session: dict[str, Any]) -> None:
        _refuse_thread(session)
        self.context, self.task, self.results = context, task, list["Result"]()
        self._attempts, self._events = list[Attempt](), 0
        self._on_event: Callable[[Event], None] = session.get("on_event", context.emit)
        self._log: Callable[[int, Event], None] = session.get("log", context.log)

    @property
    def accepted(self) -> bool:
        """The last program passed the visible examples."""
        return bool(self.results) and self.results[-1].outcome == "accepted"

    def sample(self, max_tokens: int | None = None) -> Result:
        """Write the next program by the context's policy and its own seed."""
        from agent.decoding.samplers import argmax

        if self.context.policy.sampler is argmax:
            raise InvalidRequestError(
                "best-of needs programs that differ, and this policy always writes the same; take sample"
            )
        seed = seed_of_sample(self.context, len(self.results))
        return self.write(replace(self.context, seed=seed, max_tokens=max_tokens or self.context.max_tokens))

    def write(self, context: Context) -> Result:
        """Write the next program in this context."""
        session = {"on_event": self._hear, "log": self._number}
        self.results.append(_run_task(context, self.task, _ONE_PROGRAM, session))
        return self.results[-1]

    def choose(self) -> Result:
        """Return the run whose last program passed, or else whose first program stands, at the cost of all programs."""
        return replace(self.join(len(self.results) - 1 if self.accepted else 0), feedback="visible")

    def join(self, number: int) -> Result:
        """Return the run of all programs in which the one of this number stands, from 0."""
        chosen, before = self.results[number], sum(len(each.attempts) for each in self.results[:number])
        return replace(
            chosen,
            cost=sum((result.cost for result in self.results), Cost()),
            steps=[step for result in self.results for step in result.steps],
            attempts=list(self._attempts),
            answer=replace(chosen.answer, attempt=before + chosen.answer.attempt),
        )

    def _hear(self, event: Event) -> None:
        """Pass an event on. `_number` got it just before."""
        self._on_event(self._attempts[-1] if isinstance(event, Attempt) else event)

    def _number(self, number: int, event: Event) -> None:
        """Log an event. Events and attempts are numbered over all programs."""
        if isinstance(event, Attempt):
            label = next_label(self._attempts, ran=event.ran)
            event = replace(event, number=len(self._attempts), label=label)
            self._attempts.append(event)
        self._events += 1
        self._log(self._events, event)


def seed_of_sample(context: Context, number: int) -> int:
    """Return the seed of the sample of this number, from 0."""
    return context.seed + 1_000 * number


def _run_task(context: Context, task: Task, config: SearchConfig, session: dict[str, Any]) -> Result:
    from agent.workflow.run import run_task

    return run_task(context, task, config=config, **session)


def _refuse_thread(session: dict[str, Any]) -> None:
    if session.get("checkpointer") is not None:
        raise InvalidRequestError(
            "best-of and beam start anew each time and keep no thread; choose once or tree for one"
        )


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
