"""Problems through the workflow, one JSON line each, appended whole: a run that is killed goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.cli.components import task_from
from agent.files.access import quoted
from agent.verification.examples import degenerate
from agent.workflow.context import Context
from benchmarks.base import Problem
from benchmarks.experiments.arms import Contestant, alone
from benchmarks.experiments.record_file import R, RecordFile, digest, records_in
from benchmarks.judging.checker import judge
from benchmarks.reports.metrics import mcnemar, wilson
from sandbox import Verdict
from uncertainty.calibration import auroc


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy did on one problem, and what it cost."""

    task_id: str
    prompt_sha256: str
    program: str
    outcome: str  # "accepted" or "abstained", by the visible examples
    base: str  # verdicts of the hidden tests
    plus: str
    attempts: int
    highest_entropy: float | None  # nats, over the steps of the run; None where the model's numbers were none
    tokens: int
    forwards: int
    token_rows: int
    pauses: int
    sandbox_runs: int
    seconds: float
    feedback: str = "none"  # "visible" where the examples that the prompt shows decided what was tried next
    probability: float | None = None  # that the answer is right, as the agent says; None where it says nothing

    def __post_init__(self) -> None:
        allowed = {
            "outcome": ("accepted", "abstained"), "base": tuple(Verdict), "plus": tuple(Verdict),
            "feedback": ("none", "visible"),
        }  # fmt: skip
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {quoted(getattr(self, name))}; wanted one of {', '.join(choices)}")
        if not 0.0 <= (self.probability or 0.0) <= 1.0:
            raise ValueError(f"probability is {self.probability}; wanted one from 0 to 1")
        if min(self.highest_entropy or 0.0, self.seconds) < 0.0:
            raise ValueError("highest_entropy or seconds is negative")

    @property
    def passed(self) -> bool:
        """The program passed every hidden test."""
        return self.base == self.plus == "passed"

    @property
    def degenerate(self) -> bool:
        """The program is no Python, or nothing to run."""
        return degenerate(self.program)


def run(problems: Iterable[Problem], context: Context, contestant: Contestant = alone) -> Iterator[Outcome]:
    """Yield the outcome of each problem. The hidden tests come in only after the workflow has ended."""
    for problem in problems:
        task = task_from(problem.prompt, None, None, entry_point=problem.entry_point)
        result = contestant(context, task)
        judged = judge(context.sandbox, problem, result.answer.program)
        highest = max((step.scores["entropy"] for step in result.steps), default=0.0)
        verdicts = judged.base.verdict.value, judged.plus.verdict.value
        spent = {**asdict(result.cost), "feedback": result.feedback, "probability": result.chosen.probability}
        yield Outcome(
            problem.task_id, digest(problem), result.answer.program, result.outcome, *verdicts, len(result.attempts),
            highest if math.isfinite(highest) else None, **spent,
        )  # fmt: skip


def side_by_side(streams: Sequence[Iterator[R]], over: Callable[[], object]) -> Iterator[tuple[R, ...]]:
    """Yield what each of several runs made of a problem, problem by problem; `over` is called when one is over."""
    for found in zip(*streams, strict=True):
        yield found
        over()


def go_on(
    problems: Iterable[Problem], context: Context, contestant: Contestant, file: RecordFile[Outcome] | None
) -> Iterator[Outcome]:
    """Yield the outcome of each problem: those in the file from there, the rest run and appended."""
    if file is None:
        return run(problems, context, contestant)
    return file.go_on(problems, lambda problem: next(run([problem], context, contestant)))


def run_to_file(
    problems: Iterable[Problem], context: Context, path: Path, options: dict[str, Any], contestant: Contestant = alone
) -> Iterator[Outcome]:
    """Yield outcomes, those in the file from there; append the rest. Raises UsageError for a file of other options."""
    with closing(RecordFile(path, Outcome, options)) as file:
        yield from go_on(problems, context, contestant, file)


