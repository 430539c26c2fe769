"""Commands that look into a model's doubt over a benchmark: `fill` and `pauses`. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    BenchmarkArgument,
    BenchThresholdOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    ModelOption,
    PolicyOption,
    SandboxOption,
    SeedOption,
    TokensOption,
    WeightsOption,
)
from agent.views.say import show
from benchmarks.cli.run_options import RunOptions, collect


def bench_fill(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    model: ModelOption = "models/tiny",
    policy: PolicyOption = None,
    attempts: Annotated[
        int, typer.Option(min=1, help="Try this many fillings; the visible examples choose among them.")
    ] = 4,
    max_tokens: TokensOption = 64,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Cut one expression out of each canonical solution, let the model fill the hole, and judge by the hidden tests.

    The policy is greedy by default. A further filling is tried if the program fails a visible example.

    Example: dubito bench fill exercises --limit 20 --attempts 1
    """
    options = RunOptions(benchmark, model, limit, max_tokens, sandbox, seed=seed, device=device, weights=weights)
    with report_errors(as_json), ExitStack() as cleanup:
        from agent.cli import components
        from benchmarks.experiments.infill import fill_problems, report_fillings

        options.check()
        problems, decoding = options.problems(), components.build_policy(policy or "greedy", model=model)
        stream = fill_problems(problems, options.context(decoding, cleanup), attempts=attempts)
        fillings = collect(stream, len(problems), lambda filling: "filled" if filling.passed else "not filled")
        show(report_fillings(fillings), as_json=as_json)


def bench_pauses(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    model: ModelOption = "models/tiny",
    policy: PolicyOption = None,
    threshold: BenchThresholdOption = None,
    width: Annotated[int, typer.Option(min=2, help="Try this many candidates at each pause.")] = 5,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Try each candidate of each pause where greedy decoding fails, and print the rank of the right one.

    The policy decides where to pause and what to choose there; it is adadec by default.

    Example: dubito bench pauses exercises --limit 50 --threshold 0.5
    """
    options = RunOptions(benchmark, model, limit, max_tokens, sandbox, device=device, weights=weights)
    with report_errors(as_json), ExitStack() as cleanup:
        from agent.cli import components
        from benchmarks.experiments.pauses import explore_failures, report_pauses

        options.check()
        problems = options.problems()
        pausing = components.build_policy(policy or "adadec", model=model, threshold=threshold)
        stream = explore_failures(problems, options.context(pausing, cleanup), width=width)
        runs = collect(stream, len(problems), lambda run: "solved" if run is None else "failed")
        show(report_pauses(runs), as_json=as_json)
