"""The commands that reach up to the benchmarks: single problems, and runs over hundreds. Heavy imports wait inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import (
    BenchmarkArgument,
    DeviceOption,
    DtypeOption,
    FreshOption,
    LimitOption,
    MemoryOption,
    ModelOption,
    PromptFormatOption,
    SandboxOption,
    SeedOption,
    ThresholdOption,
    TokensOption,
)
from agent.errors import InvalidRequestError
from agent.files.access import STDOUT
from agent.views.say import say, write_json, write_progress

if TYPE_CHECKING:
    from benchmarks.base import Problem
    from benchmarks.judging.samples import UnjudgedSample
    from sandbox.base import Sandbox

MOST_NAMED = 10  # records that are not judged, each with its line
T = TypeVar("T")
bench = typer.Typer(name="bench", help="Problems by the hundred.", no_args_is_help=True)


@bench.command("run")
def bench_run(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep outcomes in this file, and go on from it after a kill.")
    ] = None,
    model: ModelOption = "models/tiny",
    policy: Annotated[
        str,
        typer.Option(
            help="A policy or what it is compared with, as beam-3, best-of-5, adadec-tree-5; a wrong name lists all; "
            "adadec@0.5 pauses from 0.5 nats on. "
            "Several, with commas between, go on side by side and share what they ask the model alike: the same "
            "outcomes, but for rounding, in fewer seconds. --out is then a folder."
        ),
    ] = "greedy",
    equal: Annotated[
        Path | None,
        typer.Option(help="Outcomes to cost as much as (best-of-equal), or to pause as often as (adadec-by-chance)."),
    ] = None,
    threshold: ThresholdOption = None,
    budget: Annotated[str | None, typer.Option(help="Of each search, instead of its own; as `solve` takes it.")] = None,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
    prompt_format: PromptFormatOption = "auto",
) -> None:
    """Run one contestant over a benchmark, judge it by the hidden tests, and print what it solved and cost."""
    with report_errors(as_json=False, resumes="a batch with --out FILE"), ExitStack() as cleanup:
        from dataclasses import replace

        from agent.cli import components
        from agent.lm.hf.recall import Recalled, RecallingLM
        from agent.lm.names import digest_weights
        from agent.workflow.context import Context
        from benchmarks.experiments.entrants import digest_of_run, entrant, files_of, names_in
        from benchmarks.experiments.outcomes import Outcome
        from benchmarks.experiments.record_file import RecordFile
        from benchmarks.experiments.runner import go_on, side_by_side
        from benchmarks.reports.compare import comparison, summary

        check_parts(model, dtype, sandbox, prompt_format)
        problems, names = problems_of(benchmark, limit), names_in(policy, budget)
        entrants = [
            entrant(name, threshold=threshold, budget=budget, model=model, problems=problems, equal=equal)
            for name in names
        ]
        learned = components.profile_of(model)
        options = {
            "benchmark": benchmark, "model": model, "weights": digest_weights(model), "budget": budget,
            "max_tokens": max_tokens, "sandbox": sandbox, "seed": seed, "device": device, "dtype": dtype,
            "prompt_format": prompt_format, "learned": learned.digest(), "side_by_side": len(names) > 1,
            "equal": digest_of_run(equal),
        }  # fmt: skip
        files = []  # opened before a model is loaded: what cannot be written is said at once
        for name, path, (chosen, _) in zip(names, files_of(out, names), entrants, strict=True):
            told = {**options, "policy": name, "threshold": chosen.gate.threshold}
            files.append(cleanup.enter_context(closing(RecordFile(path, Outcome, told))) if path else None)
        opened_model = components.model_named(model, device=device, dtype=dtype, prompt_format=prompt_format)
        box, recalled, streams = opened(sandbox, cleanup, memory_mib), Recalled(), []
        for file, (chosen, contestant) in zip(files, entrants, strict=True):
            own = opened_model
            if len(names) > 1:
                own = replace(own, lm=RecallingLM(own.lm, recalled))  # type: ignore[arg-type]  # it is HF's alone
            context = Context(own, chosen, box, max_tokens=max_tokens, seed=seed, profile=learned)
            streams.append(go_on(problems, context, contestant, file))
        rounds = side_by_side(streams, recalled.clear)
        found = followed(rounds, len(problems), "solved", lambda each: all(outcome.passed for outcome in each))
        runs = {name: [each[place] for each in found] for place, name in enumerate(names)}
        say(comparison(runs) if len(names) > 1 else summary(runs[policy]), err=str(out) == STDOUT)


@bench.command("fill")
def bench_fill(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    model: ModelOption = "models/tiny",
    policy: Annotated[str, typer.Option(help="A decoding policy.")] = "greedy",
    attempts: Annotated[int, typer.Option(min=1, help="Fillings to try; the visible examples decide.")] = 4,
    max_tokens: TokensOption = 64,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Cut one expression out of each canonical solution, let the model fill the hole, and judge by the hidden tests.

    With more than one attempt, another filling is tried where the program fails an example that its prompt shows.
    """
    with report_errors(as_json=False), ExitStack() as cleanup:
        from agent.cli import components
        from agent.workflow.context import Context
        from benchmarks.experiments.infill import fillings
        from benchmarks.reports.metrics import wilson

        check_parts(model, dtype, sandbox)
        problems = problems_of(benchmark, limit)
        chosen = components.policy_named(policy, model=model)
        opened_model = components.model_named(model, device=device, dtype=dtype)
        context = Context(opened_model, chosen, opened(sandbox, cleanup), max_tokens=max_tokens, seed=seed)
        found = followed(
            fillings(problems, context, attempts=attempts), len(problems), "filled", lambda filling: filling.passed
        )
        passed, same = sum(each.passed for each in found), sum(each.filling == each.expression for each in found)
        share, low, high = wilson(passed, len(found))
        say(f"filled {passed}/{len(found)} = {share:.3f} ({low:.3f} to {high:.3f}), {same} as in the original")


