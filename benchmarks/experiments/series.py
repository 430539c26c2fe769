"""A series of programs for one task, each a run of its own, as best-of-n writes it. Chooses by the examples alone."""

from __future__ import annotations

from dataclasses import replace

from agent.decoding.samplers import argmax
from agent.errors import InvalidRequestError
from agent.program.task import Task
from agent.records import Attempt, Cost, Event, RunOutcome
from agent.search.frontier import ONE_PROGRAM
from agent.workflow.context import Context
from agent.workflow.decode import seed_of_attempt
from agent.workflow.run import Result, run_task
from agent.workflow.session import Session
from agent.workflow.verify import next_label


class Series:
    """Programs written one after another for one task, reported and counted as one run."""

    def __init__(self, context: Context, task: Task, session: Session) -> None:
        self.context, self.task, self.results = context, task, list[Result]()
        self._attempts, self._events = list[Attempt](), 0
        self._on_event, self._log = context.emit, session.log

    @property
    def accepted(self) -> bool:
        """The last program passed the visible examples."""
        return bool(self.results) and self.results[-1].outcome == RunOutcome.ACCEPTED

    def sample(self, max_tokens: int | None = None) -> Result:
        """Write the next program by the context's policy and its own seed."""
        if self.context.policy.sampler is argmax:
            raise InvalidRequestError(
                "best-of needs programs that differ, and this policy always writes the same; take sample"
            )
        seed = seed_of_attempt(self.context.seed, len(self.results))
        return self.write(replace(self.context, seed=seed, max_tokens=max_tokens or self.context.max_tokens))

    def write(self, context: Context) -> Result:
        """Write the next program in this context."""
        result = run_task(context, self.task, config=ONE_PROGRAM, on_event=self._hear, log=self._number)
        self.results.append(result)
        return result

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
