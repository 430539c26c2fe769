"""The commands that reach up to the benchmarks: single problems, and runs over hundreds. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.exits import reported

if TYPE_CHECKING:
    from benchmarks.base import Problem
    from sandbox.base import Sandbox

ModelOption = Annotated[str, typer.Option(help="A folder or a hub id of any causal LM of transformers.")]
TokensOption = Annotated[int, typer.Option(min=1, help="The most tokens of one program.")]
SandboxOption = Annotated[str | None, typer.Option(help="docker, bubblewrap or process (no isolation).")]
SeedOption = Annotated[int, typer.Option(help="Of the samplers.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda …; the best there is by default.")]
DtypeOption = Annotated[str, typer.Option(help="float32, bfloat16 …; auto is the checkpoint's own.")]

exercises = typer.Typer(name="exercises", help="The project's own problems.", no_args_is_help=True)


@exercises.command("show")
def show_exercise(identity: Annotated[str, typer.Argument(metavar="ID", help="As in exercises/12.")]) -> None:
    """Print one exercise and its canonical solution."""
    with reported(as_json=False):
        found = found_problem(identity if identity.startswith("exercises/") else f"exercises/{identity}")
        typer.echo(found.prompt + found.canonical_solution.rstrip("\n"))


bench = typer.Typer(name="bench", help="Problems by the hundred.", no_args_is_help=True)


@bench.command("run")
def bench_run(
    benchmark: Annotated[str, typer.Argument(help="HumanEval, Mbpp, exercises, or exercises/SPLIT.")] = "exercises",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many problems.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep outcomes in this file, and go on from it after a kill.")
    ] = None,
    model: ModelOption = "models/tiny",
    policy: Annotated[
        str, typer.Option(help="A policy, beam-3, best-of-5, adadec-revised-5 or greedy-repaired.")
    ] = "greedy",
    threshold: Annotated[float | None, typer.Option(help="Pause at this much of the gate's score.")] = None,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Run one contestant over a benchmark, judge it by the hidden tests, and print what it solved and cost."""
    options = {name: value for name, value in locals().items() if name not in ("out", "limit")}
    with reported(as_json=False), ExitStack() as cleanup:
        from agent import parts
        from agent.moves import Context
        from benchmarks.runner import run, run_to_file, summary

        chosen, contestant = _contestant(policy, threshold)
        problems = _problems(benchmark, limit)
        lm = parts.model_named(model, device=device, dtype=dtype)
        box = cleanup.enter_context(closing(parts.sandbox_named(sandbox)))
        context = Context(lm, chosen, box, max_tokens=max_tokens, seed=seed)
        stream = run_to_file(problems, context, out, options, contestant) if out else run(problems, context, contestant)
        outcomes = []
        for outcome in stream:
            outcomes.append(outcome)
            solved = sum(each.passed for each in outcomes)
            last = len(outcomes) == len(problems)
            typer.echo(f"\r{len(outcomes)}/{len(problems)} tried, {solved} solved", err=True, nl=last)
        typer.echo(summary(outcomes))


@bench.command("compare")
def bench_compare(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`; the first is compared against.")],
) -> None:
    """Print runs over the same problems side by side, with paired tests against the first."""
    with reported(as_json=False):
        from benchmarks.runner import comparison, outcomes_in

        typer.echo(comparison({path.stem: outcomes_in(path) for path in files}, against=files[0].stem))


def _contestant(name: str, threshold: float | None) -> Any:
    """Return the policy and the way of using it that a name stands for."""
    from agent import parts
    from agent.errors import UsageError
    from benchmarks.contestants import CONTESTANTS

    if name not in CONTESTANTS:
        raise UsageError(f"unknown contestant {name!r}; choose from {', '.join(sorted(CONTESTANTS))}")
    policy, contestant = CONTESTANTS[name]
    return parts.with_threshold(policy, threshold), contestant


def _problems(benchmark: str, limit: int | None) -> list[Problem]:
    from itertools import islice

    from agent.errors import UsageError
    from benchmarks import named

    if benchmark == "exercises/train" and limit is None:
        raise UsageError("exercises/train has no end; say how much of it with --limit")
    try:
        return list(islice(named(benchmark), limit))
    except KeyError as error:
        raise UsageError(str(error.args[0])) from error


def found_problem(task_id: str) -> Problem:
    """Return a benchmark's problem. Raises UsageError with what exists."""
    from agent.errors import UsageError
    from benchmarks import problem

    try:
        return problem(task_id)
    except KeyError as error:
        raise UsageError(str(error.args[0])) from error


def hidden_verdicts(box: Sandbox, problem: Problem, program: str) -> dict[str, str]:
    """Judge a program by the tests that the agent never saw. Only verdicts leave: reasons name hidden inputs."""
    from benchmarks.checker import judge

    judged = judge(box, problem, program)
    return {"base": judged.base.verdict.value, "plus": judged.plus.verdict.value}
