"""The state of `dubito chat`: the agent, the conversation, the last turn; and what a line does to it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from agent.cli.agent_options import Agent
from agent.cli.chat_commands import find_command, find_meant
from agent.cli.chat_files import refresh_files, refresh_opened
from agent.cli.inputs import check_sentence
from agent.errors import InvalidRequestError
from agent.files.changes import plain_text
from agent.messages import quote
from agent.program.conversation import (
    Conversation,
    check_characters,
    describe_dropped,
    fit,
    is_question,
    write_question,
)
from agent.records import Question, RunOutcome
from agent.views.consoles import open_console
from agent.views.terminal import TerminalView, draw_change
from agent.views.theme import highlight
from agent.workflow.session import Session

if TYPE_CHECKING:
    from agent.files.edits import Edit
    from agent.program.task import Task
    from agent.workflow.context import Log
    from agent.workflow.run import Result


_CHANGEABLE = {"model": None, "policy": None, "strategy": "adaptive", "budget": None}  # options, and their defaults


class Turn(NamedTuple):
    """A request that came to a result, and the agent that wrote it."""

    agent: Agent
    task: Task
    result: Result


class Chat:
    """A conversation about a program, with the agent that writes it."""

    def __init__(self, agent: Agent, *, detail: int = 0, plain: bool = False) -> None:
        self.agent, self.detail = agent, detail
        self.console = open_console()
        self.conversation = self._before = Conversation()  # now, and before the last request
        self.line: str | None = None  # the last request; empty for a stub alone
        self._retries = 0  # how often it was tried again
        self.turn: Turn | None = None  # the last one that came to a result
        self.trace: Path | None = None  # the file that receives the steps of the next request
        self.file: Path | None = None  # the file that /file completed as a whole, if the program is of it
        self.edits: list[Edit] = []  # what /write changed, oldest first
        self.own_files = set[str]()  # the real paths of the conversations that were saved or loaded
        self._earlier: list[Conversation] = []  # with the programs before, oldest first
        self.start = self.read_options()
        self._live = self.console.is_terminal and not self.console.is_dumb_terminal and not plain
        view = self.view()
        view.show_heading(f"{agent.describe()}; /help shows the commands")
        view.show_limits(agent.describe_limits())

    def begin(self, conversation: Conversation) -> None:
        """Go on with another conversation."""
        self._keep(conversation)
        self._before, self.line, self.turn, self.file = conversation, None, None, None

    def keep_program(self, task: Task, program: str) -> None:
        """Take a program, which was made from the one so far, as the program of the conversation."""
        before, after = self.conversation, self.conversation.put(task, program)
        self.view().draw(_draw_difference(before, after))
        self._keep(after)

    def go_back(self) -> None:
        """Go back to the program before the last change. Raises InvalidRequestError where there is none."""
        if not self._earlier:
            raise InvalidRequestError("there is no earlier program; /show shows the one that there is")
        now, earlier = self.conversation, self._earlier.pop()
        self.conversation = now.go_back(earlier)
        self.view().draw(_draw_difference(now, self.conversation))
        self.say(f"the program is {self.describe_program()} again, as it was before")

    def show_code(self) -> None:
        """Draw the program; of a file that is open, the function."""
        self.view().draw(highlight(self.conversation.code.strip("\n")))

    def _keep(self, conversation: Conversation) -> None:
        if self.conversation.program:
            self._earlier.append(self.conversation)
        self.conversation = conversation

    def say(self, text: str) -> None:
        """Draw a text for the person."""
        self.view().say(text)

    def can_ask(self) -> bool:
        """Whether a person is there who can be asked."""
        from agent.cli.writing import find_confirm

        return find_confirm() is not None

    def ask(self, question: str) -> bool:
        """Ask a person, and return whether the answer is yes. Raises InvalidRequestError where nobody is there."""
        import typer

        if not self.can_ask():
            reason = question.rpartition(". ")[0]
            raise InvalidRequestError(f"{reason}, and nobody can be asked here; type it at a terminal")
        try:
            answer = (
                typer.prompt(f"{question} [y/N]", default="", show_default=False, prompt_suffix=" ", err=True)
                .strip()
                .lower()
            )
        except typer.Abort:
            self.say("")
            return False
        if answer not in ("y", "yes", "n", "no", ""):
            self.say(f"{quote(answer)} is neither y nor n, and was not carried out")
        return answer in ("y", "yes")

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
        elif meant := find_meant(line):
            self.say(meant)
        elif is_question(line) and self.conversation.program:
            self.explain(line)
        else:
            self._retries = 0
            self.write(line)

    def write(self, line: str, start: Conversation | None = None) -> None:
        """Write the program of a request, or change the one so far as it says. start: the conversation before it."""
        check_characters(line)
        check_sentence(line, "/file completes one, /add shows it to the model")
        refresh_files(self)
        start = self.conversation if start is None else start
        start = refresh_opened(replace(start, files=self.conversation.files))
        task, kept = fit(start, line, self._fits)
        self.line, self._before = line, start
        for sentence in describe_dropped(start, kept):
            self.say(sentence)
        is_follow_up = kept.is_follow_up(line)
        before = kept.program if is_follow_up else ""
        if kept.opened is not None and task.module is not None:
            before = plain_text(kept.opened.text)
        if not self.conversation.program:  # a follow-up changes this request, also where it gives nothing
            self.conversation = kept.follow(task, line, "")
        if task.changes and task.examples and not self._passes(task, start):
            task = replace(task, changes="")  # what fails now checks the change
        result = self._solve(task, before)
        self.turn = Turn(self.agent, task, result)
        if result.outcome == RunOutcome.ACCEPTED:
            self.file = self.file if is_follow_up else None
            self._keep(kept.follow(task, line, result.best.program))
        elif sentence := self.describe_kept():
            self.say(sentence)

    def describe_kept(self) -> str:
        """Say what a follow-up changes after a request that gave no program."""
        if self.conversation.program:
            return f"the program is still {self.describe_program()}, and a follow-up changes it"
        changes = self.conversation.is_follow_up("change it")
        return "what you say next changes this request; /new begins another" if changes else ""

    def gave_program(self) -> bool:
        """Whether the last request gave a program."""
        return self.turn is not None and self.turn.result.outcome == RunOutcome.ACCEPTED

    def describe_program(self) -> str:
        """Return the name of the program so far."""
        return self.conversation.topic or "the one before"

    def retry(self) -> None:
        """Write the program of the last request again, with other samples; tests and files that came since count."""
        if self.line is None:
            raise InvalidRequestError("there is nothing to try again; say what to write first")
        self._retries += 1
        self.write(self.line, self.conversation.go_back(self._before))

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
            tried = "; /tree shows what was tried" if self.turn else ""
            raise InvalidRequestError(f"there is no program yet{tried or '; say what to write first'}")
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

    def read_options(self) -> dict[str, Any]:
        """Return the options that a chat may change, as they are now."""
        return {name: getattr(self.agent.checked.options, name) for name in _CHANGEABLE}

    def take_options(self, saved: Mapping[str, Any]) -> None:
        """Go on with the options of a saved conversation, but for those that the command line or a setting gave."""
        now = self.read_options()
        other = {name: saved[name] for name in now if name in saved and saved[name] != now[name]}
        kept = [name for name in other if self.start[name] != _CHANGEABLE[name]]
        if changed := {name: value for name, value in other.items() if name not in kept}:
            self.change_agent(**changed)
        for name in kept:
            self.say(f"the {name} stays {now[name]}; it was saved with {other[name] or 'the default'}")

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
            self.say("stopped; this is what there is, and /tree shows all of it")
        view.finish(result, before=before)
        return result

    def _open_trace(self, task: Task, cleanup: ExitStack) -> Log:
        """Return what writes the numbered events of a request into the file of /trace, once."""
        if self.trace is None:
            return lambda number, event: None
        from agent.trace import TraceWriter, collect_provenance

        provenance = {"task": task.request, **self.agent.provenance(), **collect_provenance()}
        file, self.trace = self.trace, None
        return cleanup.enter_context(closing(TraceWriter(file, provenance))).log

    def _passes(self, task: Task, start: Conversation) -> bool:
        """Whether the program that is to be changed passes the examples of its change already."""
        from agent.verification.examples import verify_steadily

        return verify_steadily(self.agent.sandbox, start.runnable, task.examples).passed

    def _fits(self, task: Task) -> bool:
        from agent.workflow.prepare import leaves_room

        return leaves_room(self.agent.context(), task)


def _draw_difference(before: Conversation, after: Conversation) -> Text:
    """Return what changes from one state of a conversation to another: in the file that is open, or the program."""
    if before.opened and after.opened and before.opened.file == after.opened.file:
        return draw_change(plain_text(before.opened.text), plain_text(after.opened.text))
    return draw_change(before.code, after.code)
