"""Our verdicts beside evalplus' own, and each difference with its reason. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.views.report import Report
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.judging.evalplus_judge import EvalplusVerdict


@dataclass(frozen=True, slots=True)
class TwoVerdicts:
    """One program, as this project and as evalplus judge it. reason: why they differ; empty where they do not."""

    outcome: ProblemOutcome
    theirs: EvalplusVerdict
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return the difference as plain data for JSON."""
        ours = {"base": self.outcome.base, "plus": self.outcome.plus}
        return {
            "task_id": self.outcome.task_id, "sample": self.outcome.sample, "ours": ours,
            "evalplus": self.theirs._asdict(), "reason": self.reason,
        }  # fmt: skip


def pair_verdicts(
    outcomes: Sequence[ProblemOutcome], theirs: Mapping[str, Sequence[EvalplusVerdict]]
) -> list[TwoVerdicts]:
    """Pair each outcome with evalplus' verdict: of each task, the samples are in one order on both sides."""
    remaining = {task_id: iter(verdicts) for task_id, verdicts in theirs.items()}
    return [TwoVerdicts(each, next(remaining[each.task_id])) for each in outcomes]


def report_evalplus(runs: Mapping[str, Sequence[TwoVerdicts]]) -> Report:
    """Report, of each run, how many programs pass by both judges, and each difference."""
    records, blocks = list[dict[str, Any]](), []
    for name, pairs in runs.items():
        counts, differing = _count(pairs), [each for each in pairs if each.reason]
        records.append({"name": name, **counts, "differences": [each.record() for each in differing]})
        lines = [f"{name}: {len(pairs)} programs, {len(differing)} judged differently"]
        lines += [f"{'':<14}{'base':>8}{'plus':>8}"]
        lines += [f"{who:<14}{counts[who]['base']:>8}{counts[who]['plus']:>8}" for who in ("ours", "evalplus")]
        blocks.append("\n".join([*lines, *map(_row, differing)]))
    return Report({"runs": records}, "\n\n".join(blocks))


def _count(pairs: Sequence[TwoVerdicts]) -> dict[str, dict[str, int]]:
    """Count the programs that pass the base tests, and those that pass all, by each judge."""
    return {
        "ours": {
            "base": sum(each.outcome.base == "passed" for each in pairs),
            "plus": sum(each.outcome.passed for each in pairs),
        },
        "evalplus": {
            "base": sum(each.theirs.base == "pass" for each in pairs),
            "plus": sum(each.theirs.passed for each in pairs),
        },
    }


def _row(pair: TwoVerdicts) -> str:
    outcome, theirs = pair.outcome, pair.theirs
    name = f"{outcome.task_id}#{outcome.sample}" if outcome.sample else outcome.task_id
    verdicts = f"ours {outcome.base}, {outcome.plus}; evalplus {theirs.base}, {theirs.plus}"
    return f"{name:<20}{verdicts}\n    {pair.reason}"
