"""`dubito bench run`: run policies and strategies over a benchmark. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import takewhile
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
from benchmarks.cli.run_options import BatchOption, RunOptions, collect, open_records, read_batch

if TYPE_CHECKING:
    from agent.workflow.context import Context
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import RecordFile
    from benchmarks.experiments.stories import Story

_DRAINING = "finishing what runs; Ctrl-C once more stops at once"

OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Keep what was done here, and resume from it after a kill: a file, or for several arms a folder with a "
        "file for each."
    ),
]
TasksOption = Annotated[
    str | None, typer.Option(help="Take only the problems with these ids, as in HumanEval/1,HumanEval/7.")
]
SamplesOption = Annotated[int, typer.Option(min=1, help="Write so many programs a problem, each by its own seed.")]
ShardOption = Annotated[
    str, typer.Option(help="Take the i-th of n parts of the work, as in 2/4. `dubito bench merge` joins them.")
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
    with report_errors(as_json, resumes="a batch with --out"):
        options = RunOptions(
            benchmark, model, limit, max_tokens, sandbox, memory_mib, seed, device, weights, prompt_style, tasks
        )  # fmt: skip
        arms = plan_arms(options, policy, strategy, StrategyOptions(programs, budget, order), threshold=threshold)
        run = plan_run(options, arms, samples, shard, out)
        show(report_plan(run), as_json=as_json) if dry_run else _run(run, read_batch(batch), as_json=as_json)


def _run(run: PlannedRun, batch: int | None, *, as_json: bool) -> None:
    """Run each arm over the items; resume from the files and append to them, if there are any."""
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.side_by_side import count_tasks
    from benchmarks.experiments.stories import open_stories
    from benchmarks.reports.compare import compare, report_comparison, summarise

    with ExitStack() as cleanup:
        # The data and the files come before the model, so that what is wrong with them is said at once.
        items, outcomes = run.items, {}
        run.make_folder()
        files = [open_records(run.file(arm), ProblemOutcome, arm.options, cleanup) for arm in run.arms]
        story_files = [open_stories(run.file(arm), arm.options, cleanup) for arm in run.arms]
        context = run.open_context(cleanup)
        tasks = count_tasks(context.lm, run.options.max_tokens, batch)
        stopped = cleanup.enter_context(draining(lambda: say(_DRAINING, err=True)))
        for arm, file, story_file in zip(run.arms, files, story_files, strict=True):
            if len(run.arms) > 1:
                say(f"{arm.name}:", err=True)
            known = len(items) - len(file.missing(items)) if file else 0
            stream = _run_arm(arm, items, context, file, story_file, tasks, stopped)
            outcomes[arm.name] = collect(stream, len(items), lambda outcome: outcome.verdict, known=known)
            if stopped():
                raise KeyboardInterrupt
    report = summarise(*outcomes.values()) if len(run.arms) == 1 else report_comparison(compare(outcomes))
    show(report, as_json=as_json, err=str(run.out) == STANDARD_STREAM)


def _run_arm(
    arm: PlannedArm,
    items: Sequence[WorkItem],
    context: Context,
    file: RecordFile[ProblemOutcome] | None,
    stories: RecordFile[Story] | None,
    tasks: int,
    stopped: Callable[[], bool],
) -> Iterable[ProblemOutcome]:
    """Yield the outcome of each item; once `stopped`, begin no more."""
    from benchmarks.experiments.record_file import resume_items
    from benchmarks.experiments.runner import run_items

    for each in (file, stories):
        if each:
            each.note_model(context.model)

    tell = None if stories is None else stories.append

    def run(missing: Sequence[WorkItem]) -> Iterable[ProblemOutcome]:
        wanted = takewhile(lambda item: not stopped(), missing)
        return run_items(wanted, replace(context, policy=arm.policy), arm.strategy, tasks=tasks, tell=tell)

    return resume_items(file, items, run)
