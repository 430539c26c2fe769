"""What `dubito chat` acts on: the agent, the conversation, the last result. A turn writes, changes or explains."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agent.cli.agent_options import Agent
from agent.cli.chat_commands import find_command
from agent.cli.inputs import check_sentence
from agent.errors import InvalidRequestError
from agent.program.conversation import Conversation, fit, is_question, write_question
from agent.records import RunOutcome
from agent.views.terminal import TerminalView, draw_change
from agent.workflow.session import Session

if TYPE_CHECKING:
    from agent.program.task import Task
    from agent.workflow.context import Log
    from agent.workflow.run import Result


class Chat:
    """A conversation about a program, with the agent that writes it."""

    def __init__(self, agent: Agent, *, detail: int = 0, plain: bool = False) -> None:
        self.agent, self.detail = agent, detail
        self.console = Console(highlight=False)
        self.conversation = self._before = Conversation()  # now, and before the last request
        self.line, self.retries = "", 0  # of the last request
        self.task: Task | None = None
        self.result: Result | None = None
        self.trace: Path | None = None  # the file that receives the steps of the next request
        self._live = self.console.is_terminal and not self.console.is_dumb_terminal and not plain
        view = self.view()
        view.show_heading(f"{agent.describe()}; /help shows the commands")
        view.show_limits(agent.describe_limits())

    def begin(self, conversation: Conversation) -> None:
        """Go on with another conversation."""
        self.conversation, self.line, self.task, self.result = conversation, "", None, None

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
        word, _, rest = line.partition(" ")
        if word.startswith("/") and "\n" not in word:
            find_command(word).act(self, rest.strip())
        elif is_question(line) and self.conversation.program and self.agent.model.prompt_style.chat:
            self.explain(line)
        else:
            self.retries = 0
            self.write(line)

    def write(self, line: str) -> None:
        """Write the program of a request, or change the program so far as it says."""
        if any(ord(character) < 32 for character in line.replace("\t", " ").replace("\n", " ")):
            raise InvalidRequestError("the request holds control characters; write it again")
        check_sentence(line, "/file completes one, /add shows it to the model")
        task, kept = fit(self.conversation, line, self._fits)
        if dropped := len(self.conversation.requests) - len(kept.requests):
            self.say(f"the conversation is too long for the model: its first {dropped} requests are not shown to it")
        if dropped := len(self.conversation.files) - len(kept.files):
            self.say(f"and {dropped} of the files that you added are not")
        self._before, before = self.conversation, kept.program if kept.is_follow_up(line) else ""
        result = self._solve(task, before)
        self.line, self.task, self.result = line, task, result
        if result.outcome == RunOutcome.ACCEPTED:
            self.conversation = kept.follow(task, line, result.best.program)

    def retry(self) -> None:
        """Write the program of the last request again, with other samples; tests and files that came since count."""
        if not self.line:
            raise InvalidRequestError("there is nothing to try again; say what to write first")
        self.retries += 1
        self.conversation = replace(self._before, tests=self.conversation.tests, files=self.conversation.files)
        self.write(self.line)

    def explain(self, line: str) -> None:
        """Answer a question about the program in words."""
        from agent.workflow.heat import answer_in_words

        self.view().stream(answer_in_words(self.agent.model, write_question(self.conversation, line)))
        self.say("(the model's words: nothing checked them)")

    def require_program(self) -> str:
        """Return the program so far. Raises InvalidRequestError where there is none."""
        if not self.conversation.program:
            raise InvalidRequestError("there is no program yet; say what to write first")
        return self.conversation.program

    def require_result(self) -> tuple[Task, Result]:
        """Return the last task and its result. Raises InvalidRequestError where there is none."""
        if self.task is None or self.result is None:
            raise InvalidRequestError("nothing was asked for yet; say what to write first")
        return self.task, self.result

    def change_agent(self, **options: Any) -> None:
        """Go on with other options."""
        self.agent = self.agent.change(**options)
        self.view().show_heading(self.agent.describe())

    def _solve(self, task: Task, before: str) -> Result:
        from agent.cli.interrupts import draining
        from agent.workflow.threads import open_memory_store

        view, agent = self.view(live=True), self.agent
        if self.retries:
            agent = agent.change(seed=agent.checked.options.seed + self.retries)
        store = open_memory_store() if agent.asks else None
        view.begin(task, agent.opening(task))
        with ExitStack() as cleanup:
            stopped, log = cleanup.enter_context(draining(lambda: None)), self._open_trace(task, cleanup)
            cleanup.enter_context(view)
            session = Session(view.ask, log, store, "chat", stop=stopped)
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
        """Whether the prompt of a task leaves the model room for an answer."""
        from agent.program.prompts import write_prompt

        model = self.agent.model
        if model.lm.context is None:
            return True
        prompt = write_prompt(
            task.request, model.prompt_style, name=task.entry_point, tests=task.tests, beside=task.beside
        )
        room = model.lm.context - len(model.encode_prompt(prompt.user, prompt.opening))
        return room >= min(self.agent.checked.options.max_tokens, model.lm.context // 2)
