"""A run that stops where it asks a person, and goes on with the answer: nothing waits meanwhile but its checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Event as Flag
from typing import Any, Protocol

from agent.program.task import Task
from agent.records import Event, Question
from agent.views.choices import answer_alone
from agent.workflow.context import Context
from agent.workflow.run import Result
from agent.workflow.session import Session
from agent.workflow.threads import open_memory_store


class Solver(Protocol):
    """The agent of a server: a model with its policy, a strategy and a sandbox."""

    @property
    def asks(self) -> bool:
        """Whether it asks at pauses, and where programs differ."""
        ...

    def context(self) -> Context:
        """Return the model, the policy, the sandbox and the bounds."""
        ...

    def solve(self, task: Task, *, on_event: Callable[[Event], None], session: Session) -> Result:
        """Solve a task."""
        ...

    def change(self, **options: Any) -> Solver:
        """Return the agent with other options. Raises InvalidRequestError."""
        ...


class _AskedError(Exception):
    def __init__(self, question: Question) -> None:
        super().__init__("the run waits for an answer")
        self.question = question


class Rounds:
    """One run of a solver. Each round ends with a question or with the result."""

    def __init__(self, solver: Solver, task: Task, *, most_questions: int | None = None) -> None:
        self.task = task
        self._solver, self._store = solver, open_memory_store() if solver.asks else None
        self._asks_left = math.inf if most_questions is None else most_questions
        self._reply: int | str | None = None

    def advance(self, on_event: Callable[[Event], None], stop: Flag) -> Question | Result:
        """Go on to the next question, or to the end. stop: once it is set, the run ends with what there is."""
        session = Session(self._answer, checkpointer=self._store, thread="run", stop=stop.is_set)
        try:
            return self._solver.solve(self.task, on_event=on_event, session=session)
        except _AskedError as error:
            return error.question

    def reply(self, reply: int | str | None) -> None:
        """Answer the question of the last round; None answers it and all later ones as nobody would."""
        self._asks_left = 0 if reply is None else self._asks_left - 1
        self._reply = reply

    def _answer(self, question: Question) -> int | str:
        reply, self._reply = self._reply, None
        if reply is not None:
            return reply
        if self._asks_left <= 0:
            return answer_alone(question)
        raise _AskedError(question)
