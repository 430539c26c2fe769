"""Tables of what searches solve within budgets, from their trails: one run of each search tells all smaller budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, NamedTuple

from agent.views.report import Report
from benchmarks.experiments.trails import Trail
from benchmarks.reports.curves import Curve
from benchmarks.reports.metrics import Interval, mcnemar, wilson

BUDGETS = (1, 2, 3, 5, 10)  # programs' worth of tokens
_Sets = Sequence[Sequence[Trail]]  # the trails of one search, a sequence a data set
_Key = tuple[int, str]  # number of the data set, and the problem


class Paired(NamedTuple):
    """What is gained and lost against something else on the same problems, and the p of the exact McNemar test."""

    gained: int
    lost: int
    p: float


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """What a search solves within a budget."""

    search: str
    programs: int  # the budget, in programs' worth of tokens
    problems: int
    solved: int
    interval: Interval  # Wilson's, of the share solved
    over_reference: Paired  # the first search with the same budget
    over_first: Paired  # its own first programs alone
    passing: int  # problems solved where the first program that passes the visible examples stands
    oracle: int  # problems of which some program is right
    spent: float  # on a problem, on average: tokens, or another unit


def report_budgets(searches: Mapping[str, _Sets], budgets: Sequence[int] = BUDGETS, unit: str = "tokens") -> Report:
    """Report what each search solves within each budget, over the problems that all of them have.

    unit: the field of `TrailStep` in which costs are counted. A program's worth is the mean cost of the first search's
    first programs on that data set. The first program counts whole; a program that had not ended when the budget was
    spent does not count.
    """
    shared, first = _find_shared(searches), next(iter(searches.values()))
    worth = [_measure_program(trails, ids, unit) for trails, ids in zip(first, shared, strict=True)]
    rows = [
        _count(name, sets, first, shared, worth, budget, unit) for budget in budgets for name, sets in searches.items()
    ]
    reference = next(iter(searches))
    heads = f"{f'over {reference}':>23}{'over its first':>23}"
    lines = [f"{'budget':>6}  {'search':<18}{'solved':>7}{'95 % CI':>13}{heads}{'passing':>9}{'oracle':>8}{unit:>11}"]
    lines += [_format_row(row) for row in rows]
    costs = ", ".join(f"{each:.1f}" for each in worth)
    lines += ["", f"A program's worth of {unit}: {costs}, as {reference} writes its first programs"]
    lines += [f"Problems that all searches have: {' + '.join(str(len(ids)) for ids in shared)}"]
    lines += _describe_kinds(searches)
    return Report({"worth": worth, "rows": [_read_row(row) for row in rows]}, "\n".join(lines))


def make_curves(searches: Mapping[str, _Sets]) -> dict[str, Curve]:
    """Return, of each search, the tokens after which a problem's answer is right and stays so, up to the end.

    An answer that was right before, and wrong in between, counts from later on than in the table.
    """
    shared = _find_shared(searches)

    def settle(sets: _Sets) -> dict[str, float]:
        numbered = enumerate(zip(sets, shared, strict=True))
        return {
            f"{n}:{each.task_id}": each.settled_at
            for n, (trails, ids) in numbered
            for each in trails
            if each.task_id in ids
        }

    return {name: Curve(settle(sets)) for name, sets in searches.items()}


def _find_shared(searches: Mapping[str, _Sets]) -> list[set[str]]:
    """Return the problems of each data set that all searches have."""
    same = zip(*searches.values(), strict=True)
    return [set.intersection(*({each.task_id for each in trails} for trails in sets)) for sets in same]


def _format_row(row: BudgetRow) -> str:
    low, high = f"{100 * row.interval.low:.1f}", f"{100 * row.interval.high:.1f}"
    tests = "".join(
        f"{f'{each.gained}/{each.lost}':>13}  {_format_p(each.p)}" for each in (row.over_reference, row.over_first)
    )
    return (
        f"{row.programs:>6}  {row.search:<18}{row.solved:>7}{f'{low} to {high}':>13}{tests:>46}{row.passing:>9}"
        f"{row.oracle:>8}{row.spent:>11.1f}"
    )


def _format_p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p {p:.3f} "


def _read_row(row: BudgetRow) -> dict[str, Any]:
    tuples = {name: getattr(row, name)._asdict() for name in ("interval", "over_reference", "over_first")}
    return asdict(row) | tuples


def _measure_program(trails: Sequence[Trail], ids: set[str], unit: str) -> float:
    """Return the mean cost of the first programs."""
    return fmean(getattr(each.steps[0], unit) for each in trails if each.task_id in ids)


def _count(
    name: str, sets: _Sets, first: _Sets, shared: Sequence[set[str]], worth: Sequence[float], budget: int, unit: str
) -> BudgetRow:
    """Count what a search solves within a budget, over all data sets."""
    solved, reference, first_right = set[_Key](), set[_Key](), set[_Key]()
    oracle, passing, spent = 0, 0, list[int]()
    for number, (trails, firsts, ids, price) in enumerate(zip(sets, first, shared, worth, strict=True)):
        bound = budget * price
        reference |= {(number, each.task_id) for each in firsts if each.task_id in ids and each.solved(bound, unit)}
        for trail in (each for each in trails if each.task_id in ids):
            steps = trail.within(bound, unit)
            oracle += any(step.right for step in steps)
            passing += next((step for step in steps if step.passed), steps[0]).right
            spent.append(getattr(steps[-1], unit))
            solved |= {(number, trail.task_id)} if trail.solved(bound, unit) else set()
            first_right |= {(number, trail.task_id)} if steps[0].right else set()
    return BudgetRow(
        name, budget, len(spent), len(solved), wilson(len(solved), len(spent)), _pair(solved, reference),
        _pair(solved, first_right), passing, oracle, fmean(spent),
    )  # fmt: skip


def _pair(solved: Set[_Key], others: Set[_Key]) -> Paired:
    gained, lost = len(solved - others), len(others - solved)
    return Paired(gained, lost, mcnemar(gained, lost))


def _describe_kinds(searches: Mapping[str, _Sets]) -> list[str]:
    """Return a line for each search and kind of edge: how many programs it led to, how many were twins or right."""
    lines = ["", f"{'search':<24}{'edge':<10} programs  twins  dropped  passed  right  tokens"]
    for name, sets in searches.items():
        counts = dict[str, Counter[str]]()
        for trail in (each for trails in sets for each in trails):
            before = 0
            for step in trail.steps:
                new = not step.twin and not step.dropped
                counts.setdefault(step.kind, Counter()).update(
                    programs=1, twins=step.twin, dropped=step.dropped, passed=step.passed and new,
                    right=step.right and new, tokens=step.tokens - before,
                )  # fmt: skip
                before = step.tokens
        lines += [
            f"{name:<24}{kind:<10}{count['programs']:>9}{count['twins']:>7}{count['dropped']:>9}{count['passed']:>8}"
            f"{count['right']:>7}{count['tokens'] / count['programs']:>8.1f}"
            for kind, count in counts.items()
        ]
    return lines
