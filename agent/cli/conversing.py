"""The state of `dubito chat`: the agent, the conversation, the last turn; and what a line does to it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from agent.cli.agent_options import Agent
from agent.cli.chat_commands import find_command
from agent.cli.inputs import check_sentence
from agent.errors import InvalidRequestError
from agent.program.conversation import (
    Conversation,
    check_characters,
    describe_dropped,
    fit,
    is_question,
    write_question,
)
from agent.records import Question, RunOutcome
from agent.views.terminal import TerminalView, draw_change
from agent.workflow.session import Session

if TYPE_CHECKING:
    from agent.program.task import Task
    from agent.workflow.context import Log
    from agent.workflow.run import Result


class Turn(NamedTuple):
    """A request that came to a result, and the agent that wrote it."""

    agent: Agent
    task: Task
    result: Result


class Chat:
    """A conversation about a program, with the agent that writes it."""

    def __init__(self, agent: Agent, *, detail: int = 0, plain: bool = False) -> None:
        self.agent, self.detail = agent, detail
        self.console = Console(highlight=False)
        self.conversation = self._before = Conversation()  # now, and before the last request
        self.line, self._retries = "", 0  # the last request, and how often it was tried again
        self.turn: Turn | None = None  # the last one that came to a result
        self.trace: Path | None = None  # the file that receives the steps of the next request
        self._live = self.console.is_terminal and not self.console.is_dumb_terminal and not plain
        view = self.view()
        view.show_heading(f"{agent.describe()}; /help shows the commands")
        view.show_limits(agent.describe_limits())

    def begin(self, conversation: Conversation) -> None:
        """Go on with another conversation."""
        self.conversation = self._before = conversation
        self.line, self.turn = "", None

    def keep_program(self, program: str) -> None:
        """Take a program, which was made from the one so far, as the program of the conversation."""
        self.view().draw(draw_change(self.conversation.program, program))
        self.conversation = replace(self.conversation, program=program)

    def say(self, text: str) -> None:
        """Draw a text for the person."""
        self.view().say(text)

    def view(self, *, live: bool = False) -> TerminalView:
        """Return a view of a turn."""
        return TerminalView(
            self.console, live=live and self._live, program_console=self.console, detail=self.detail,
            meter=self.agent.meter(), in_chat=True,
        )  # fmt: skip

    def carry_out(self, line: str) -> None:
        """Carry out a command, answer a question about the program, or write one."""
        word, rest = [*line.split(maxsplit=1), ""][:2]
        if word.startswith("/"):
            find_command(word).act(self, rest.strip())
        elif is_question(line) and self.conversation.program:
            self.explain(line)
        else:
            self._retries = 0
            self.write(line)

    def write(self, line: str, start: Conversation | None = None) -> None:
        """Write the program of a request, or change the one so far as it says. start: the conversation before it."""
        check_characters(line)
        check_sentence(line, "/file completes one, /add shows it to the model")
        start = self.conversation if start is None else start
        task, kept = fit(start, line, self._fits)
        self.line, self._before = line, start
        for sentence in describe_dropped(start, kept):
            self.say(sentence)
        before = kept.program if kept.is_follow_up(line) else ""
        self.turn = Turn(self.agent, task, self._solve(task, before))
        if self.turn.result.outcome == RunOutcome.ACCEPTED:
            self.conversation = kept.follow(task, line, self.turn.result.best.program)

    def fill_stub(self, task: Task) -> None:
        """Write the function that a module leaves open, as the first program of a conversation."""
        self.line, self._before = task.request, Conversation(files=self.conversation.files)
        self.turn = Turn(self.agent, task, self._solve(task, ""))
        if self.turn.result.outcome == RunOutcome.ACCEPTED:
            self.conversation = self._before.follow(task, task.request, self.turn.result.best.program)

    def retry(self) -> None:
        """Write the program of the last request again, with other samples; tests and files that came since count."""
        if not self.line:
            raise InvalidRequestError("there is nothing to try again; say what to write first")
        self._retries += 1
        if self.turn is not None and self.turn.task.module is not None and self.turn.task.request == self.line:
            self.fill_stub(self.turn.task)
            return
        now = self.conversation
        self.write(self.line, replace(self._before, tests=now.tests, files=now.files))

    def explain(self, line: str) -> None:
        """Answer a question about the program in words. Raises InvalidRequestError where the model writes only code."""
        if not self.agent.model.prompt_style.chat:
            raise InvalidRequestError("this model writes code and answers no questions; /alternatives shows its doubts")
        from agent.decoding.words import answer_in_words

        self.view().stream(answer_in_words(self.agent.model, write_question(self.conversation, line)))
        self.say("(the model's words: nothing checked them)")

    def require_program(self) -> str:
        """Return the program so far. Raises InvalidRequestError where there is none."""
        if not self.conversation.program:
            raise InvalidRequestError("there is no program yet; say what to write first")
        return self.conversation.program

    def require_turn(self) -> Turn:
        """Return the last turn. Raises InvalidRequestError where there is none, or the program is another since."""
        if self.turn is None:
            raise InvalidRequestError("nothing was asked for yet; say what to write first")
        if self.turn.result.best.program != (self.conversation.program or self.turn.result.best.program):
            raise InvalidRequestError("the last request did not give the program that you have; /retry tries it again")
        return self.turn

    def change_agent(self, **options: Any) -> None:
        """Go on with other options."""
        from agent.cli.settings import putting_in_force

        with putting_in_force({}):  # what was typed here is to blame, and no setting
            self.agent = self.agent.change(**options)
        self.view().show_heading(self.agent.describe())

    def _solve(self, task: Task, before: str) -> Result:
        from agent.cli.interrupts import draining, raising
        from agent.workflow.threads import open_memory_store

        view, agent = self.view(live=True), self.agent
        if self._retries:
            agent = agent.change(seed=agent.checked.options.seed + self._retries)
        store = open_memory_store() if agent.asks else None
        view.begin(task, agent.opening(task))

        def ask(question: Question) -> int | str:
            with raising():
                return view.ask(question)

        with ExitStack() as cleanup:
            stopped, log = cleanup.enter_context(draining(lambda: None)), self._open_trace(task, cleanup)
            cleanup.enter_context(view)
            session = Session(ask, log, store, "chat", stop=stopped)
            result = agent.solve(task, on_event=view.show, session=session)
        if stopped():
            self.say("stopped; this is what there is")
        view.finish(result, before=before)
        return result

    def _open_trace(self, task: Task, cleanup: ExitStack) -> Log:
        """Return what writes the numbered events of a request into the file of /trace, once."""
        if self.trace is None:
            return lambda number, event: None
        from agent.trace import TraceWriter, collect_provenance

        provenance = {"task": task.request, **self.agent.identity(), **collect_provenance()}
        file, self.trace = self.trace, None
        return cleanup.enter_context(closing(TraceWriter(file, provenance))).log

    def _fits(self, task: Task) -> bool:
        from agent.workflow.prepare import leaves_room

        return leaves_room(self.agent.context(), task)