@bench.command("pauses")
def bench_pauses(
    benchmark: BenchmarkArgument = "exercises",
    limit: LimitOption = None,
    model: ModelOption = "models/tiny",
    policy: Annotated[str, typer.Option(help="Whose pauses, and whose choice at them.")] = "adadec",
    threshold: ThresholdOption = None,
    width: Annotated[int, typer.Option(min=2, help="Candidates tried at each pause.")] = 5,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Where greedy fails, try each candidate of each pause, and say at which rank the right one was."""
    with report_errors(as_json=False), ExitStack() as cleanup:
        from agent.cli import components
        from agent.workflow.context import Context
        from benchmarks.experiments.pauses import failures, table

        check_parts(model, dtype, sandbox)
        problems = problems_of(benchmark, limit)
        chosen = components.policy_named(policy, model=model, threshold=threshold)
        opened_model = components.model_named(model, device=device, dtype=dtype)
        context = Context(opened_model, chosen, opened(sandbox, cleanup), max_tokens=max_tokens)
        stream = failures(problems, context, width=width)
        say(table(followed(stream, len(problems), "failed", lambda failure: failure is not None)))


@bench.command("check")
def bench_check(
    samples: Annotated[
        Path, typer.Argument(help="JSON lines, or .gz: task_id, and a solution (whole) or completion. - reads stdin.")
    ],
    dataset: Annotated[
        str | None, typer.Option(help="Only samples of humaneval, mbpp, exercises or exercises/SPLIT.")
    ] = None,
    tasks: Annotated[list[str] | None, typer.Option(help="Only these, as in HumanEval/0,HumanEval/7.")] = None,
    k: Annotated[str, typer.Option(help="Of pass@k, as in 1,10.")] = "1",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Programs judged side by side, each in a sandbox of its own; else as many as cores."),
    ] = None,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    fresh: FreshOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object, with each sample's verdicts.")] = False,
) -> None:
    """Judge anybody's samples, in evalplus' format, by the hidden tests, and print pass@k.

    Exit codes: 0 every record was judged, 1 some were not, 3 some were not because the sandbox failed; stderr names
    them by line, and no number counts them.
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from benchmarks.judging.report import build_report, describe_missing_modules, describe_too_few_samples
        from benchmarks.judging.sample_file import read_samples
        from benchmarks.judging.samples import JudgedSample, UnjudgedSample, judge_samples

        ks = _numbers(k)
        chosen = [found_problem(task.strip()).task_id for task in ",".join(tasks or []).split(",") if task.strip()]
        reading = read_samples(samples, dataset=dataset, tasks=chosen)
        _named(samples, reading.broken)
        if sentence := describe_too_few_samples(reading.samples, ks):
            say(sentence, err=True)
        side_by_side = max(1, min(workers or len(os.sched_getaffinity(0)), len(reading.samples)))
        box = opened(sandbox, cleanup, memory_mib, side_by_side, fresh=fresh)
        stream = cleanup.enter_context(closing(judge_samples(reading.samples, box, workers=side_by_side)))
        found = followed(
            stream, len(reading.samples), "passed", lambda each: isinstance(each, JudgedSample) and each.passed
        )
        _named(samples, [each for each in found if isinstance(each, UnjudgedSample)])
        told = build_report([*reading.broken, *found], ks)
        for sentence in describe_missing_modules(told.judged):
            say(sentence, err=True)
        failed = any(each.sandbox_failed for each in told.unjudged)
        code = ExitCode.MACHINE_FAILED if failed else ExitCode.ABSTAINED if told.unjudged else ExitCode.OK
        write_json({**told.record(), "exit_code": code}) if as_json else say(told.table())
        raise typer.Exit(code)


def _numbers(text: str) -> list[int]:
    components = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 10 and int(part) for part in components):
        raise InvalidRequestError(f"--k {text[:40]!r} came; wanted whole numbers from 1 on, as in 1,10")
    return [int(part) for part in components]


