"""Report the verdicts of many samples: pass@k, counts, and what was not judged. Judges nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from benchmarks.judging.samples import JudgedSample, Sample, UnjudgedSample
from benchmarks.reports.metrics import pass_at_k
from sandbox import Verdict


@dataclass(frozen=True, slots=True)
class JudgingReport:
    """The outcomes of a file of samples, in the order of its lines, and the k of pass@k."""

    judged: Sequence[JudgedSample]
    unjudged: Sequence[UnjudgedSample]
    ks: Sequence[int]

    @property
    def tasks(self) -> dict[str, list[JudgedSample]]:
        """The judged samples of each task."""
        tasks = defaultdict[str, list[JudgedSample]](list)
        for sample in self.judged:
            tasks[sample.task_id].append(sample)
        return tasks

    def pass_at(self, k: int, group: str) -> float | None:
        """Return pass@k by "base" or "plus", the mean over the tasks; None where one has fewer than k samples."""
        passed, tasks = _PASSED[group], self.tasks.values()
        if not tasks or min(map(len, tasks)) < k:
            return None
        return fmean(pass_at_k(len(samples), sum(map(passed, samples)), k) for samples in tasks)

    def verdicts(self, group: str) -> Counter[str]:
        """Return how often each verdict was given by "base" or "plus"."""
        return Counter(getattr(sample, group).value for sample in self.judged)

    def record(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "tasks": len(self.tasks),
            "samples": len(self.judged),
            "pass_at_k": {group: {k: self.pass_at(k, group) for k in self.ks} for group in _PASSED},
            "verdicts": {group: self.verdicts(group) for group in _PASSED},
            "not_judged": [asdict(each) for each in self.unjudged],
            "results": {task_id: [_result(sample) for sample in samples] for task_id, samples in self.tasks.items()},
        }

    def table(self) -> str:
        """Return the report for people, without the single results."""
        shares = [(f"pass@{k}", *(_share(self.pass_at(k, group)) for group in _PASSED)) for k in self.ks]
        base, plus = (self.verdicts(group) for group in _PASSED)
        counts = [(verdict, base[verdict], plus[verdict]) for verdict in Verdict if base[verdict] or plus[verdict]]
        totals = {"tasks": len(self.tasks), "samples": len(self.judged), "records not judged": len(self.unjudged)}
        rows = [*((name, count, "") for name, count in totals.items()), ("", *_PASSED), *shares, *counts]
        return "\n".join(f"{name:<20}{left:>8}{right:>8}".rstrip() for name, left, right in rows)


def _result(sample: JudgedSample) -> dict[str, Any]:
    result = {"line": sample.line, "base": sample.base.value, "plus": sample.plus.value}
    return result | ({"lacks": list(sample.lacks)} if sample.lacks else {})


def build_report(outcomes: Iterable[JudgedSample | UnjudgedSample], ks: Iterable[int]) -> JudgingReport:
    """Build the report from outcomes in any order."""
    by_line = sorted(outcomes, key=lambda each: each.line)
    judged_ones = [each for each in by_line if isinstance(each, JudgedSample)]
    return JudgingReport(judged_ones, [each for each in by_line if isinstance(each, UnjudgedSample)], sorted(set(ks)))


def describe_missing_modules(samples: Iterable[JudgedSample]) -> list[str]:
    """Say, for each module that the sandbox lacks, how many failed programs import it."""
    lines = defaultdict[str, list[int]](list)
    for sample in samples:
        for name in sample.lacks:
            lines[name].append(sample.line)
    return [
        f"{len(numbers)} failed {'sample needs' if len(numbers) == 1 else 'samples need'} {name}, "
        f"which the sandbox does not have (line {numbers[0]}{' and others' if len(numbers) > 1 else ''})"
        for name, numbers in lines.items()
    ]


def describe_too_few_samples(samples: Iterable[Sample], ks: Iterable[int]) -> str | None:
    """Say which pass@k a task has too few samples for, and which can be computed; None where all can."""
    counts = Counter(sample.problem.task_id for sample in samples)
    task_id, fewest = min(counts.items(), key=lambda item: item[1], default=("", 0))
    beyond = [f"pass@{k}" for k in sorted(set(ks)) if counts and k > fewest]
    if not beyond:
        return None
    cannot = f"{' and '.join(beyond)} cannot be computed"
    return f"{task_id} has the fewest samples ({fewest}), so {cannot}; k up to {fewest} can"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


_PASSED: dict[str, Callable[[JudgedSample], bool]] = {
    "base": lambda sample: sample.base_passed,
    "plus": lambda sample: sample.passed,
}
