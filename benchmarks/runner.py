"""Problems through the workflow, one JSON line each, appended whole: a run that is killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agent.context import Context
from agent.errors import UsageError
from agent.parts import task_from
from agent.trace import TraceWriter, provenance_of, read_trace
from agent.verify import degenerate
from benchmarks.base import Problem
from benchmarks.checker import judge
from benchmarks.contestants import Contestant, alone
from benchmarks.metrics import mcnemar, wilson
from uncertainty.calibration import auroc


class Record(Protocol):
    """What is kept of a problem, one line each."""

    @property
    def task_id(self) -> str:
        """The problem's."""
        ...

    @property
    def prompt_sha256(self) -> str:
        """Its first 12 digits: an id means nothing once its problem has changed."""
        ...


R = TypeVar("R", bound=Record)


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
    highest_entropy: float  # nats, over the steps of the run
    tokens: int
    forwards: int
    token_rows: int
    pauses: int
    sandbox_runs: int
    seconds: float
    feedback: str = "none"  # "visible" where the examples that the prompt shows decided what was tried next
    probability: float | None = None  # that the answer is right, as the agent says; None where it says nothing

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
        spent = {**asdict(result.cost), "feedback": result.feedback, "probability": result.chosen.probability}
        yield Outcome(
            problem.task_id, digest(problem), answer, result.outcome, *verdicts, len(result.attempts), highest, **spent
        )


def side_by_side(streams: Sequence[Iterator[R]], over: Callable[[], object]) -> Iterator[tuple[R, ...]]:
    """Yield what each of several runs made of a problem, problem by problem; `over` is called when one is over."""
    for found in zip(*streams, strict=True):
        yield found
        over()


def run_to_file(
    problems: Iterable[Problem],
    context: Context,
    path: Path,
    options: dict[str, Any],
    contestant: Contestant = alone,
) -> Iterator[Outcome]:
    """Yield outcomes, those in the file from there; append the rest. Raises UsageError for a file of other options."""
    return kept(problems, path, options, Outcome, lambda problem: next(run([problem], context, contestant)))


def kept(
    problems: Iterable[Problem], path: Path, options: dict[str, Any], kind: type[R], make: Callable[[Problem], R]
) -> Iterator[R]:
    """Yield a record of each problem, made or from the file, where each new one is appended. Raises UsageError."""
    done = {record.task_id: record for record in records_in(path, kind, options)} if path.exists() else {}
    writer = TraceWriter(path, {**provenance_of(), "options": options}, resume=bool(path.exists()))
    try:
        for problem in problems:
            known = done.get(problem.task_id)
            if known is not None and known.prompt_sha256 != digest(problem):
                raise UsageError(f"{str(path)!r} was made with another {problem.task_id}; choose another file")
            if known is None:
                known = make(problem)
                writer.write(kind.__name__.lower(), known)
            yield known
    finally:
        writer.close()


def outcomes_in(path: Path) -> list[Outcome]:
    """Read a file of outcomes. Raises UsageError for anything else."""
    return records_in(path, Outcome)


def records_in(path: Path, kind: type[R], options: dict[str, Any] | None = None) -> list[R]:
    """Read a file of records of one kind. Raises UsageError for others, and where it was made with other options."""
    found, name = [], kind.__name__.lower()
    parts = {part.name for part in fields(kind)}  # type: ignore[arg-type]  # a record is a dataclass
    wanted = {part.name for part in fields(kind) if part.default is MISSING}  # type: ignore[arg-type]
    for number, record in enumerate(read_trace(path), start=1):
        said = record.get("kind") if isinstance(record, dict) else None
        if said == "provenance" and "options" in record:
            if options is not None and record["options"] != json.loads(json.dumps(options)):
                raise UsageError(
                    f"{str(path)!r} was made with other options ({record['options']}); choose another file"
                )
        elif said == name and wanted.issubset(record):
            found.append(kind(**{part: record[part] for part in parts & record.keys()}))
        else:
            made = "bench draw" if name == "draws" else "bench run"
            raise UsageError(f"{path}:{number}: this is no {name}; wanted a file made by `dubito {made} --out`")
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


def digest(problem: Problem) -> str:
    """Return what tells a problem's prompt from another under the same id."""
    return hashlib.sha256(problem.prompt.encode()).hexdigest()[:12]


def pause_rate(outcomes: list[Outcome]) -> float:
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
    lines = [f"{title:<22}{'solved':>24}{'gained/lost':>13}{'p':>8}" + "".join(f"{name:>13}" for name in heads)]
    for name, outcomes in runs.items():
        shared = [outcome for outcome in outcomes if outcome.task_id in reference]
        gained = sum(outcome.passed and not reference[outcome.task_id] for outcome in shared)
        lost = sum(not outcome.passed and reference[outcome.task_id] for outcome in shared)
        share, low, high = wilson(sum(outcome.passed for outcome in outcomes), len(outcomes))
        costs = "".join(f"{sum(getattr(o, cost) for o in outcomes) / max(1, len(outcomes)):>13.2f}" for cost in _COSTS)
        empty = sum(outcome.degenerate for outcome in outcomes)
        costs += f"{pause_rate(outcomes):>13.3f}{empty:>13}{_auroc(outcomes):>13.3f}"
        solved = f"{share:.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"{name:<22}{solved:>24}{f'{gained}/{lost}':>13}{mcnemar(gained, lost):>8.3f}{costs}")
    return "\n".join(lines)
