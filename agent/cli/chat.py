"""`dubito chat`: one request after another, and the tree of the last one. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.cli.agent_options import Agent, AgentOptions
from agent.cli.exits import ExitCode, report_error, report_errors
from agent.cli.interrupts import forget
from agent.cli.options import (
    AskOption,
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    MinProbabilityOption,
    OrderOption,
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    ThresholdOption,
    TokensOption,
    WeightsOption,
)
from agent.errors import InvalidRequestError
from agent.messages import quote

if TYPE_CHECKING:
    from rich.console import Console

    from agent.program.task import Task
    from agent.views.terminal import TerminalView
    from agent.workflow.run import Result

HELP = """Say what to write, in one line, or give one of these:
  /file PATH         a signature with its docstring, from a file
  /alternatives      the tree of the last request: every program, the way it took, what became of it
  /alternatives N    program N of it in full
  /help              this
  /quit              the end; so is Ctrl-D
Ctrl-C stops what is being written, and the chat goes on."""


def chat(
    model: DefaultModelOption = None,
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    strategy: StrategyOption = "adaptive",
    programs: ProgramsOption = None,
    ask: AskOption = False,
    budget: BudgetOption = None,
    order: OrderOption = None,
    min_probability: MinProbabilityOption = 0.0,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
) -> None:
    """Write one program after another, as `solve` does. /alternatives shows the tree of the last one.

    Example: dubito chat --ask
    """
    options = AgentOptions.take(locals())
    with report_errors(as_json=False), ExitStack() as cleanup:
        agent = options.check().open(cleanup)
        _talk(agent)
        raise typer.Exit(ExitCode.OK)


def _talk(agent: Agent) -> None:
    """Read lines and carry them out, until /quit or the end of the input."""
    from rich.console import Console

    from agent.views.terminal import TerminalView

    console = Console(highlight=False)
    view = TerminalView(console, live=False)
    view.show_heading(f"{agent.describe()}; /help says more")
    view.show_limits(agent.describe_limits())
    last: Result | None = None
    while (line := _read(console, view)) is not None:
        view = TerminalView(console, live=console.is_terminal, in_chat=True)
        last = _turn(line, view, agent, last)


def _read(console: Console, view: TerminalView) -> str | None:
    """Return the next line that is not blank; None at the end. An interrupt drops the line and nothing else."""
    while True:
        forget()  # the last turn reported its interrupt
        try:
            line = console.input("[bold]dubito>[/bold] ").strip()
        except EOFError:
            view.say("")
            return None
        except KeyboardInterrupt:
            view.say("\n/quit or Ctrl-D ends the chat")
            continue
        if line.split()[:1] and line.split()[0].lower() == "/quit":
            return None
        if line:
            return line


def _turn(line: str, view: TerminalView, agent: Agent, last: Result | None) -> Result | None:
    """Carry out one line. Errors and interrupts are printed, and the chat goes on."""
    command, _, rest = line.partition(" ")
    try:
        match command.lower():
            case "/help":
                view.say(HELP)
            case "/alternatives":
                view.show_tree(last, rest.strip())
            case "/file":
                return _solve(_read_task(rest.strip(), None), view, agent)
            case name if name.startswith("/"):
                raise InvalidRequestError(
                    f"{quote(command)} came; wanted a request, /file PATH, /alternatives, /help or /quit"
                )
            case _:
                return _solve(_read_task(None, line), view, agent)
    except KeyboardInterrupt:
        view.say("\nstopped; what came before is kept")
    except Exception as error:  # noqa: BLE001 - one failed request must not end the chat
        report_error(error, as_json=False)
    return last


def _read_task(file: str | None, request: str | None) -> Task:
    """Return the task of a line. Raises InvalidRequestError."""
    from agent.cli.inputs import build_task

    if file == "":
        raise InvalidRequestError("/file came without a path; wanted one, as in /file prompt.py")
    if request is not None and any(ord(character) < 32 for character in request.replace("\t", " ")):
        raise InvalidRequestError("the line holds control characters, as arrow keys send them; write it again")
    return build_task(request, Path(file) if file else None, None)


def _solve(task: Task, view: TerminalView, agent: Agent) -> Result:
    from agent.workflow.session import Session
    from agent.workflow.threads import open_memory_store

    session = Session(view.ask, checkpointer=open_memory_store() if agent.asks else None, thread="chat")
    view.show_unparsed(task)
    with view:
        result = agent.solve(task, on_event=view.show, session=session)
    view.finish(result)
    return result
