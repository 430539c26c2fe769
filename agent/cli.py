"""The command line: picks one implementation of each part and hands them to the workflow. Heavy imports wait inside."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from agent.job import Result
    from agent.state import Event, Task
    from agent.views.terminal import TerminalView
    from benchmarks.base import Problem
    from sandbox.base import Sandbox

app = typer.Typer(
    name="dubito",
    help="Generate code that pauses where the model is in doubt, looks ahead there, and runs what it wrote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

OK, ABSTAINED, USAGE, INFRASTRUCTURE = 0, 1, 2, 3


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
    model: Annotated[str, typer.Option(help="A folder or a hub id of any causal LM of transformers.")] = "models/tiny",
    policy: Annotated[str, typer.Option(help="greedy, sample, adadec or uscd.")] = "adadec",
    threshold: Annotated[
        float | None, typer.Option(help="Pause at this much of the gate's score; higher is rarer.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask at pauses instead of deciding.")] = False,
    attempts: Annotated[int, typer.Option(min=1, help="Programs to try: branches at pauses, and a repair.")] = 4,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of one program.")] = 512,
    tau: Annotated[float, typer.Option(help="Trust at most -ln tau nats of surprisal; the rest becomes holes.")] = 0.1,
    holes: Annotated[int, typer.Option(min=1, help="The most holes in a partial program.")] = 2,
    sandbox: Annotated[str | None, typer.Option(help="docker, bubblewrap or process (no isolation).")] = None,
    thread: Annotated[
        str | None, typer.Option(help="A name under which the run is kept, and resumed if it was cut off.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every step to this new JSON-lines file.")] = None,
    seed: Annotated[int, typer.Option(help="Of the samplers.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda …; the best there is by default.")] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 …; auto is the checkpoint's own.")] = "auto",
    display: Annotated[str, typer.Option(help="live, plain, or auto: live where somebody watches.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write a program, run it on the examples that the request shows, and try again where it was in doubt."""
    with _reported(as_json), ExitStack() as cleanup:
        from agent import parts
        from agent.job import perform
        from agent.moves import Context

        view = _view(display, as_json=as_json, ask=ask)
        parts.check_tau(tau)
        chosen = parts.policy_named(policy, threshold=threshold, ask=ask)
        wanted, problem = _wanted(request, task, file, tests)
        lm = parts.model_named(model, device=device, dtype=dtype)
        log = cleanup.enter_context(_traced(trace, model=model, policy=policy, seed=seed, task=wanted.name))
        box = cleanup.enter_context(closing(parts.sandbox_named(sandbox)))
        saver = cleanup.enter_context(_kept(thread, ask))
        context = Context(lm, chosen, box, max_tokens=max_tokens, tau=tau, max_holes=holes, seed=seed)
        view.head(f"{wanted.name}: {policy} with {model}, run in {type(box).__name__}")
        with view:
            result = perform(
                context, wanted, attempts=attempts, checkpointer=saver, thread=thread or "once", model=model,
                on_event=_both(log, view.show), answer=view.ask,
            )  # fmt: skip
        view.finish(result.outcome, result.cost, result.answer)
        raise typer.Exit(_delivered(result, _hidden_tests(box, problem, result), as_json=as_json))


@app.command()
def doctor() -> None:
    """Say what of the parts is there: packages, the embedded model, a sandbox, a device."""
    with _reported(as_json=False):
        from agent.parts import diagnosis

        missing = False
        for name, found, hint in diagnosis():
            missing = missing or found is None
            typer.echo(f"{'✓' if found else '✗'} {name}: {found or hint}")
        raise typer.Exit(INFRASTRUCTURE if missing else OK)


exercises = typer.Typer(name="exercises", help="The project's own problems.", no_args_is_help=True)
app.add_typer(exercises)


@exercises.command("show")
def show_exercise(identity: Annotated[str, typer.Argument(metavar="ID", help="As in exercises/12.")]) -> None:
    """Print one exercise and its canonical solution."""
    with _reported(as_json=False):
        _, found = _wanted(None, identity if identity.startswith("exercises/") else f"exercises/{identity}", None, None)
        assert found is not None
        typer.echo(found.prompt + found.canonical_solution.rstrip("\n"))


bench = typer.Typer(name="bench", help="Problems by the hundred.", no_args_is_help=True)
app.add_typer(bench)


@bench.command("run")
def bench_run(
    benchmark: Annotated[str, typer.Argument(help="HumanEval, Mbpp, exercises, or exercises/SPLIT.")] = "exercises",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many problems.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep outcomes in this file, and go on from it after a kill.")
    ] = None,
    model: Annotated[str, typer.Option(help="A folder or a hub id of any causal LM of transformers.")] = "models/tiny",
    policy: Annotated[str, typer.Option(help="greedy, sample, adadec or uscd.")] = "greedy",
    threshold: Annotated[float | None, typer.Option(help="Pause at this much of the gate's score.")] = None,
    attempts: Annotated[int, typer.Option(min=1, help="Programs to try a problem; 1 is the policy alone.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of one program.")] = 512,
    sandbox: Annotated[str | None, typer.Option(help="docker, bubblewrap or process (no isolation).")] = None,
    seed: Annotated[int, typer.Option(help="Of the samplers.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda …; the best there is by default.")] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 …; auto is the checkpoint's own.")] = "auto",
) -> None:
    """Run a policy over a benchmark, judge it by the hidden tests, and print what it solved and cost."""
    options = {**locals(), "out": None}
    with _reported(as_json=False), ExitStack() as cleanup:
        from itertools import islice

        from agent import parts
        from agent.errors import UsageError
        from agent.moves import Context
        from benchmarks import named
        from benchmarks.runner import run, run_to_file, summary

        chosen = parts.policy_named(policy, threshold=threshold)
        try:
            problems = list(islice(named(benchmark), limit))
        except KeyError as error:
            raise UsageError(str(error.args[0])) from error
        lm = parts.model_named(model, device=device, dtype=dtype)
        box = cleanup.enter_context(closing(parts.sandbox_named(sandbox)))
        context = Context(lm, chosen, box, max_tokens=max_tokens, seed=seed)
        stream = (
            run_to_file(problems, context, out, options, attempts=attempts)
            if out
            else run(problems, context, attempts=attempts)
        )
        outcomes = []
        for outcome in stream:
            outcomes.append(outcome)
            solved = sum(each.passed for each in outcomes)
            typer.echo(
                f"\r{len(outcomes)}/{len(problems)} tried, {solved} solved", err=True, nl=len(outcomes) == len(problems)
            )
        typer.echo(summary(outcomes))


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # langgraph brings a client that would send runs elsewhere
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    app()


