"""`dubito chat`: one request after another, with the tree of the last one at hand. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_error, report_errors
from agent.cli.interrupts import forget
from agent.cli.options import (
    BudgetOption,
    DeviceOption,
    DtypeOption,
    MinProbabilityOption,
    ModelOption,
    OrderOption,
    PolicyOption,
    ProgramsOption,
    PromptFormatOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    ThresholdOption,
    TokensOption,
)
from agent.errors import InvalidRequestError
from agent.messages import quoted
from agent.views.say import announce_loading

if TYPE_CHECKING:
    from rich.console import Console

    from agent.program.task import Task
    from agent.strategies import Strategy
    from agent.views.terminal import TerminalView
    from agent.workflow.context import Context
    from agent.workflow.run import Result

HELP = """Say what to write, in one line, or give one of these:
  /file PATH         a signature with its docstring, from a file
  /alternatives      the tree of the last request: every program, the way it took, what became of it
  /alternatives N    program N of it in full
  /help              this
  /quit              the end; so is Ctrl-D
Ctrl-C stops what is being written, and the chat goes on."""


def chat(
    model: ModelOption = "models/tiny",
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    strategy: StrategyOption = "tree",
    programs: ProgramsOption = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask at pauses, and where programs differ.")] = False,
    budget: BudgetOption = None,
    order: OrderOption = None,
    min_probability: MinProbabilityOption = 0.0,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
    prompt_format: PromptFormatOption = "auto",
) -> None:
    """Write one program after another, as `solve` does; /alternatives walks the tree of the last one."""
    with report_errors(as_json=False), ExitStack() as cleanup:
        from agent.cli import choices, components

        policy = choices.policy_for(strategy, policy, otherwise="adadec")
        components.check_policy(policy, model=model, threshold=threshold, ask=ask)
        components.check_model(model, dtype, prompt_format)
        profile = components.profile_of(model)
        spend = components.strategy_named(
            strategy, programs=programs, budget=budget, order=order, min_probability=min_probability, ask=ask,
            profile=profile,
        )  # fmt: skip
        components.check_sandbox(sandbox)
        announce_loading(model)
        from rich.console import Console

        from agent.views.terminal import TerminalView
        from agent.workflow.context import Context

        chosen = components.policy_named(policy, model=model, threshold=threshold, ask=ask, profile=profile)
        opened = components.model_named(model, device=device, dtype=dtype, prompt_format=prompt_format)
        box = cleanup.enter_context(closing(components.sandbox_named(sandbox)))
        context = Context(opened, chosen, box, max_tokens=max_tokens, seed=seed, profile=profile)
        console = Console(highlight=False)
        view = TerminalView(console, live=False)
        view.show_heading(f"{policy} with {model}, run in {type(box).__name__}; /help says more")
        last: Result | None = None
        while (line := _read(console, view)) is not None:
            view = TerminalView(console, live=console.is_terminal, in_chat=True)
            last = _turn(line, view, context, spend, last)


def _read(console: Console, view: TerminalView) -> str | None:
    """Return the next line that says something; None at the end. An interrupt drops the line, and nothing else."""
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


def _turn(line: str, view: TerminalView, context: Context, spend: Strategy, last: Result | None) -> Result | None:
    """Carry out one line. What cannot be carried out is said, and the conversation goes on; also after an interrupt."""
    command, _, rest = line.partition(" ")
    try:
        match command.lower():
            case "/help":
                view.say(HELP)
            case "/alternatives":
                view.show_tree(last, rest.strip())
            case "/file":
                return _answered(_task_of(rest.strip(), None), view, context, spend)
            case name if name.startswith("/"):
                raise InvalidRequestError(
                    f"{quoted(command)} came; wanted a request, /file PATH, /alternatives, /help or /quit"
                )
            case _:
                return _answered(_task_of(None, line), view, context, spend)
    except KeyboardInterrupt:
        view.say("\nstopped; what came before is kept")
    except Exception as error:  # noqa: BLE001 - it is said in a sentence, and nobody loses the conversation by it
        report_error(error, as_json=False)
    return last


def _task_of(file: str | None, request: str | None) -> Task:
    """Return what a line asks for. Raises InvalidRequestError."""
    from agent.cli import components

    if file == "":
        raise InvalidRequestError("/file came without a path; wanted one, as in /file prompt.py")
    if request is not None and any(ord(character) < 32 for character in request.replace("\t", " ")):
        raise InvalidRequestError("the line holds control characters, as arrow keys send them; write it again")
    return components.task_named(request, Path(file) if file else None, None)


def _answered(task: Task, view: TerminalView, context: Context, spend: Strategy) -> Result:
    from agent.workflow.threads import open_memory_store

    saver = open_memory_store() if context.policy.resolver.name == "ask" else None
    view.show_unparsed(task)
    with view:
        result = spend(context, task, checkpointer=saver, thread="chat", on_event=view.show, person=view.ask)
    view.finish(result)
    return result
