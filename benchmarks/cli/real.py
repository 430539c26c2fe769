"""`dubito bench real`: run real models over HumanEval+ and MBPP+, and write the page of results. Heavy imports wait."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, LimitOption, SandboxOption
from agent.messages import check_choice
from agent.views.say import say, show
from benchmarks.cli.processes import make_folder, run_in_processes
from benchmarks.experiments.real import REAL_RUNS, RealRun

if TYPE_CHECKING:
    from benchmarks.experiments.outcomes import ProblemOutcome

RunOption = Annotated[
    bool, typer.Option("--run", help="First run what is missing. By default, only read what is there.")
]
OnlyOption = Annotated[list[str] | None, typer.Option(help="Run only this run of the page; may be repeated.")]
RunsFolderOption = Annotated[Path, typer.Option(help="Keep the outcomes of each run in a file in this folder.")]
PageOption = Annotated[Path | None, typer.Option(help="Write the page here. By default, it is printed.")]


def bench_real(
    run: RunOption = False,
    only: OnlyOption = None,
    limit: LimitOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Run this many at once, each in a process of one thread.")] = 1,
    folder: RunsFolderOption = Path("runs/real"),
    out: PageOption = None,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run real models over HumanEval+ and MBPP+, and write the page of results (docs/results/real.md).

    A killed run goes on where it was. A run that was not begun stands on the page as not run.

    Example: dubito bench real --run --only HumanEval-qwen2.5-coder-0.5b-qwen-greedy --limit 10
    """
    with report_errors(as_json, resumes="all runs"):
        from agent.files.access import check_writable, write_whole
        from benchmarks.reports.real import is_page, report_real

        chosen = _choose_runs(only)
        if out:
            check_writable(out, is_ours=is_page)
        options = {"--limit": limit, "--sandbox": sandbox, "--device": device}
        code = _run_missing(chosen, options, folder, workers) if run else 0
        report = report_real(*_read_folder(folder))
        if out:
            write_whole(out, f"{report.text}\n".encode(), is_ours=is_page)
            say(f"page written to {out}", err=True)
        if as_json or not out:
            show(report, as_json=as_json)
        raise typer.Exit(code)


def _choose_runs(names: list[str] | None) -> list[RealRun]:
    for name in names or ():
        check_choice("run", name, REAL_RUNS)
    return [REAL_RUNS[name] for name in names] if names else list(REAL_RUNS.values())


def _run_missing(runs: list[RealRun], options: Mapping[str, Any], folder: Path, workers: int) -> int:
    """Run what its file in the folder lacks; return the exit code. options: of each run, None for the default."""
    make_folder(folder)
    more = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    commands = {each.name: [*each.command(), "--out", str(each.file(folder)), *more] for each in runs}
    return run_in_processes(commands, folder, workers)


def _read_folder(folder: Path) -> tuple[dict[str, list[ProblemOutcome]], dict[str, dict[str, Any]]]:
    """Return the outcomes and the provenance of each run that has a file in the folder."""
    from agent.trace import read_trace
    from benchmarks.experiments.outcomes import read_outcomes

    files = {name: run.file(folder) for name, run in REAL_RUNS.items() if run.file(folder).exists()}
    outcomes = {name: read_outcomes(file) for name, file in files.items()}
    return outcomes, {name: next(read_trace(file), {}) for name, file in files.items()}