def outcomes_in(path: Path) -> list[Outcome]:
    """Read a file of outcomes. Raises UsageError for anything else."""
    return records_in(path, Outcome)


def summary(outcomes: list[Outcome]) -> str:
    """Return the table of a run: the share solved with its interval, and what a problem cost."""
    passed, total = sum(outcome.passed for outcome in outcomes), len(outcomes)
    share, low, high = wilson(passed, total)
    rows = {
        "solved": f"{passed}/{total} = {number(share)} ({low:.3f} to {high:.3f})",
        "accepted by the visible examples": f"{sum(outcome.outcome == 'accepted' for outcome in outcomes)}",
        "AUROC of the highest entropy against failure": number(_auroc(outcomes)),
        "pause rate": f"{pause_rate(outcomes):.3f}",
        "degenerate": f"{sum(outcome.degenerate for outcome in outcomes)}",
        **{f"{name} a problem": f"{sum(getattr(o, name) for o in outcomes) / max(1, total):.2f}" for name in _COSTS},
    }
    return "\n".join(f"{name:<46}{value}" for name, value in rows.items())


def number(value: float) -> str:
    """Return a measure as a table shows it; a dash where it cannot be computed."""
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _auroc(outcomes: list[Outcome]) -> float:
    """How well the highest entropy of a run tells failures from successes; 0.5 says nothing."""
    known = [(each.highest_entropy, each.passed) for each in outcomes if each.highest_entropy is not None]
    return auroc([entropy for entropy, passed in known if not passed], [entropy for entropy, passed in known if passed])


def pause_rate(outcomes: Sequence[Outcome]) -> float:
    """Pauses as a share of all tokens."""
    return sum(outcome.pauses for outcome in outcomes) / max(1, sum(outcome.tokens for outcome in outcomes))


_COSTS = ("tokens", "forwards", "token_rows", "pauses", "sandbox_runs", "seconds")


def comparison(runs: dict[str, list[Outcome]]) -> str:
    """Return runs over the same problems side by side, each with its exact McNemar test against the first of its kind.

    Runs whose programs were chosen by the examples that the prompt shows stand apart from those of one pass.
    """
    kinds = {name: outcomes[0].feedback if outcomes else "none" for name, outcomes in runs.items()}
    blocks = []
    for kind, title in (("none", "one pass"), ("visible", "feedback=visible")):
        chosen = {name: outcomes for name, outcomes in runs.items() if kinds[name] == kind}
        blocks += [_block(chosen, title)] if chosen else []
    return "\n\n".join(blocks)


def _block(runs: dict[str, list[Outcome]], title: str) -> str:
    reference = {outcome.task_id: outcome.passed for outcome in next(iter(runs.values()))}
    heads = (*_COSTS, "pause rate", "degenerate", "AUROC")
    lines = [f"{title:<22}{'solved':>24}{'gained/lost':>13}{'p':>8}{'n':>7}" + "".join(f"{name:>13}" for name in heads)]
    for name, outcomes in runs.items():
        shared = [outcome for outcome in outcomes if outcome.task_id in reference]
        gained = sum(outcome.passed and not reference[outcome.task_id] for outcome in shared)
        lost = sum(not outcome.passed and reference[outcome.task_id] for outcome in shared)
        share, low, high = wilson(sum(outcome.passed for outcome in outcomes), len(outcomes))
        costs = "".join(f"{sum(getattr(o, cost) for o in outcomes) / max(1, len(outcomes)):>13.2f}" for cost in _COSTS)
        empty = sum(outcome.degenerate for outcome in outcomes)
        costs += f"{pause_rate(outcomes):>13.3f}{empty:>13}{number(_auroc(outcomes)):>13}"
        solved = f"{share:.3f} ({low:.3f} to {high:.3f})"
        tested = f"{f'{gained}/{lost}':>13}{mcnemar(gained, lost):>8.3f}{len(outcomes):>7}"
        lines.append(f"{name:<22}{solved:>24}{tested}{costs}")
    return "\n".join(lines)
