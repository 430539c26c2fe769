"""`dubito solve`: one request, one program. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.agent_options import Agent, AgentOptions
from agent.cli.choices import ACCEPTED_CLAIMS
from agent.cli.completion import complete_from
from agent.cli.destination import Destination
from agent.cli.exits import ExitCode, exit_code_of, report_errors
from agent.cli.options import (
    AskOption,
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    MinProbabilityOption,
    OrderOption,
    PlainOption,
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    ThresholdOption,
    TokensOption,
    VerboseOption,
    WeightsOption,
)
from agent.views.say import is_watched, write_json
from agent.workflow.session import Session
from agent.workflow.threads import open_memory_store, open_threads, prune

if TYPE_CHECKING:
    from agent.program.task import Task
    from agent.views.terminal import TerminalView
    from agent.workflow.context import Log
    from agent.workflow.run import Result
    from benchmarks.cli import Problem

EXERCISES = "exercises/"  # begins the names of the embedded model's own problems
_REQUEST_HELP = (
    "Describe the program in a sentence, or name a text file that does. `-`, or something piped in alone, is read from "
    "stdin."
)
_TASK_HELP = "Solve a benchmark problem instead: HumanEval/0, Mbpp/2 or exercises/12."
_FILE_HELP = (
    "Complete the Python in this file: a signature with its docstring, or a module with a function that is still to be "
    "written; or take the words of a text file. `-` reads it from stdin."
)
_FUNCTION_HELP = (
    "Write this function of the file, as in f or Class.method, and keep the rest. Its body may be `...`, `pass`, "
    "`raise NotImplementedError`, a docstring alone or `# TODO`; any other body is written anew, by head and docstring."
)
_DIFF_HELP = "Print the unified diff of the file, or of what --write names, instead of the program."
_WRITE_HELP = (
    "Write the answer into this file, if it makes a claim that --accept names. A new file gets the program, another "
    "the function in its place, else at its end. What changes is shown and asked first."
)
_YES_HELP = "Let --write change a file that exists, or lies outside of the current folder, without a question."
_TESTS_HELP = "Also pass the assert statements in this file. `-` reads them from stdin."
_TAU_HELP = "Trust at most -ln tau nats of surprisal; the rest becomes holes. Default: as calibrated, or 0.1."
_THREAD_HELP = "Store the run under this name, and resume it if it was cut off."
_EXPLAIN_HELP = "Show the whole pause tree at the end: where each program left another, and what became of it."
_ACCEPT_HELP = (
    "Exit with 0 for these claims: verified, agreed (also verified), any. Other answers exit with 4 (agreed) or "
    "5 (unverified), an abstention always with 1."
)


def solve_request(
    request: Annotated[str | None, typer.Argument(help=_REQUEST_HELP)] = None,
    task: Annotated[str | None, typer.Option(help=_TASK_HELP)] = None,
    file: Annotated[Path | None, typer.Option(help=_FILE_HELP)] = None,
    function: Annotated[str | None, typer.Option(help=_FUNCTION_HELP)] = None,
    tests: Annotated[Path | None, typer.Option(help=_TESTS_HELP)] = None,
    model: DefaultModelOption = None,
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    strategy: StrategyOption = "adaptive",
    programs: ProgramsOption = None,
    ask: AskOption = False,
    budget: BudgetOption = None,
    order: OrderOption = None,
    min_probability: MinProbabilityOption = 0.0,
    accept: Annotated[str, typer.Option(help=_ACCEPT_HELP, autocompletion=complete_from(ACCEPTED_CLAIMS))] = "verified",
    max_tokens: TokensOption = 512,
    tau: Annotated[float | None, typer.Option(help=_TAU_HELP)] = None,
    holes: Annotated[int, typer.Option(min=1, max=8, help="Leave at most this many holes in a partial program.")] = 2,
    sandbox: SandboxOption = None,
    thread: Annotated[str | None, typer.Option(help=_THREAD_HELP)] = None,
    trace: Annotated[Path | None, typer.Option(help="Write every step to this new file of JSON lines.")] = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    verbose: VerboseOption = 0,
    explain: Annotated[bool, typer.Option("--explain", help=_EXPLAIN_HELP)] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print the program and errors only.")] = False,
    plain: PlainOption = False,
    diff: Annotated[bool, typer.Option("--diff", help=_DIFF_HELP)] = False,
    write: Annotated[Path | None, typer.Option(help=_WRITE_HELP)] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_YES_HELP)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write a program, run it on the examples in the request, and try again where the model was in doubt.

    Example: dubito solve --task exercises/12"""
    with report_errors(as_json, resumes=f"a run with --thread {thread or 'NAME'}"), ExitStack() as cleanup:
        raise typer.Exit(solve_with(AgentOptions.take(locals()), SolveOptions.take(locals()), cleanup))


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """The options of `solve` and `complete` alone: what to solve, and where the answer and the events go."""

    request: str | None
    task: str | None
    file: Path | None
    function: str | None
    tests: Path | None
    thread: str | None
    trace: Path | None
    accept: str
    verbose: int
    quiet: bool
    plain: bool
    as_json: bool
    destination: Destination
    line: int | None = None  # of the file, in the function that is to be written
    explain: bool = False

    @classmethod
    def take(cls, options: dict[str, Any]) -> SolveOptions:
        """Return the record of these options; others in the dict are left out."""
        given = {**options, "destination": Destination.take(options)}
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})

    @property
    def silent(self) -> bool:
        """Whether nothing but the answer is printed."""
        return self.quiet or self.as_json


