"""What the tools do: read code for doubts, check it on examples, solve a request. On the thread of the desk.

The protocol is `server`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from threading import Event as Flag
from typing import NamedTuple, Protocol

from agent.errors import InvalidRequestError
from agent.files.changes import plain_text
from agent.lm.base import Model
from agent.program.examples.example import Example, ReadExamples
from agent.program.examples.read import read_examples
from agent.program.failures import describe_failure
from agent.program.prompts import read_opening_code
from agent.program.syntax import find_entry_point, parse
from agent.program.task import Task, add_tests, read_task
from agent.records import Event, Question
from agent.servers.mcp.doubts import find_doubts
from agent.servers.mcp.records import (
    CheckArguments,
    Checked,
    CheckedExample,
    Doubts,
    DoubtsArguments,
    EvidenceCounts,
    Solution,
    SolveArguments,
)
from agent.servers.rounds import Rounds, Solver
from agent.verification.examples import Verification, verify_steadily
from agent.verification.metered import MeteredSandbox
from agent.views.narration import Narrator
from agent.views.numbers import format_count
from agent.views.result_text import write_result
from agent.views.sentences import describe_ending, describe_evidence
from agent.workflow.prepare import write_task_prompt
from agent.workflow.run import Result
from sandbox.base import Sandbox

MOST_QUESTIONS = 8  # of one call: clients give up after ten rounds


class Parts(Protocol):
    """The parts of an agent, each opened when it is first wanted."""

    @property
    def model(self) -> Model:
        """The model."""
        ...

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox."""
        ...

    @property
    def agent(self) -> Solver:
        """Both, with a policy and a strategy."""
        ...


class Solving(NamedTuple):
    """A call of `solve` that was begun."""

    rounds: Rounds
    narrator: Narrator


class Solved(NamedTuple):
    """The result of a call of `solve`: as a record, and as Markdown."""

    record: Solution
    text: str


class Tools:
    """The tools over the parts of one agent."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def warm(self) -> None:
        """Open the model before it is wanted."""
        _ = self._parts.model

    def doubts(self, given: DoubtsArguments, stop: Flag) -> Doubts:
        """Return the places of code where the model is unsure."""
        return find_doubts(self._parts.model, given.code, given.most, stop.is_set)

    def check(self, given: CheckArguments, stop: Flag) -> Checked:
        """Run code on examples. The code never sees what is expected."""
        code = plain_text(given.code)
        read = _read_examples(code, given.examples) if parse(code) else ReadExamples([], [])
        box = MeteredSandbox(self._parts.sandbox, None, 0.0, lambda: math.inf if stop.is_set() else -math.inf)
        return _describe_check(read, verify_steadily(box, code, read.examples))

    def begin(self, given: SolveArguments, *, can_ask: bool) -> Solving:
        """Begin to solve a request. can_ask: the client can put a question to a person."""
        solver = self._parts.agent
        asks = can_ask and (solver.asks if given.ask is None else given.ask)
        if asks != solver.asks:
            solver = solver.change(ask=asks)
        task = read_task(given.request, tests=given.tests or None, name="the request", tests_file="the tests")
        opening = read_opening_code(write_task_prompt(task, solver.context().model.prompt_style).opening)
        return Solving(Rounds(solver, task, most_questions=MOST_QUESTIONS), Narrator(opening))

    def advance(self, solving: Solving, on_event: Callable[[Event], None], stop: Flag) -> Question | Solved:
        """Go on to the next question, or to the result."""
        outcome = solving.rounds.advance(on_event, stop)
        return _describe_result(outcome) if isinstance(outcome, Result) else outcome


def _read_examples(code: str, examples: str) -> ReadExamples:
    """Return the examples for code. Raises InvalidRequestError where there are none."""
    if examples.strip() and not examples.lstrip().startswith(">>>"):
        tested = add_tests(Task(code, entry_point=find_entry_point(code)), examples, "the examples", code)
        return ReadExamples(list(tested.examples), list(tested.unparsed))
    read = read_examples(examples if examples.strip() else code)
    if not read.examples:
        shown = "no example could be read" if examples.strip() else "no example came, and the code shows none"
        raise InvalidRequestError(f"{shown}; give asserts, as in `assert f(2) == 4`, or a session with `>>>`")
    return read


def _describe_check(read: ReadExamples, verdict: Verification) -> Checked:
    failures = {each.example: each for each in verdict.failures}
    examples = list[CheckedExample]()
    for number, each in enumerate(read.examples):
        row = CheckedExample(example=_write_example(each), passed=number < verdict.checked or None)
        if (failure := failures.get(number)) is not None:
            row = row.model_copy(update={"passed": False, "got": failure.got, "wanted": failure.wanted})
            row.explanation = describe_failure(failure)
        examples.append(row)
    return Checked(
        passed=verdict.passed, verdict=str(verdict.verdict), explanation=_explain_check(examples, verdict),
        examples=examples, unread=read.unparsed,
    )  # fmt: skip


def _explain_check(examples: list[CheckedExample], verdict: Verification) -> str:
    passed = sum(each.passed is True for each in examples)
    counts = f"{passed} of {format_count(len(examples), 'example')} passed"
    own = [describe_failure(each) for each in verdict.failures if each.example is None]
    return "; ".join([*own, counts] if examples else own)


def _write_example(example: Example) -> str:
    return "\n".join((*example.before, example.source))


def _describe_result(result: Result) -> Solved:
    ending = describe_ending(result, in_chat=True)
    record = Solution(
        claim=str(result.standing),  # type: ignore[arg-type]  # the names are those of Standing; a test compares them
        program=result.best.program,
        explanation=ending.sentence,
        doubts=describe_evidence(result, in_full=False),
        evidence=EvidenceCounts(**asdict(result.evidence)),
        programs=sum(each.ran for each in result.attempts),
        tokens=result.cost.tokens,
        seconds=round(result.cost.seconds, 2),
    )
    return Solved(record, write_result(result))
