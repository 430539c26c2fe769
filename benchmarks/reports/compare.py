"""Tables of outcomes: what one run solved and cost, and many runs with paired tests."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, NamedTuple

from agent.views.report import Report
from agent.views.text import one_line
from agent.workflow.standing import Standing
from benchmarks.experiments.outcomes import ProblemOutcome, pause_rate
from benchmarks.experiments.plan import natural_order
from benchmarks.experiments.record_file import key_of
from benchmarks.reports.metrics import (
    RESAMPLES,
    SEED,
    Interval,
    bootstrap_mean,
    bootstrap_p,
    mcnemar,
    pass_at_k,
    wilson,
)
from uncertainty.calibration import auroc, brier, ece

_COSTS = ("tokens", "forwards", "token_rows", "pauses", "sandbox_runs", "seconds")
_PAIRED = ("name", "gained", "lost", "p")  # fields that say nothing of a run by itself
_KS = (1, 5, 10, 100)  # of pass@k, as far as there are samples
_NAME = 26  # columns; the tables then have 118

Samples = Mapping[str, Sequence[ProblemOutcome]]  # by the id of the problem


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """The measures of one run, and its paired test against the first run with the same feedback."""

    name: str
    feedback: str  # "visible" if the examples in the prompt chose among programs, "none" in one pass
    problems: int
    samples: int  # of a problem, at least
    programs: int  # samples of all problems
    passed: int  # programs
    interval: Interval  # of measure_solved
    gained: int  # problems of which this run solves a larger share of the samples than the reference does
    lost: int
    p: float  # two-sided: McNemar's, exact, where every problem has one sample, else by a bootstrap over problems
    costs: dict[str, float]  # of a program: the mean over problems
    intervals: dict[str, Interval]  # of the costs, by a bootstrap over problems
    pass_at: dict[int, Interval]  # pass@k by k, for each k that the samples allow
    pause_rate: float
    degenerate: int
    auroc: float  # how well the model's doubt predicts failure; NaN if it cannot be computed
    stated: int  # programs for which the agent stated a probability of being right
    ece: float  # of these; NaN without any
    brier: float

    def record(self) -> dict[str, Any]:
        """Return the measures as plain data for JSON."""
        intervals = {name: interval._asdict() for name, interval in self.intervals.items()}
        pass_at = {str(k): interval._asdict() for k, interval in self.pass_at.items()}
        numbers = {name: _finite(getattr(self, name)) for name in ("auroc", "ece", "brier")}
        return (
            asdict(self) | {"interval": self.interval._asdict(), "intervals": intervals, "pass_at": pass_at} | numbers
        )


def summarise(outcomes: Sequence[ProblemOutcome]) -> Report:
    """Report one run: the share solved with its interval, and what a problem cost."""
    (run,) = compare({"": outcomes})
    accepted, standings = sum(outcome.outcome == "accepted" for outcome in outcomes), count_standings(outcomes)
    several = run.programs > run.problems
    calibration = f"{format_measure(run.ece)}, {format_measure(run.brier)} ({run.stated} programs)"
    rows = {
        "pass@1" if several else "solved": f"{run.passed}/{run.programs} = {format_interval(run.interval)}",
        **{f"pass@{k}": format_interval(interval) for k, interval in run.pass_at.items() if k > 1},
        "accepted": f"{accepted}",
        **{f"{name} and wrong": f"{wrong}/{claimed}" for name, (claimed, wrong) in standings.items()},
        "AUROC of the doubt against failure": format_measure(run.auroc),
        **({"ECE and Brier of stated probabilities": calibration} if run.stated else {}),
        "pause rate": f"{run.pause_rate:.3f}",
        "degenerate": f"{run.degenerate}",
        **{
            f"{name} a {'program' if several else 'problem'}": format_interval(run.intervals[name], 2)
            for name in _COSTS
        },
    }
    text = "\n".join([*(f"{name:<46}{value}" for name, value in rows.items()), "", describe_intervals([run])])
    record = {name: value for name, value in run.record().items() if name not in _PAIRED}
    return Report(
        record | {"accepted": accepted, "standings": {name: each._asdict() for name, each in standings.items()}}, text
    )


class Claims(NamedTuple):
    """How many answers make one claim, and how many of these fail the hidden tests."""

    answers: int
    wrong: int


def count_standings(outcomes: Sequence[ProblemOutcome]) -> dict[str, Claims]:
    """Count the answers of each standing, and the wrong ones among them. Files of earlier versions have none."""
    groups = {name: [each for each in outcomes if each.standing == name] for name in Standing}
    return {name.value: Claims(len(g), sum(not each.passed for each in g)) for name, g in groups.items() if g}


def compare(runs: Mapping[str, Sequence[ProblemOutcome]]) -> list[ComparedRun]:
    """Measure runs over the same problems. The first run with the same feedback is the reference of each."""
    references: dict[str, Samples] = {}
    compared = []
    for name, outcomes in runs.items():
        feedback = outcomes[0].feedback if outcomes else "none"
        samples = _by_problem(outcomes)
        compared.append(_measure(name, feedback, samples, references.setdefault(feedback, samples)))
    return compared


def measure_solved(outcomes: Sequence[ProblemOutcome]) -> Interval:
    """Return pass@1 with its interval: Wilson's where every problem has one sample, else by a bootstrap."""
    samples = _by_problem(outcomes)
    one_each = len(samples) == len(outcomes)
    return wilson(sum(each.passed for each in outcomes), len(outcomes)) if one_each else _pass_at(samples, 1)