def solve_with(options: AgentOptions, how: SolveOptions, cleanup: ExitStack) -> ExitCode:
    """Solve what the options say, give the answer, and return the exit code. cleanup: closes what was opened."""
    _check_choices(how, ask=options.ask)
    checked = options.check()
    task, problem = _read_task(how, ask=options.ask)
    if how.thread is not None:
        checked.check_thread(how.thread, task)
    provenance: dict[str, Any] = {"task": task.name, "thread": how.thread}
    log = cleanup.enter_context(_open_trace(how, provenance))
    agent = checked.open(cleanup, quiet=how.silent)
    view = _open_view(how, agent)
    provenance |= agent.provenance()
    checkpointer = cleanup.enter_context(_open_threads(how, ask=options.ask))
    view.show_heading(f"{task.name}: {agent.describe()}")
    if not (how.task or "").startswith(EXERCISES):
        view.show_limits(agent.describe_limits())
    if options.ask:  # who answers must know what was asked for
        view.say(task.request.strip())
    view.begin(task, agent.opening(task))
    with view:
        session = Session(view.ask, log, checkpointer, how.thread or "once", agent.identity())
        result = agent.solve(task, on_event=view.show, session=session)
    code = _finish(agent, view, result, problem, how)
    if how.thread is not None:
        prune(checkpointer, how.thread)
    return code


def _check_choices(how: SolveOptions, *, ask: bool) -> None:
    """Refuse what contradicts itself, and files that no answer could be written into, before anything is loaded."""
    from agent.errors import InvalidRequestError
    from agent.messages import check_choice

    check_choice("claim to accept", how.accept, ACCEPTED_CLAIMS)
    if how.silent and ask:
        flag = "--json" if how.as_json else "--quiet"
        raise InvalidRequestError(
            f"--ask needs somebody to talk to, and {flag} prints only the answer; choose one of them"
        )
    if how.quiet and (how.verbose or how.explain):
        raise InvalidRequestError(f"--quiet and --{'verbose' if how.verbose else 'explain'} came; choose one of them")
    if how.function is not None and how.file is None:
        raise InvalidRequestError("--function came without --file; wanted both, as in --file module.py --function f")
    how.destination.check()


def _read_task(how: SolveOptions, *, ask: bool) -> tuple[Task, Problem | None]:
    """Return the task, and the benchmark problem that it is, if any. Its hidden tests stay out of the task."""
    from agent.cli.inputs import build_task, check_sources
    from agent.files.access import STANDARD_STREAM

    kind = check_sources(how.request, how.task, how.file, how.tests, ask=ask)
    if how.task is None:
        request = STANDARD_STREAM if kind == "stdin" else how.request
        where: dict[str, Any] = {"function": how.function, "line": how.line, "edits": how.destination.edits}
        return build_task(request, how.file, how.tests, **where), None
    return read_benchmark_task(how.task, how.tests)


def read_benchmark_task(task_id: str, tests: Path | None = None) -> tuple[Task, Problem]:
    """Return the task of a benchmark's problem, and the problem. Raises InvalidRequestError with what exists."""
    from agent.cli.inputs import build_task
    from benchmarks.cli import read_problem

    problem = read_problem(task_id)
    return build_task(problem.prompt, None, tests, name=task_id, entry_point=problem.entry_point), problem


@contextmanager
def _open_trace(how: SolveOptions, provenance: dict[str, Any]) -> Iterator[Log]:
    """Open the trace; a thread's goes on where it was. The caller may add to the provenance until the first event."""
    if how.trace is None:
        yield lambda number, event: None
        return
    from agent.trace import TraceWriter, collect_provenance

    provenance |= collect_provenance()
    with closing(TraceWriter(how.trace, provenance, resume=how.thread is not None)) as writer:
        yield writer.log


def _open_view(how: SolveOptions, agent: Agent) -> TerminalView:
    """Return the view. The program goes to stdout, in colour where somebody watches it, and all else to stderr."""
    from agent.views.consoles import open_console
    from agent.views.terminal import TerminalView

    console = open_console(err=True, quiet=how.silent)
    live = console.is_terminal and not console.is_dumb_terminal and not how.plain and not how.silent
    shows_program = is_watched() and not how.as_json and not how.destination.diff
    programs = open_console() if shows_program else None
    return TerminalView(console, live=live, program_console=programs, detail=how.verbose, meter=agent.meter())


def _open_threads(how: SolveOptions, *, ask: bool) -> Any:
    """Return the checkpointer that a run needs: a file for a thread, memory for questions, none otherwise."""
    if how.thread is not None:
        return open_threads()
    return nullcontext(open_memory_store() if ask else None)


def _finish(agent: Agent, view: TerminalView, result: Result, problem: Problem | None, how: SolveOptions) -> ExitCode:
    """Judge a benchmark problem by its hidden tests, and give the answer. Return the exit code."""
    hidden = None
    if problem is not None:
        from benchmarks.cli import hidden_verdicts

        hidden = hidden_verdicts(agent.sandbox, problem, result.best.program)
    view.finish(result, hidden)
    if how.explain:
        view.show_tree(result, "")
    code = exit_code_of(result.standing, how.accept)
    if not how.as_json:
        how.destination.give(result, code)
        return code
    from agent.views.run_spans import list_run_spans
    from agent.views.spans import describe_spans

    record, spans = how.destination.record(result, code), describe_spans(list_run_spans(result))["spans"]
    write_json({**result.record(), "spans": spans, "hidden_tests": hidden, **record})
    return ExitCode(record["exit_code"])