def _named(path: Path, unjudged: list[UnjudgedSample]) -> None:
    from agent.views.text import one_line

    for each in unjudged[:MOST_NAMED]:
        say(one_line(f"{path}:{each.line}: {each.reason}"), err=True)
    if len(unjudged) > MOST_NAMED:
        say(f"and {len(unjudged) - MOST_NAMED} more records like these; --json lists all", err=True)


def check_parts(model: str, dtype: str, sandbox: str | None, prompt_format: str = "auto") -> None:
    """Raise InvalidRequestError for a model, a type or a sandbox that there is not, before anything is loaded."""
    from agent.cli import components

    components.check_model(model, dtype, prompt_format)
    components.check_sandbox(sandbox)


def opened(
    sandbox: str | None, cleanup: ExitStack, memory_mib: int | None = None, workers: int = 1, *, fresh: bool = False
) -> Sandbox:
    """Open a sandbox, which `cleanup` closes. fresh: every program gets one of its own."""
    from agent.cli import components

    box = components.sandbox_named(sandbox, workers=workers, memory_mib=memory_mib, fresh=fresh)
    return cleanup.enter_context(closing(box))


def followed(stream: Iterable[T], total: int, word: str, counts: Callable[[T], bool]) -> list[T]:
    """Return all of a stream, saying on stderr how far it is."""
    found: list[T] = []
    counted = 0
    for each in stream:
        found.append(each)
        counted += counts(each)
        write_progress(f"{len(found)}/{total} tried, {counted} {word}", last=len(found) == total)
    return found


def problems_of(benchmark: str, limit: int | None) -> list[Problem]:
    """Return the problems of a benchmark, or its first ones. Raises InvalidRequestError with what exists."""
    from itertools import islice

    from benchmarks import open_benchmark

    if benchmark == "exercises/train" and limit is None:
        raise InvalidRequestError("exercises/train has no end; say how much of it with --limit")
    try:
        return list(islice(open_benchmark(benchmark), limit))
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def found_problem(task_id: str) -> Problem:
    """Return a benchmark's problem. Raises InvalidRequestError with what exists."""
    from benchmarks import find_problem

    try:
        return find_problem(task_id)
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def hidden_verdicts(box: Sandbox, problem: Problem, program: str) -> dict[str, str]:
    """Judge a program by the tests that the agent never saw. Only verdicts leave: reasons name hidden inputs."""
    from benchmarks.judging.checker import judge_program

    judged = judge_program(box, problem, program)
    return {"base": judged.base.verdict.value, "plus": judged.plus.verdict.value}