def report_comparison(runs: Sequence[ComparedRun]) -> Report:
    """Report runs in at most 118 columns: first those of one pass, then those that the examples steered."""
    blocks = []
    for feedback, title in (("none", "one pass"), ("visible", "feedback=visible")):
        if block := [run for run in runs if run.feedback == feedback]:
            blocks += ["\n".join([_heads(title), *map(_row, block)])]
            blocks += ["\n".join([_heads_of_means(), *map(_row_of_means, block)]), _pass_table(block)]
    text = "\n\n".join(filter(None, [describe_sample_counts(runs), *blocks, describe_intervals(runs)]))
    return Report({"runs": [run.record() for run in runs]}, text)


def format_measure(value: float, digits: int = 3) -> str:
    """Return a measure as a table shows it; a dash if it cannot be computed."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _by_problem(outcomes: Sequence[ProblemOutcome]) -> Samples:
    problems = defaultdict[str, list[ProblemOutcome]](list)
    for outcome in sorted(outcomes, key=lambda each: natural_order(key_of(each))):  # resamples depend on the order
        problems[outcome.task_id].append(outcome)
    return problems


def _measure(name: str, feedback: str, samples: Samples, reference: Samples) -> ComparedRun:
    outcomes = [outcome for group in samples.values() for outcome in group]
    fewest = min(map(len, samples.values()), default=0)
    pass_at = {k: _pass_at(samples, k) for k in _KS if k <= fewest}
    intervals = {cost: bootstrap_mean(_means(samples, cost)) for cost in _COSTS}
    stating = [outcome for outcome in outcomes if outcome.probability is not None]
    probabilities, right = [each.probability or 0.0 for each in stating], [each.passed for each in stating]
    return ComparedRun(
        name, feedback, len(samples), fewest, len(outcomes), sum(each.passed for each in outcomes),
        measure_solved(outcomes), *_test(samples, reference),
        {cost: interval.share if outcomes else 0.0 for cost, interval in intervals.items()}, intervals, pass_at,
        pause_rate(outcomes), sum(each.degenerate for each in outcomes), _auroc(outcomes),
        len(stating), ece(probabilities, right), brier(probabilities, right),
    )  # fmt: skip


def _pass_at(samples: Samples, k: int) -> Interval:
    """Return pass@k with its interval over problems."""
    return bootstrap_mean([pass_at_k(len(group), sum(each.passed for each in group), k) for group in samples.values()])


def _means(samples: Samples, cost: str) -> list[float]:
    return [fmean(getattr(each, cost) for each in group) for group in samples.values()]


def _test(samples: Samples, reference: Samples) -> tuple[int, int, float]:
    """Return the problems gained and lost against the reference, and the p of the difference."""
    shares, others = _shares(samples), _shares(reference)
    differences = [share - others[task] for task, share in shares.items() if task in others]
    gained, lost = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    one_each = all(len(group) == 1 for side in (samples, reference) for group in side.values())
    return gained, lost, mcnemar(gained, lost) if one_each else bootstrap_p(differences)


def _shares(samples: Samples) -> dict[str, float]:
    """Return the share of each problem's samples that pass."""
    return {task_id: fmean(each.passed for each in group) for task_id, group in samples.items()}


