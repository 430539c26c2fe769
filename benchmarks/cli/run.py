"""`dubito bench run`: run policies and strategies over a benchmark. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.interrupts import draining
from agent.cli.options import (
    BenchmarkArgument,
    BenchThresholdOption,
    BudgetOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    MemoryOption,
    ModelOption,
    OrderOption,
    PoliciesOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategiesOption,
    TokensOption,
    WeightsOption,
)
from agent.files.access import STANDARD_STREAM
from agent.strategies import StrategyOptions
from agent.views.say import say, show
from benchmarks.cli.planning import PlannedArm, PlannedRun, plan_arms, plan_run, report_plan
from benchmarks.cli.run_options import BatchOption, RunOptions, TasksOption, collect, open_records, read_batch
from benchmarks.engines import check_engine, open_engine

if TYPE_CHECKING:
    from benchmarks.engines.base import Engine
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import RecordFile
    from benchmarks.experiments.stories import Story

_DRAINING = "finishing what runs; Ctrl-C once more waits only for programs that run"

OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Keep what was done here, and resume from it after a kill: in a file FILE.jsonl, or in a folder with a "
        "file an arm."
    ),
]
SamplesOption = Annotated[int, typer.Option(min=1, help="Write so many programs a problem, each by its own seed.")]
ShardOption = Annotated[
    str, typer.Option(help="Take the i-th of n parts of the work, as in 2/4. `dubito bench merge` joins them.")
]
EngineOption = Annotated[
    str, typer.Option(help="Where the work is done. local: in this process. ray: on a Ray cluster.")
]
EngineWorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Processes of a Ray cluster that share the work. Default: one a GPU, else one a machine."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def bench_run(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    tasks: TasksOption = None,
    out: OutOption = None,
    model: ModelOption = "models/tiny",
    policy: PoliciesOption = None,
    threshold: BenchThresholdOption = None,
    strategy: StrategiesOption = "once",
    programs: ProgramsOption = None,
    budget: BudgetOption = None,
    order: OrderOption = None,
    samples: SamplesOption = 1,
    max_tokens: TokensOption = 512,
    batch: BatchOption = "auto",
    shard: ShardOption = "1/1",
    engine: EngineOption = "local",
    workers: EngineWorkersOption = None,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run policies and strategies over a benchmark, judge the programs by the hidden tests, and print a table.

    The policy is greedy by default. Problems are decoded side by side; that changes no result.

    Example: dubito bench run exercises --policy greedy,adadec --strategy tree --programs 5 --limit 20 --out runs/tree
    """
    with report_errors(as_json, resumes="a run with --out"):
        options = RunOptions(benchmark, model, limit, max_tokens, sandbox, memory_mib, seed, device, weights,
                             prompt_style, tasks)  # fmt: skip
        arms = plan_arms(options, policy, strategy, StrategyOptions(programs, budget, order), threshold=threshold)
        run = plan_run(options, arms, samples, shard, out)
        start = _choose_engine(run, engine, workers, read_batch(batch))
        show(report_plan(run), as_json=as_json) if dry_run else _run(run, start, as_json=as_json)


def _choose_engine(run: PlannedRun, name: str, workers: int | None, batch: int | None) -> Callable[[], Engine]:
    """Return what starts an engine for a run. Raises InvalidRequestError for one that cannot be used."""
    check_engine(name, workers)
    return lambda: open_engine(name, run.worker_config(batch), workers)


def _run(run: PlannedRun, start: Callable[[], Engine], *, as_json: bool) -> None:
    """Run each arm over the items; resume from the files and append to them, if there are any."""
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.stories import open_stories
    from benchmarks.reports.compare import compare, report_comparison, summarise

    with ExitStack() as cleanup:
        # The data and the files come before the model, so that what is wrong with them is said at once.
        items, outcomes = run.items, {}
        run.make_folder()
        files = [open_records(run.file(arm), ProblemOutcome, arm.options, cleanup) for arm in run.arms]
        story_files = [open_stories(run.file(arm), arm.options, cleanup) for arm in run.arms]
        engine = cleanup.enter_context(closing(start()))
        stopped = cleanup.enter_context(draining(lambda: say(_DRAINING, err=True)))
        for arm, file, story_file in zip(run.arms, files, story_files, strict=True):
            if len(run.arms) > 1:
                say(f"{arm.name}:", err=True)
            known = len(items) - len(file.missing(items)) if file else 0
            stream = _run_arm(arm, items, engine, file, story_file, stopped)
            outcomes[arm.name] = collect(stream, len(items), lambda outcome: outcome.verdict, known=known)
            if stopped() and len(outcomes[arm.name]) < len(items):
                raise KeyboardInterrupt
    report = summarise(*outcomes.values()) if len(run.arms) == 1 else report_comparison(compare(outcomes))
    show(report, as_json=as_json, err=str(run.out) == STANDARD_STREAM)


def _run_arm(
    arm: PlannedArm,
    items: Sequence[WorkItem],
    engine: Engine,
    file: RecordFile[ProblemOutcome] | None,
    stories: RecordFile[Story] | None,
    stopped: Callable[[], bool],
) -> Iterable[ProblemOutcome]:
    """Yield the outcome of each item; once `stopped`, begin no more."""
    from benchmarks.engines.base import Job
    from benchmarks.experiments.record_file import resume_items

    for each in (file, stories):
        if each:
            each.note_model(engine.describe_model())
    job, tell = Job(arm.policy, arm.strategy), stories.append if stories else None
    return resume_items(file, items, lambda missing: engine.run(missing, job, stopped, tell))
