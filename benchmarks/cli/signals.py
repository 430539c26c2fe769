"""`dubito bench signals`: measure what tells right programs from wrong ones. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, LimitOption, SandboxOption
from agent.views.say import show
from benchmarks.cli.results import read_outcome_run
from benchmarks.cli.run_options import RunOptions, collect, open_records

if TYPE_CHECKING:
    from benchmarks.experiments.record_file import StoredRun
    from benchmarks.reports.signals import ProgramSignals

RunsArgument = Annotated[
    list[Path], typer.Argument(help="Outcome files of runs of one program a problem, with their stories beside them.")
]
ScoresOption = Annotated[
    Path | None, typer.Option(help="Keep the scores of each run in this folder, and resume from there after a kill.")
]
OtherRunsOption = Annotated[
    list[Path] | None,
    typer.Option(help="Compare with the programs of this run, too; may be repeated. Default: no agreement."),
]


def bench_signals(
    files: RunsArgument,
    samples: OtherRunsOption = None,
    keep: ScoresOption = None,
    limit: LimitOption = None,
    memory_mib: Annotated[
        int | None, typer.Option(min=64, help="Give each program so much memory. Default: that of the run.")
    ] = None,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the model of each run read its programs again; print the AUROC of each signal for failing the hidden tests.

    A logistic form is learned on each run and tested on the others.

    Example: dubito bench signals runs/HumanEval.jsonl runs/Mbpp.jsonl --keep scores
    """
    with report_errors(as_json, resumes="the scores with --keep FOLDER"):
        from benchmarks.experiments.agreement import group_programs
        from benchmarks.reports.signals import report_signals

        runs = {file: read_outcome_run(file) for file in files}
        others = group_programs(read_outcome_run(file).records for file in samples or [])
        signals = {}
        for file, run in runs.items():
            options = _read_options(run, sandbox, device, memory_mib)
            options.check()
            signals[file.stem] = _read_signals(file, run, options, limit, keep, others)
        show(report_signals(signals), as_json=as_json)


def _read_options(run: StoredRun[Any], sandbox: str | None, device: str | None, memory_mib: int | None) -> RunOptions:
    """Return the options with which the run's programs are read again, as they were written."""
    stored = run.options
    return RunOptions(
        stored["benchmark"], stored["model"], max_tokens=stored["max_tokens"], sandbox=sandbox, device=device,
        memory_mib=memory_mib or stored.get("memory_mib"), prompt_style=stored.get("prompt_style", "auto"),
        weights=stored.get("dtype", "auto"),
    )  # fmt: skip


def _read_signals(
    file: Path, run: StoredRun[Any], options: RunOptions, limit: int | None, keep: Path | None, samples: dict[str, Any]
) -> list[ProgramSignals]:
    """Score the programs of a run, or read their scores from the folder; compare them with samples."""
    from agent.decoding import POLICIES
    from agent.errors import InvalidRequestError
    from agent.messages import quote
    from benchmarks.experiments.agreement import measure_agreement
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import key_of, resume_items
    from benchmarks.experiments.signals import ScoredProgram, match_stories, score_programs
    from benchmarks.experiments.stories import find_stories_beside
    from benchmarks.reports.signals import collect_signals

    stories = find_stories_beside(file, run)
    if stories is None:
        raise InvalidRequestError(f"there are no stories beside {quote(file)}; wanted those that `bench run` wrote")
    outcomes = {key_of(each): each for each in run.records}
    problems = {each.task_id: each for each in options.problems() if (each.task_id, 0) in outcomes}
    items = [WorkItem(each) for each in problems.values()][:limit]
    with ExitStack() as cleanup:
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
        records = open_records(keep and keep / f"{file.stem}.scores.jsonl", ScoredProgram, run.options, cleanup)
        context = options.context(POLICIES["greedy"], cleanup)
        stream = resume_items(
            records, items, lambda left: score_programs(match_stories(left, outcomes, stories), context)
        )
        scored = collect(stream, len(items), lambda each: "right" if each.right else "wrong")
        if not samples:
            return [collect_signals(each) for each in scored]
        programs = {each.task_id: each.program for each in scored}
        chosen = [problems[each.task_id] for each in scored]
        agreement = measure_agreement(chosen, programs, samples, context.sandbox)
        return [collect_signals(*pair) for pair in zip(scored, agreement, strict=True)]
