"""`dubito bench evalplus`: let evalplus judge the programs of a run. Heavy imports wait inside."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption, MemoryOption, SandboxOption
from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.views.say import say, show
from benchmarks.cli.export import RunArgument
from benchmarks.cli.run_options import open_box

if TYPE_CHECKING:
    from benchmarks.evalplus import PlusBenchmark
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.record_file import StoredRun
    from benchmarks.reports.evalplus import TwoVerdicts
    from sandbox.base import Sandbox


def bench_evalplus(
    run: RunArgument,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Let evalplus judge this many programs at once. Default: all cores.")
    ] = None,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let evalplus judge the programs of a run, too, and list each difference from our verdicts with its reason.

    evalplus is no sandbox, so it runs within bubblewrap; with --sandbox process it runs with your rights. Our sandbox
    runs the programs again that are judged differently.

    Example: dubito bench evalplus runs/he
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from benchmarks.experiments.outcomes import ProblemOutcome
        from benchmarks.experiments.record_file import read_run
        from benchmarks.experiments.run_folder import find_run_files
        from benchmarks.reports.evalplus import report_evalplus

        stored = {file: read_run(file, ProblemOutcome) for file in find_run_files(run)}
        data_sets = {file: _find_data_set(file, each) for file, each in stored.items()}
        at_once = workers or len(os.sched_getaffinity(0))
        box = open_box(sandbox, cleanup, memory_mib)
        pairs = {}
        for file, each in stored.items():
            say(f"evalplus judges {file} (it first computes what is right, which takes a minute or more)", err=True)
            pairs[file.stem] = _judge_twice(data_sets[file], each.records, box, at_once, confined=sandbox != "process")
        show(report_evalplus(pairs), as_json=as_json)


def _find_data_set(file: Path, run: StoredRun[ProblemOutcome]) -> PlusBenchmark:
    """Return the data set of a run. Raises InvalidRequestError for one that evalplus does not judge."""
    from benchmarks import open_benchmark
    from benchmarks.evalplus import PlusBenchmark
    from benchmarks.evalplus_names import DATASETS

    name = str(run.options.get("benchmark", "exercises"))
    benchmark = open_benchmark(name) if name in DATASETS else None
    if not isinstance(benchmark, PlusBenchmark):
        raise InvalidRequestError(
            f"{quote(file)} is a run over {quote(name)}; evalplus judges runs over {' and '.join(DATASETS)} alone"
        )
    if not run.records:
        raise InvalidRequestError(f"the run {quote(file)} has no outcome yet; let it go on, or leave it out")
    return benchmark


def _judge_twice(
    benchmark: PlusBenchmark, outcomes: list[ProblemOutcome], box: Sandbox, workers: int, *, confined: bool
) -> list[TwoVerdicts]:
    """Pair the verdicts of a run with evalplus' own, with a reason for each difference."""
    from benchmarks.experiments.sample_export import write_samples
    from benchmarks.judging.evalplus_differences import differ, find_reason
    from benchmarks.judging.evalplus_judge import judge_by_evalplus
    from benchmarks.reports.evalplus import pair_verdicts

    tasks = list(dict.fromkeys(outcome.task_id for outcome in outcomes))
    problems = {task_id: benchmark.problem(task_id) for task_id in tasks}
    theirs = judge_by_evalplus(benchmark, write_samples(outcomes), tasks, workers=workers, confined=confined)
    pairs = pair_verdicts(outcomes, theirs)
    for number, (outcome, verdict) in enumerate((each.outcome, each.theirs) for each in pairs):
        ours = (outcome.base, outcome.plus)
        if differ(ours, verdict):
            reason = find_reason(box, problems[outcome.task_id], outcome.program, ours, verdict)
            pairs[number] = replace(pairs[number], reason=reason)
    return pairs
