"""The turns of a session: what a prompt asks for, the run that answers it, and what the answer changes.

It needs the model, so all of it happens on the thread of the desk. The protocol is `server`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event as Flag

from agent.decoding.words import answer_in_words
from agent.errors import InvalidRequestError
from agent.program.conversation import (
    Conversation,
    check_beside,
    check_characters,
    describe_dropped,
    fit,
    is_question,
    write_question,
)
from agent.program.modules.answers import put_answer, write_program
from agent.program.modules.instructions import read_instruction
from agent.program.prompts import read_opening_code
from agent.program.task import Task
from agent.records import Event, Question, RunOutcome
from agent.servers.acp.blocks import PromptContent, SharedFile
from agent.servers.acp.sessions import TurnAnswer
from agent.servers.rounds import Rounds, Solver
from agent.views.markdown import escape_markdown, quote_code
from agent.views.narration import Narrator
from agent.views.result_text import write_result
from agent.views.sentences import describe_ending
from agent.workflow.prepare import leaves_room, write_task_prompt
from agent.workflow.run import Result


@dataclass
class BegunTurn:
    """A turn that was begun. It is a run, or a question that is answered in words."""

    line: str
    before: Conversation  # as it is shown to the model
    task: Task
    rounds: Rounds | None  # None where words answer
    narrator: Narrator
    file: SharedFile | None = None  # that the answer goes into
    notes: tuple[str, ...] = ()  # for the person


class PromptTurns:
    """Begins the turns of all sessions. solver: the agent as the server was started."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver

    def begin(
        self,
        conversation: Conversation,
        content: PromptContent,
        file: SharedFile | None,
        function: str | None,
        *,
        asks: bool,
    ) -> BegunTurn:
        """Begin a turn. file: that the answer goes into, of this prompt or an earlier one. function: of it, that was
        written last.

        Raises InvalidRequestError for a prompt that cannot be carried out.
        """
        check_characters(content.line)
        if is_question(content.line) and conversation.program and not content.files:
            return self._begin_words(conversation, content.line)
        solver = self._solver if self._solver.asks == asks else self._solver.change(ask=asks)
        for each in content.files:
            conversation = conversation if each is file else _add(conversation, each)
        task = read_instruction(file.text, content.line, file.name, function) if file else None
        if task is None and file not in content.files:
            file = None  # that of an earlier prompt, and this one asks for something else
        if file is None or task is None or task.module is None:
            conversation = conversation if file is None else _add(conversation, file)
            task, kept = fit(conversation, content.line, lambda task: leaves_room(solver.context(), task))
            return _open(solver, task, content.line, kept, file, describe_dropped(conversation, kept))
        kept = conversation if function == task.module.function else Conversation(files=conversation.files)
        task = replace(task, beside=(*conversation.files, *task.beside))
        return _open(solver, task, content.line or task.request, kept, file)

    def advance(self, turn: BegunTurn, on_event: Callable[[Event], None], stop: Flag) -> Question | TurnAnswer:
        """Go on with the run of a turn, to its next question or to its end."""
        assert turn.rounds is not None, "words have no rounds"
        outcome = turn.rounds.advance(on_event, stop)
        return _finish(turn, outcome, stopped=stop.is_set()) if isinstance(outcome, Result) else outcome

    def explain(self, turn: BegunTurn, stop: Flag) -> Iterator[str]:
        """Yield the pieces of an answer in words."""
        for piece in answer_in_words(self._solver.context().model, write_question(turn.before, turn.line)):
            yield piece
            if stop.is_set():
                return

    def _begin_words(self, conversation: Conversation, line: str) -> BegunTurn:
        if not self._solver.context().model.prompt_style.chat:
            raise InvalidRequestError("this model writes code and answers no questions; say what to write or change")
        return BegunTurn(line, conversation, Task(line), None, Narrator(""))


def _open(
    solver: Solver, task: Task, line: str, kept: Conversation, file: SharedFile | None, notes: Sequence[str] = ()
) -> BegunTurn:
    """Return the turn of a task."""
    unread = (f"this example cannot be read, and is not checked: {quote_code(each)}" for each in task.unparsed)
    opening = read_opening_code(write_task_prompt(task, solver.context().model.prompt_style).opening)
    return BegunTurn(line, kept, task, Rounds(solver, task), Narrator(opening), file, (*notes, *unread))


def _finish(turn: BegunTurn, result: Result, *, stopped: bool) -> TurnAnswer:
    """Return what comes of a run. An abstention changes nothing. stopped: the person wanted what there is."""
    if result.outcome != RunOutcome.ACCEPTED:
        return TurnAnswer(write_result(result, stopped=stopped))
    task, program, new, reason = turn.task, result.best.program, None, ""
    try:
        new = _write_file(turn.file, task, program) if turn.file else None
    except InvalidRequestError as error:
        reason = f"\n\nThe file stays as it was: {escape_markdown(str(error))}."
    message = write_result(result, stopped=stopped, shows_program=new is None or stopped) + reason
    conversation = _follow(turn, program)
    function = task.module.function if task.module else conversation.name
    return TurnAnswer(message, conversation, describe_ending(result).mark, function, new)


def _follow(turn: BegunTurn, program: str) -> Conversation:
    """Return the conversation after a turn. A function of a module stays the topic of one, request by request."""
    if turn.task.module is None:
        return turn.before.follow(turn.task, turn.line, program)
    began = Conversation(files=turn.before.files).follow(turn.task, turn.line, program)
    return replace(began, requests=(*turn.before.requests, turn.line), said=(*turn.before.said, turn.line))


def _write_file(file: SharedFile, task: Task, program: str) -> str:
    if task.module is not None or not file.text.strip():
        return write_program(task, program)
    return put_answer(file.text, task, program, file.name)


def _add(conversation: Conversation, file: SharedFile) -> Conversation:
    check_beside(file.name, file.text)
    return conversation.add_file(file.name, file.text)
