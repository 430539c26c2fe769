"""`dubito bench sample`: many samples a problem. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    BenchmarkArgument,
    DeviceOption,
    JsonOption,
    LimitOption,
    MemoryOption,
    ModelOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    TokensOption,
    WeightsOption,
)
from agent.files.access import STANDARD_STREAM
from agent.views.say import show
from benchmarks.cli.run import OutOption
from benchmarks.cli.run_options import RunOptions, collect, open_records

if TYPE_CHECKING:
    from benchmarks.experiments.best_of_n import ProblemSamples

_MOST_SAMPLES = 10_000  # of one problem: all are in memory until it is done


def bench_sample(
    benchmark: BenchmarkArgument = "exercises",
    samples: Annotated[int, typer.Option(min=1, max=_MOST_SAMPLES, help="Draw this many samples a problem.")] = 20,
    limit: LimitOption = None,
    out: OutOption = None,
    model: ModelOption = "models/tiny",
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw many samples of each problem, judge all, and print what an oracle among them and best-of-n solve.

    Example: dubito bench sample exercises --samples 5 --limit 20 --out samples.jsonl
    """
    options = RunOptions(
        benchmark, model, limit, max_tokens, sandbox, memory_mib, seed, device, weights, prompt_style
    )  # fmt: skip
    with report_errors(as_json, resumes="a batch with --out FILE"):
        from benchmarks.experiments.best_of_n import report_samples

        show(report_samples(draw_samples(options, samples, out)), as_json=as_json, err=str(out) == STANDARD_STREAM)


def draw_samples(options: RunOptions, samples: int, out: Path | None) -> list[ProblemSamples]:
    """Draw the samples of each problem; resume from the file and append to it, if there is one."""
    from agent.cli import components
    from benchmarks.experiments.best_of_n import ProblemSamples, sample_problem
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import describe_model, resume_items

    with ExitStack() as cleanup:
        options.check()
        problems = options.problems()
        file = open_records(out, ProblemSamples, {**options.provenance(), "samples": samples}, cleanup)
        context = options.context(components.build_policy("sample", model=options.model), cleanup)
        if file:
            file.note_model(describe_model(context.model))

        def run(items: Iterable[WorkItem]) -> Iterator[ProblemSamples]:
            return (sample_problem(item.problem, context, samples=samples) for item in items)

        stream = resume_items(file, map(WorkItem, problems), run)
        return collect(
            stream, len(problems), lambda each: "solved by one or more" if any(each.passed) else "solved by none"
        )
