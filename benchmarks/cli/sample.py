"""The command that draws many samples a problem, for what an oracle and best-of-n make of them. Heavy imports wait."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    BenchmarkArgument,
    DeviceOption,
    DtypeOption,
    LimitOption,
    MemoryOption,
    ModelOption,
    PromptFormatOption,
    SandboxOption,
    SeedOption,
    TokensOption,
)
from agent.files.access import STDOUT
from agent.views.say import say
from benchmarks.cli.run import check_parts, followed, opened, problems_of

MOST_SAMPLES = 10_000  # of one problem: all are kept in memory until it is done


def bench_draw(
    benchmark: BenchmarkArgument = "exercises",
    samples: Annotated[int, typer.Option(min=1, max=MOST_SAMPLES, help="Of each problem.")] = 20,
    limit: LimitOption = None,
    out: Annotated[Path | None, typer.Option(help="Keep them in this file, and go on from it after a kill.")] = None,
    model: ModelOption = "models/tiny",
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
    prompt_format: PromptFormatOption = "auto",
) -> None:
    """Draw many samples of each problem, judge all, and print what an oracle among them and best-of-n solve."""
    with report_errors(as_json=False, resumes="a batch with --out FILE"), ExitStack() as cleanup:
        from agent.cli import components
        from agent.lm.names import digest_weights
        from agent.workflow.context import Context
        from benchmarks.experiments.best_of_n import Draws, draws, table
        from benchmarks.experiments.record_file import RecordFile

        check_parts(model, dtype, sandbox, prompt_format)
        problems = problems_of(benchmark, limit)
        options = {
            "benchmark": benchmark, "samples": samples, "model": model, "weights": digest_weights(model),
            "max_tokens": max_tokens, "sandbox": sandbox, "seed": seed, "device": device, "dtype": dtype,
            "prompt_format": prompt_format,
        }  # fmt: skip
        chosen = components.policy_named("sample", model=model)
        file = cleanup.enter_context(closing(RecordFile(out, Draws, options))) if out else None
        opened_model = components.model_named(model, device=device, dtype=dtype, prompt_format=prompt_format)
        context = Context(opened_model, chosen, opened(sandbox, cleanup, memory_mib), max_tokens=max_tokens, seed=seed)

        def drawn(problem: Any) -> Draws:
            return draws(problem, context, samples=samples)

        stream = file.go_on(problems, drawn) if file else map(drawn, problems)
        found = followed(stream, len(problems), "solved by one or more", lambda each: any(each.passed))
        say(table(found), err=str(out) == STDOUT)
