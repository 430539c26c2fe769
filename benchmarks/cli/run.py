"""Commands that run a model over a benchmark: `run`, `fill` and `pauses`. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
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
    PolicyOption,
    ProgramsOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    StrategyOption,
    TokensOption,
    WeightsOption,
)
from agent.files.access import STANDARD_STREAM
from agent.strategies import StrategyOptions, choose_policy_name, find_strategy
from agent.views.say import show
from benchmarks.cli.run_options import RunOptions, collect, open_records

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.profile import ModelProfile
    from agent.strategies import Strategy
    from agent.views.report import Report

OutOption = Annotated[
    Path | None, typer.Option(help="Keep what was done in this file, and resume from it after a kill.")
]


def bench_run(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    out: OutOption = None,
    model: ModelOption = "models/tiny",
    policy: PolicyOption = None,
    threshold: BenchThresholdOption = None,
    strategy: StrategyOption = "once",
    programs: ProgramsOption = None,
    budget: BudgetOption = None,
    order: OrderOption = None,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Run a policy and a strategy over a benchmark, judge the programs by the hidden tests, and print a table.

    The policy is greedy by default. `dubito bench experiment` runs many configurations and compares them.

    Example: dubito bench run exercises --policy adadec --strategy tree --programs 5 --limit 20 --out tree.jsonl
    """
    options = RunOptions(
        benchmark, model, limit, max_tokens, sandbox, memory_mib, seed, device, weights, prompt_style
    )  # fmt: skip
    with report_errors(as_json, resumes="a batch with --out FILE"):
        from agent.cli import choices, components

        options.check()
        name = choose_policy_name(policy, find_strategy(strategy), choices.POLICY_SCORES, default="greedy")
        gated = components.build_policy(name, model=model, threshold=threshold)
        profile = components.read_profile(model)
        spend = components.build_strategy(strategy, StrategyOptions(programs, budget, order, profile=profile))
        report = _run(options, name, gated, spend, profile, out)
        show(report, as_json=as_json, err=str(out) == STANDARD_STREAM)


def _run(
    options: RunOptions, name: str, policy: Policy, strategy: Strategy, profile: ModelProfile, out: Path | None
) -> Report:
    """Run over the problems; resume from the file and append to it, if there is one."""
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.runner import run_problems
    from benchmarks.reports.compare import summarise

    with ExitStack() as cleanup:
        problems = options.problems()
        # The file is opened before the model is loaded, so that a file of another run is refused at once.
        file = open_records(out, ProblemOutcome, describe_run(options, name, policy, strategy, profile), cleanup)
        context = options.context(policy, cleanup, profile=profile)
        if file:
            file.note_model(context.model)
        outcomes = run_problems(problems, context, strategy, file)
        return summarise(collect(outcomes, len(problems), "solved", lambda outcome: outcome.passed))


def describe_run(
    options: RunOptions, name: str, policy: Policy, strategy: Strategy, profile: ModelProfile
) -> dict[str, Any]:
    """Return what tells a run from another, for the first line of its file. name: of the policy."""
    from benchmarks.experiments.runner import describe

    run = {"policy": name, "threshold": policy.gate.threshold, "strategy": describe(strategy)}
    return {**options.provenance(), **run, "learned": profile.digest()}


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
        from benchmarks.experiments.infill import fill_holes, report_fillings

        options.check()
        problems, decoding = options.problems(), components.build_policy(policy or "greedy", model=model)
        stream = fill_holes(problems, options.context(decoding, cleanup), attempts=attempts)
        fillings = collect(stream, len(problems), "filled", lambda filling: filling.passed)
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
        runs = collect(stream, len(problems), "failed", lambda run: run is not None)
        show(report_pauses(runs), as_json=as_json)
