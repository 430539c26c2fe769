"""The command line: picks one implementation of each part and hands them to the workflow. Heavy imports wait inside."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.chat import chat
from agent.cli.exits import Commands, ExitCode, report_errors
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
from agent.cli.sandbox import sandbox as sandbox_commands
from agent.views.say import announce_loading, is_watched, say, write_data, write_json
from agent.workflow.threads import open_memory_store, open_threads, prune
from benchmarks.cli import Problem, add_benchmark_commands, hidden_verdicts, read_problem

if TYPE_CHECKING:
    from agent.program.task import Task
    from agent.views.terminal import TerminalView
    from agent.workflow.context import Log
    from agent.workflow.run import Result

app = typer.Typer(
    name="dubito",
    cls=Commands,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Generate code that pauses where the model is in doubt, looks ahead there, and runs what it wrote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


HELP_COLUMNS = 80  # in fewer the names of options are cut


@app.callback()
def dubito() -> None:
    """Generate code that pauses where the model is in doubt, looks ahead there, and runs what it wrote."""


@app.command()
def solve(
    request: Annotated[str | None, typer.Argument(help="What to write, as a sentence.")] = None,
    task: Annotated[str | None, typer.Option(help="A benchmark problem: HumanEval/0, Mbpp/2, exercises/12.")] = None,
    file: Annotated[Path | None, typer.Option(help="Python to complete: a signature with its docstring.")] = None,
    tests: Annotated[
        Path | None, typer.Option(help="A file of assert statements that the program should pass.")
    ] = None,
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
    tau: Annotated[float, typer.Option(help="Trust at most -ln tau nats of surprisal; the rest becomes holes.")] = 0.1,
    holes: Annotated[int, typer.Option(min=1, help="The most holes in a partial program.")] = 2,
    sandbox: SandboxOption = None,
    thread: Annotated[
        str | None, typer.Option(help="A name under which the run is kept, and resumed if it was cut off.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every step to this new JSON-lines file.")] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
    prompt_format: PromptFormatOption = "auto",
    display: Annotated[str, typer.Option(help="live, plain, or auto: live where somebody watches.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write a program, run it on the examples that the request shows, and try again where it was in doubt.

    A request of `-`, or none where something is piped in, is read from stdin; so is `--file -`.
    """
    with report_errors(as_json, resumes="a run with --thread NAME"), ExitStack() as cleanup:
        from agent.cli import choices, components

        _check_display(display, as_json=as_json, ask=ask)
        choices.check_tau(tau)
        policy = choices.policy_for(strategy, policy, otherwise="adadec")
        choices.check_thread(strategy, thread)
        components.check_policy(policy, model=model, threshold=threshold, ask=ask)
        components.check_model(model, dtype, prompt_format)
        components.check_sandbox(sandbox)
        profile = components.profile_of(model)
        spend = components.strategy_named(
            strategy, programs=programs, budget=budget, order=order, min_probability=min_probability, ask=ask,
            profile=profile,
        )  # fmt: skip
        wanted, problem = _wanted(request, task, file, tests, ask=ask)
        origin: dict[str, Any] = {"task": wanted.name, "thread": thread}
        log = cleanup.enter_context(_traced(trace, thread, origin))
        box = cleanup.enter_context(closing(components.sandbox_named(sandbox)))
        announce_loading(model, quiet=as_json)
        from agent.cli.thresholds import describe_threshold
        from agent.files.plain import plain
        from agent.workflow.context import Context

        view = _view(display, as_json=as_json)
        chosen = components.policy_named(policy, model=model, threshold=threshold, ask=ask, profile=profile)
        opened = components.model_named(model, device=device, dtype=dtype, prompt_format=prompt_format)
        identity = {
            "model": model, "weights": profile.weights,
            "prompt_format": opened.prompt_format, "policy": policy,
            "threshold": plain(chosen.gate.threshold), "ask": ask,
            "max_tokens": max_tokens, "tau": tau, "holes": holes, "seed": seed,
        }  # fmt: skip
        origin |= {**identity, "device": opened.device, "dtype": opened.dtype}
        saver = cleanup.enter_context(_kept(thread, ask))
        context = Context(
            opened, chosen, box, max_tokens=max_tokens, tau=tau, max_holes=holes, seed=seed, profile=profile
        )
        view.show_unparsed(wanted)
        pausing = describe_threshold(chosen, policy, threshold)
        view.show_heading(f"{wanted.name}: {policy} with {model}{pausing}, run in {type(box).__name__}")
        with view:
            result = spend(
                context,
                wanted,
                checkpointer=saver,
                thread=thread or "once",
                identity=identity,
                on_event=view.show,
                log=log,
                person=view.ask,
            )
        hidden = hidden_verdicts(box, problem, result.best.program) if problem else None
        view.finish(result, hidden)
        code = _delivered(result, hidden, as_json=as_json)
        if thread is not None:
            prune(saver, thread)
        raise typer.Exit(code)


