"""Answer with the whole workflow: search a program, run it, and say what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.api import solve
from agent.decoding.policies import name_policy
from agent.lm.base import Message
from agent.program.conversation import Conversation, fit, is_question
from agent.program.task import Task
from agent.records import Attempt, Event
from agent.servers.openai.asking import FENCE, read_conversation
from agent.servers.openai.events import AnswerPiece, Begun, Ended, Notice, Stopped, TellEvent
from agent.servers.openai.failures import ApiError
from agent.servers.openai.served import ServedModel
from agent.servers.openai.spans import describe_answer, write_program_spans
from agent.views.markdown import choose_fence
from agent.views.numbers import format_count
from agent.views.sentences import describe_ending, describe_evidence
from agent.workflow.context import Context
from agent.workflow.heat import measure_heat
from agent.workflow.prepare import leaves_room, write_task_prompt
from agent.workflow.run import Result
from agent.workflow.session import Session
from agent.workflow.standing import Standing


class ProgramRequest(NamedTuple):
    """A conversation about a program, and what it asks for next."""

    conversation: Conversation
    line: str

    @classmethod
    def read(cls, messages: Sequence[Message]) -> ProgramRequest:
        """Return what a conversation asks for. Raises ApiError, InvalidRequestError."""
        return cls(*read_conversation(messages))

    @property
    def is_question(self) -> bool:
        """Whether it asks about the program, in words, and for no other one."""
        return bool(self.conversation.program) and is_question(self.line)


def search_program(
    served: ServedModel, request: ProgramRequest, max_tokens: int | None, seed: int, tell: TellEvent, stopped: Stopped
) -> None:
    """Search a program for a request and give it with its claim. max_tokens: of one program.

    Raises InvalidRequestError, ContextLengthError, SandboxError.
    """
    if served.sandbox is None:
        raise ApiError(503, "there is no sandbox to run programs in", kind="server_error")
    most = max_tokens or served.max_tokens
    context = Context(served.model, served.policy, served.sandbox, max_tokens=most, seed=seed, profile=served.profile)
    task, _ = fit(request.conversation, request.line, lambda each: leaves_room(context, each))
    text = write_task_prompt(task, served.model.prompt_style)
    tell(Begun(len(served.model.encode_prompt(text.user, text.opening))))

    def note(event: Event) -> None:
        if isinstance(event, Attempt):
            tell(Notice(_describe_attempt(event)))

    result = solve(
        task, lm=served.model, sandbox=served.sandbox, policy=served.policy, strategy=served.strategy,
        profile=served.profile, max_tokens=most, seed=seed, on_event=note, session=Session(stop=stopped),
    )  # fmt: skip
    if not stopped():
        _give(served, context, task, result, tell)


def _give(served: ServedModel, context: Context, task: Task, result: Result, tell: TellEvent) -> None:
    answer, offset = write_program_answer(result)
    tell(AnswerPiece(0, answer))
    spans = [] if offset is None else write_program_spans(result, measure_heat(context, task, result.best), offset)
    cost = result.cost
    dubito = describe_answer(name_policy(served.policy), context.seed, cost.pauses, spans, result)
    tell(Ended(0, "stop", cost.tokens, dubito))


class ProgramAnswer(NamedTuple):
    """The text of an answer, and where its program begins in it; None where it has none."""

    text: str
    offset: int | None


def write_program_answer(result: Result) -> ProgramAnswer:
    """Return the program of a run in a block, with its claim and its doubts; of an abstention, only why."""
    ending, best = describe_ending(result, in_chat=True), result.best
    claim = f"{ending.mark} {ending.sentence}"
    if result.standing == Standing.ABSTAINED:
        return ProgramAnswer(f"{claim}\n\nWhat may help: {ending.advice}", None)
    ticks = choose_fence(best.program)
    opening = FENCE.replace("```", ticks)
    doubts = [f"- {line}" for line in describe_evidence(result, in_full=False)]
    rest = "\n".join([claim, *([""] if doubts else []), *doubts])
    return ProgramAnswer(f"{opening}{best.program.rstrip()}\n{ticks}\n\n{rest}", len(opening))


def _describe_attempt(attempt: Attempt) -> str:
    """Return one line about a program that was tried."""
    tried = format_count(attempt.number + 1, "program")
    return f"{tried} so far; the last one {'passed' if attempt.passed else 'did not pass'}"
