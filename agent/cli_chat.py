"""`dubito chat`: one request after another, with the tree of the last one at hand. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli_options import (
    BudgetOption,
    DeviceOption,
    DtypeOption,
    MinProbabilityOption,
    ModelOption,
    OrderOption,
    PolicyOption,
    SandboxOption,
    SeedOption,
    ThresholdOption,
    TokensOption,
)
from agent.exits import reported

if TYPE_CHECKING:
    from rich.console import Console

    from agent.context import Context
    from agent.job import Result
    from agent.search import Plan
    from agent.views.terminal import TerminalView

HELP = """Say what to write, in one line, or give one of these:
  /file PATH         a signature with its docstring, from a file
  /alternatives      the tree of the last request: every program, the way it took, what became of it
  /alternatives N    program N of it in full
  /help              this
  /quit              the end; so is Ctrl-D"""


def chat(
    model: ModelOption = "models/tiny",
    policy: PolicyOption = "adadec",
    threshold: ThresholdOption = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask at pauses, and where programs differ.")] = False,
    budget: BudgetOption = "programs=20",
    order: OrderOption = "probability",
    min_probability: MinProbabilityOption = 0.0,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Write one program after another, as `solve` does; /alternatives walks the tree of the last one."""
    with reported(as_json=False), ExitStack() as cleanup:
        from rich.console import Console

        from agent import parts
        from agent.context import Context
        from agent.views.terminal import TerminalView

        learned = parts.learned_of(model)
        plan = parts.plan_named(budget, order, min_probability, ask=ask, learned=learned)
        chosen = parts.policy_named(policy, model=model, threshold=threshold, ask=ask, learned=True)
        lm = parts.model_named(model, device=device, dtype=dtype)
        box = cleanup.enter_context(closing(parts.sandbox_named(sandbox)))
        context = Context(lm, chosen, box, max_tokens=max_tokens, seed=seed, learned=learned)
        console = Console(highlight=False)
        TerminalView(console, live=False).head(f"{policy} with {model}, run in {type(box).__name__}; /help says more")
        last: Result | None = None
        while (line := _read(console)) is not None:
            view = TerminalView(console, live=console.is_terminal)
            last = _turn(line, view, context, plan, last)


def _read(console: Console) -> str | None:
    """Return the next line that says something; None at the end."""
    while True:
        try:
            line = console.input("[bold]dubito>[/bold] ").strip()
        except EOFError:
            return None
        if line == "/quit":
            return None
        if line:
            return line


def _turn(line: str, view: TerminalView, context: Context, plan: Plan, last: Result | None) -> Result | None:
    """Carry out one line. What it cannot carry out it says, and the conversation goes on."""
    from agent.errors import UsageError

    command, _, rest = line.partition(" ")
    try:
        if command == "/help":
            view.say(HELP)
        elif command == "/alternatives":
            view.alternatives(last, rest.strip())
        elif command.startswith("/") and command != "/file":
            raise UsageError(f"{command} came; wanted a request, /file PATH, /alternatives, /help or /quit")
        else:
            return _answered(rest.strip() if command == "/file" else None, line, view, context, plan)
    except UsageError as error:
        view.say(f"dubito: {error}")
    return last


def _answered(file: str | None, line: str, view: TerminalView, context: Context, plan: Plan) -> Result:
    from langgraph.checkpoint.memory import InMemorySaver

    from agent import parts
    from agent.job import perform

    task = parts.task_from(None, Path(file), None) if file is not None else parts.task_from(line, None, None)
    saver = InMemorySaver() if plan.questions else None
    view.unread(task)
    with view:
        result = perform(
            context, task, plan=plan, checkpointer=saver, thread="chat", on_event=view.show, answer=view.ask
        )
    view.finish(result)
    return result