def _view(display: str, *, as_json: bool, ask: bool) -> TerminalView:
    """Return what draws the run: on stdout where somebody watches it, else on stderr, and nothing beside JSON."""
    from rich.console import Console

    from agent.errors import UsageError
    from agent.views.terminal import TerminalView

    if display not in ("auto", "live", "plain"):
        raise UsageError(f"unknown display {display!r}; choose from auto, live, plain")
    if as_json and ask:
        raise UsageError(
            "--ask needs somebody to talk to, and --json prints nothing but its object; choose one of them"
        )
    console = Console(stderr=not sys.stdout.isatty(), quiet=as_json, highlight=False)
    return TerminalView(
        console, live=not as_json and (display == "live" or (display == "auto" and console.is_terminal))
    )


def _wanted(
    request: str | None, task: str | None, file: Path | None, tests: Path | None
) -> tuple[Task, Problem | None]:
    """Return the task, and the benchmark problem that it is, whose hidden tests stay here."""
    from agent import parts
    from agent.errors import UsageError

    given = [name for name, value in (("a sentence", request), ("--task", task), ("--file", file)) if value is not None]
    if len(given) != 1:
        raise UsageError(
            f"{' and '.join(given) or 'nothing'} came; wanted one of a sentence, --task ID and --file FILE"
        )
    if task is None:
        return parts.task_from(request, file, tests), None
    from benchmarks import problem

    try:
        found = problem(task)
    except KeyError as error:
        raise UsageError(str(error.args[0])) from error
    return parts.task_from(found.prompt, None, tests, name=task, entry_point=found.entry_point), found


def _hidden_tests(box: Sandbox, problem: Problem | None, result: Result) -> dict[str, str] | None:
    """Judge the answer by the tests that the agent never saw, after it has ended."""
    if problem is None:
        return None
    from benchmarks.checker import judge

    judged = judge(box, problem, result.answer.program)  # its reasons name hidden inputs, so only verdicts leave
    return {"base": judged.base.verdict.value, "plus": judged.plus.verdict.value}


def _delivered(result: Result, hidden: dict[str, str] | None, *, as_json: bool) -> int:
    """Print the data; return the exit code."""
    from agent.trace import plain

    code = OK if result.outcome == "accepted" else ABSTAINED
    if as_json:
        typer.echo(json.dumps(plain({**result.record(), "hidden_tests": hidden, "exit_code": code})))
        return code
    if hidden is not None:
        typer.echo(f"hidden tests, which the agent never sees: base {hidden['base']}, plus {hidden['plus']}", err=True)
    if not sys.stdout.isatty():
        typer.echo(result.answer.program.rstrip("\n"))
    return code


def _kept(thread: str | None, ask: bool) -> Any:
    """Return the store that a run needs: a file for a thread, memory for questions, none otherwise."""
    from agent import parts

    if thread is not None:
        return parts.threads()
    if not ask:
        return nullcontext()
    from langgraph.checkpoint.memory import InMemorySaver

    return nullcontext(InMemorySaver())


@contextmanager
def _traced(path: Path | None, **provenance: Any) -> Iterator[Callable[[Event], None]]:
    if path is None:
        yield lambda event: None
        return
    from agent.trace import TraceWriter, provenance_of

    with closing(TraceWriter(path, {**provenance_of(), **provenance})) as writer:
        yield lambda event: writer.write(type(event).__name__.lower(), event)


def _both(*listeners: Callable[[Event], None]) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return tell


@contextmanager
def _reported(as_json: bool) -> Iterator[None]:
    """Turn what is expected to go wrong into one sentence and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        _fail(
            "interrupted; a run with --thread NAME goes on where it was when it is given that name again", 130, as_json
        )
    except Exception as error:
        code = _code_of(error)
        if code is None:
            raise
        _fail(str(error.args[0] if error.args else error), code, as_json)


def _code_of(error: Exception) -> int | None:
    """Return the exit code of an error that a user can do something about; None for a bug."""
    from agent.errors import InfrastructureError, UsageError
    from benchmarks.base import DatasetError
    from sandbox.base import SandboxError

    if isinstance(error, UsageError):
        return USAGE
    return INFRASTRUCTURE if isinstance(error, InfrastructureError | SandboxError | DatasetError) else None


def _fail(sentence: str, code: int, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": sentence, "exit_code": code}))
    typer.echo(f"dubito: {sentence}", err=True)
    raise typer.Exit(code)