@app.command()
def doctor() -> None:
    """Check that packages, model, sandbox and device are available. Example: dubito doctor"""
    with report_errors(as_json=False):
        from agent.cli.doctor import check_parts

        missing = False
        for part, state, advice in check_parts():
            missing = missing or state is None
            say(f"{'✓' if state else '✗'} {part}: {state or advice}")
        raise typer.Exit(ExitCode.MACHINE_FAILED if missing else ExitCode.OK)


app.command("chat")(chat)
add_benchmark_commands(app)
app.add_typer(sandbox_commands)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # langgraph brings a client that would send runs elsewhere
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # threads that spin longer starve a second run (docs/LOG.md)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    width = shutil.get_terminal_size().columns
    if os.environ.get("COLUMNS") != str(width):  # it is no positive number, and rich would draw nothing
        os.environ.pop("COLUMNS", None)
    if width < HELP_COLUMNS:
        os.environ.setdefault("TERMINAL_WIDTH", str(HELP_COLUMNS))  # typer's, for --help alone
    from agent.cli.streams import guard_streams

    with guard_streams():
        app()


def _check_display(display: str, *, as_json: bool, ask: bool) -> None:
    from agent.cli.choices import DISPLAYS
    from agent.errors import InvalidRequestError
    from agent.messages import check_choice

    check_choice("display", display, DISPLAYS)
    if as_json and ask:
        raise InvalidRequestError(
            "--ask needs somebody to talk to, and --json prints nothing but its object; choose one of them"
        )


def _view(display: str, *, as_json: bool) -> TerminalView:
    """Return what draws the run: on stdout where somebody watches it, else on stderr, and nothing beside JSON."""
    from rich.console import Console

    from agent.views.terminal import TerminalView

    console = Console(stderr=not is_watched(), quiet=as_json, highlight=False)
    return TerminalView(
        console, live=not as_json and (display == "live" or (display == "auto" and console.is_terminal))
    )


def _wanted(
    request: str | None, task: str | None, file: Path | None, tests: Path | None, *, ask: bool
) -> tuple[Task, Problem | None]:
    """Return the task, and the benchmark problem that it is, whose hidden tests stay here."""
    from agent.cli import components
    from agent.errors import InvalidRequestError
    from agent.files.access import STANDARD_STREAM

    given = [name for name, value in (("a sentence", request), ("--task", task), ("--file", file)) if value is not None]
    piped = not given and sys.stdin is not None and not sys.stdin.isatty()
    if piped:
        request, given = STANDARD_STREAM, ["stdin"]
    if len(given) != 1:
        raise InvalidRequestError(
            f"{' and '.join(given) or 'nothing'} came; wanted one of a sentence, --task ID and --file FILE"
        )
    from_stdin = [request, str(file), str(tests)].count(STANDARD_STREAM)
    if from_stdin and ask:
        raise InvalidRequestError(
            "--ask reads answers from stdin, so the request and its tests must come from elsewhere"
        )
    if from_stdin > 1:
        raise InvalidRequestError("stdin can be read once, as the request or as its tests; give the other as a file")
    if request == STANDARD_STREAM:
        request = components.text_of_stdin("the request")
    if task is None:
        return components.task_named(request, file, tests), None
    found = read_problem(task)
    return components.task_named(found.prompt, None, tests, name=task, entry_point=found.entry_point), found


def _delivered(result: Result, hidden: dict[str, str] | None, *, as_json: bool) -> int:
    """Print the program where it is not drawn, and nothing of a run that abstained. Return the exit code."""
    from agent.workflow.run import AGREED, VERIFIED

    code = ExitCode.OK if result.standing in (VERIFIED, AGREED) else ExitCode.ABSTAINED
    if as_json:
        write_json({**result.record(), "hidden_tests": hidden, "exit_code": code})
        return code
    if not is_watched() and result.outcome == "accepted":
        write_data(result.best.program.rstrip("\n"))
    return code


def _kept(thread: str | None, ask: bool) -> Any:
    """Return the store that a run needs: a file for a thread, memory for questions, none otherwise."""
    if thread is not None:
        return open_threads()
    return nullcontext(open_memory_store() if ask else None)


@contextmanager
def _traced(path: Path | None, thread: str | None, provenance: dict[str, Any]) -> Iterator[Log]:
    """Open the trace; that of a thread goes on where it was. What is known later of the provenance may be added."""
    if path is None:
        yield lambda number, event: None
        return
    from agent.trace import TraceWriter, collect_provenance

    provenance |= collect_provenance()
    with closing(TraceWriter(path, provenance, resume=thread is not None)) as writer:
        yield writer.log