def _auroc(outcomes: Sequence[ProblemOutcome]) -> float:
    """Return how well the model's doubt separates failures from successes; 0.5 says nothing."""
    pairs = [(each.doubt, each.passed) for each in outcomes if each.doubt is not None]
    return auroc([doubt for doubt, passed in pairs if not passed], [doubt for doubt, passed in pairs if passed])


def _heads(title: str) -> str:
    tested = f"{'solved':>23}{'gained/lost':>13}{'p':>7}{'n':>6}"
    return f"{title:<{_NAME}}{tested}{'tokens':>10}{'forwards':>10}{'token_rows':>12}{'pause rate':>11}"


def _row(run: ComparedRun) -> str:
    tested = f"{format_interval(run.interval):>23}{f'{run.gained}/{run.lost}':>13}{run.p:>7.3f}{run.problems:>6}"
    costs = f"{run.costs['tokens']:>10.2f}{run.costs['forwards']:>10.2f}{run.costs['token_rows']:>12.2f}"
    return f"{_short(run.name):<{_NAME}}{tested}{costs}{run.pause_rate:>11.3f}"


def _row_of_means(run: ComparedRun) -> str:
    means = f"{format_interval(run.intervals['tokens'], 1):>28}{format_interval(run.intervals['seconds'], 2):>26}"
    measures = "".join(f"{format_measure(value):>8}" for value in (run.auroc, run.ece, run.brier))
    return f"{_short(run.name):<{_NAME}}{means}{run.degenerate / max(1, run.programs):>12.3f}{measures}"


def _heads_of_means() -> str:
    return f"{'':<{_NAME}}{'tokens':>28}{'seconds':>26}{'degenerate':>12}{'AUROC':>8}{'ECE':>8}{'Brier':>8}"


def _pass_table(runs: Sequence[ComparedRun]) -> str:
    """Return pass@k of runs of several samples a problem, for every k above 1; empty if there is none."""
    ks = sorted({k for run in runs for k in run.pass_at if k > 1})
    if not ks:
        return ""
    lines = [f"{'':<{_NAME}}{'samples':>9}" + "".join(f"{f'pass@{k}':>24}" for k in ks)]
    for run in runs:
        cells = (format_interval(run.pass_at[k]) if k in run.pass_at else "-" for k in ks)
        lines.append(f"{_short(run.name):<{_NAME}}{run.samples:>9}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def describe_sample_counts(runs: Sequence[ComparedRun]) -> str:
    """Say how many samples a problem has in each run; nothing where it is the same number in all."""
    counts = {run.name: run.programs / max(1, run.problems) for run in runs}
    if len(set(counts.values())) <= 1:
        return ""
    return f"samples a problem differ: {', '.join(f'{one_line(name)} {count:.4g}' for name, count in counts.items())}"


def describe_intervals(runs: Sequence[ComparedRun]) -> str:
    """Say how the intervals were made."""
    problems = " and ".join(str(count) for count in sorted({run.problems for run in runs}))
    chance = f"percentiles of {RESAMPLES} resamples of {problems} problems, seed {SEED}"
    wilsons = any(run.programs == run.problems for run in runs)
    return f"95 % intervals: {chance}{'; of the share solved, Wilson' if wilsons else ''}"


def _short(name: str) -> str:
    """Return a name that fits its column. The ends of file names tell runs apart."""
    return name if len(name) < _NAME else f"…{name[2 - _NAME :]}"


def format_interval(interval: Interval, digits: int = 3) -> str:
    """Return a mean with the bounds of its interval."""
    share, low, high = (format_measure(value, digits) for value in interval)
    return f"{share} ({low} to {high})"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
