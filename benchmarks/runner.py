"""Problems through the workflow, one JSON line each, appended whole: a run that is killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from agent.errors import UsageError
from agent.moves import Context
from agent.parts import task_from
from agent.trace import TraceWriter, provenance_of, read_trace
from agent.verify import degenerate
from benchmarks.base import Problem
from benchmarks.checker import judge
from benchmarks.contestants import Contestant, alone
from benchmarks.metrics import auroc, mcnemar, wilson


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy did on one problem, and what it cost."""

    task_id: str
    prompt_sha256: str  # its first 12 digits: an id means nothing once its problem has changed
    program: str
    outcome: str  # "accepted" or "abstained", by the visible examples
    base: str  # verdicts of the hidden tests
    plus: str
    attempts: int
    highest_entropy: float  # nats, over the steps of the run
    tokens: int
    forwards: int
    token_rows: int
    pauses: int
    sandbox_runs: int
    seconds: float

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
        entropies = [step.scores["entropy"] for step in result.steps]
        verdicts = judged.base.verdict.value, judged.plus.verdict.value
        answer, highest = result.answer.program, max(entropies, default=0.0)
        spent = asdict(result.cost)
        yield Outcome(
            problem.task_id, _digest(problem), answer, result.outcome, *verdicts, len(result.attempts), highest, **spent
        )


def run_to_file(
    problems: Iterable[Problem],
    context: Context,
    path: Path,
    options: dict[str, Any],
    contestant: Contestant = alone,
) -> Iterator[Outcome]:
    """Yield outcomes, those in the file from there; append the rest. Raises UsageError for a file of other options."""
    done = {outcome.task_id: outcome for outcome in outcomes_in(path, options)} if path.exists() else {}
    writer = TraceWriter(path, {**provenance_of(), "options": options}, resume=bool(path.exists()))
    try:
        for problem in problems:
            known = done.get(problem.task_id)
            if known is not None and known.prompt_sha256 != _digest(problem):
                raise UsageError(f"{str(path)!r} was made with another {problem.task_id}; choose another file")
            if known is None:
                known = next(run([problem], context, contestant))
                writer.write("outcome", known)
            yield known
    finally:
        writer.close()


def outcomes_in(path: Path, options: dict[str, Any] | None = None) -> list[Outcome]:
    """Read a file of outcomes. Raises UsageError where it was made with other options."""
    found = []
    for number, record in enumerate(read_trace(path), start=1):
        kind = record.get("kind") if isinstance(record, dict) else None
        if kind == "provenance" and "options" in record:
            if options is not None and record["options"] != json.loads(json.dumps(options)):
                raise UsageError(
                    f"{str(path)!r} was made with other options ({record['options']}); choose another file"
                )
        elif kind == "outcome" and _PARTS.issubset(record):
            found.append(Outcome(**{name: record[name] for name in _PARTS}))
        else:
            raise UsageError(f"{path}:{number}: this is no outcome; wanted a file made by `dubito bench run --out`")
    return found


def summary(outcomes: list[Outcome]) -> str:
    """Return the table of a run: the share solved with its interval, and what a problem cost."""
    passed, total = sum(outcome.passed for outcome in outcomes), len(outcomes)
    share, low, high = wilson(passed, total)
    rows = {
        "solved": f"{passed}/{total} = {share:.3f} ({low:.3f} to {high:.3f})",
        "accepted by the visible examples": f"{sum(outcome.outcome == 'accepted' for outcome in outcomes)}",
        "AUROC of the highest entropy against failure": f"{_auroc(outcomes):.3f}",
        "pause rate": f"{pause_rate(outcomes):.3f}",
        "degenerate": f"{sum(outcome.degenerate for outcome in outcomes)}",
        **{f"{name} a problem": f"{sum(getattr(o, name) for o in outcomes) / max(1, total):.2f}" for name in _COSTS},
    }
    return "\n".join(f"{name:<46}{value}" for name, value in rows.items())


def _auroc(outcomes: list[Outcome]) -> float:
    """How well the highest entropy of a run tells failures from successes; 0.5 says nothing."""
    right = [outcome.highest_entropy for outcome in outcomes if outcome.passed]
    return auroc([outcome.highest_entropy for outcome in outcomes if not outcome.passed], right)


def _digest(problem: Problem) -> str:
    return hashlib.sha256(problem.prompt.encode()).hexdigest()[:12]


def pause_rate(outcomes: list[Outcome]) -> float:
    """Pauses as a share of all tokens."""
    return sum(outcome.pauses for outcome in outcomes) / max(1, sum(outcome.tokens for outcome in outcomes))


_PARTS = {part.name for part in fields(Outcome)}
_COSTS = ("tokens", "forwards", "token_rows", "pauses", "sandbox_runs", "seconds")


def comparison(runs: dict[str, list[Outcome]], *, against: str = "greedy") -> str:
    """Return a table of runs over the same problems, each with its exact McNemar test against one of them."""
    reference = {outcome.task_id: outcome.passed for outcome in runs[against]}
    heads = (*_COSTS, "pause rate", "degenerate", "AUROC")
    lines = [f"{'':<18}{'solved':>24}{'gained/lost':>13}{'p':>8}" + "".join(f"{name:>13}" for name in heads)]
    for name, outcomes in runs.items():
        shared = [outcome for outcome in outcomes if outcome.task_id in reference]
        gained = sum(outcome.passed and not reference[outcome.task_id] for outcome in shared)
        lost = sum(not outcome.passed and reference[outcome.task_id] for outcome in shared)
        share, low, high = wilson(sum(outcome.passed for outcome in outcomes), len(outcomes))
        costs = "".join(f"{sum(getattr(o, cost) for o in outcomes) / max(1, len(outcomes)):>13.2f}" for cost in _COSTS)
        empty = sum(outcome.degenerate for outcome in outcomes)
        costs += f"{pause_rate(outcomes):>13.3f}{empty:>13}{_auroc(outcomes):>13.3f}"
        solved = f"{share:.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"{name:<18}{solved:>24}{f'{gained}/{lost}':>13}{mcnemar(gained, lost):>8.3f}{costs}")
    return "\n".join(lines)
