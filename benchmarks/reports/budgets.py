"""Tables of what searches solve within budgets, from their trails: one run of each search tells all smaller budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from agent.views.report import Report
from benchmarks.experiments.trails import Trail
from benchmarks.reports.metrics import mcnemar

BUDGETS = (1, 2, 3, 5, 10)  # programs' worth of tokens
_Sets = Sequence[Sequence[Trail]]  # the trails of one search, a sequence a data set


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """What a search solves within a budget, beside the first search with the same budget."""

    search: str
    programs: int  # the budget, in programs' worth of tokens
    problems: int
    solved: int
    oracle: int  # problems of which some program is right
    gained: int
    lost: int
    p: float  # of the exact McNemar test
    tokens: float  # spent on a problem, on average


def report_budgets(searches: Mapping[str, _Sets], budgets: Sequence[int] = BUDGETS) -> Report:
    """Report what each search solves within each budget, over the problems that all of them have.

    A program's worth is the mean length of the first search's first programs on that data set. The first program counts
    whole; a program that had not ended when the budget was spent does not count.
    """
    paired = list(zip(*searches.values(), strict=True))
    shared = [set.intersection(*({each.task_id for each in trails} for trails in same)) for same in paired]
    worth = [_measure_program(same[0], ids) for same, ids in zip(paired, shared, strict=True)]
    first = next(iter(searches.values()))
    rows = [_count(name, sets, first, shared, worth, budget) for budget in budgets for name, sets in searches.items()]
    lines = [f"{'budget':>6}  {'search':<24}  solved   of  gained/lost      p  oracle  tokens"]
    lines += [
        f"{row.programs:>6}  {row.search:<24}{row.solved:>8}{row.problems:>5}{f'{row.gained}/{row.lost}':>13}"
        f"{row.p:>7.3f}{row.oracle:>8}{row.tokens:>8.1f}"
        for row in rows
    ]
    lines += ["", f"A program's worth of tokens: {', '.join(f'{each:.1f}' for each in worth)}"]
    lines += _describe_kinds(searches)
    return Report({"worth": worth, "rows": [asdict(row) for row in rows]}, "\n".join(lines))


def _measure_program(trails: Sequence[Trail], ids: set[str]) -> float:
    """Return the mean tokens of the first programs."""
    return fmean(each.steps[0].tokens for each in trails if each.task_id in ids)


def _count(
    name: str, sets: _Sets, first: _Sets, shared: Sequence[set[str]], worth: Sequence[float], budget: int
) -> BudgetRow:
    """Count what a search solves within a budget, over all data sets."""
    solved, reference, oracle, tokens = set[str](), set[str](), 0, list[int]()
    for trails, firsts, ids, price in zip(sets, first, shared, worth, strict=True):
        bound = budget * price
        reference |= {each.task_id for each in firsts if each.task_id in ids and each.solved(bound)}
        for trail in (each for each in trails if each.task_id in ids):
            steps = trail.within(bound)
            oracle += any(step.right for step in steps)
            tokens.append(steps[-1].tokens)
            if trail.solved(bound):
                solved.add(trail.task_id)
    gained, lost = len(solved - reference), len(reference - solved)
    return BudgetRow(name, budget, len(tokens), len(solved), oracle, gained, lost, mcnemar(gained, lost), fmean(tokens))


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
