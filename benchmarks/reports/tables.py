"""Tables of compared runs for Markdown and HTML: the same numbers as `bench compare` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.views.text import one_line
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, natural_order
from benchmarks.reports.compare import ComparedRun, describe_intervals, format_interval, format_measure
from benchmarks.reports.metrics import Interval

_TITLES = {"none": "one pass", "visible": "visible examples chose among programs"}
_MARK = "<!-- dubito report -->"


class TableRow(NamedTuple):
    """The cells of one run, and its share solved with its interval where a bar may show it."""

    cells: list[str]
    bar: Interval | None = None


class RunTable(NamedTuple):
    """Runs with the same feedback."""

    title: str
    heads: list[str]
    rows: list[TableRow]


def is_report_markdown(head: bytes) -> bool:
    """Decide whether a file begins as Markdown of ours."""
    return head.startswith(_MARK.encode())


def tabulate(runs: Sequence[ComparedRun]) -> list[RunTable]:
    """Return two tables of runs of one pass, and two of runs that the examples steered; those that have a run."""
    tables = []
    for feedback, title in _TITLES.items():
        if block := [run for run in runs if run.feedback == feedback]:
            ks = sorted({k for run in block for k in run.pass_at if k > 1})
            several = any(run.programs > run.problems for run in block)
            solved = [TableRow(list(_cells(run, ks, several=several).values()), run.interval) for run in block]
            costs = [TableRow(list(_costs(run).values())) for run in block]
            tables.append(RunTable(title, list(_cells(block[0], ks, several=several)), solved))
            tables.append(RunTable("means of a program", list(_costs(block[0])), costs))
    return tables


def _cells(run: ComparedRun, ks: Sequence[int], *, several: bool) -> dict[str, str]:
    """Return the cells of a run by the heads of their columns. several: some run has several samples a problem."""
    return {
        "run": one_line(run.name),
        "pass@1" if several else "solved": format_interval(run.interval),
        **{f"pass@{k}": format_interval(run.pass_at[k]) if k in run.pass_at else "-" for k in ks},
        "problems": str(run.problems),
        **({"samples": str(run.samples)} if several else {}),
        "gained/lost": f"{run.gained}/{run.lost}",
        "p": f"{run.p:.3f}",
        "pause rate": f"{run.pause_rate:.3f}",
        "degenerate": f"{run.degenerate / max(1, run.programs):.3f}",
        "AUROC": format_measure(run.auroc),
        "ECE": format_measure(run.ece),
        "Brier": format_measure(run.brier),
    }


def _costs(run: ComparedRun) -> dict[str, str]:
    return {
        "run": one_line(run.name),
        **{name.replace("_", " "): format_interval(interval, 1) for name, interval in run.intervals.items()},
    }


def write_markdown(
    title: str,
    facts: str,
    compared: Sequence[ComparedRun],
    outcomes: Mapping[str, Mapping[Key, ProblemOutcome]],
    pictures: Mapping[str, str],
) -> str:
    """Return the report as Markdown: tables, pictures by their paths, and the problems on which the runs differ."""
    blocks = [_MARK, f"# {_escape(title)}", _escape(facts)]
    for table in tabulate(compared):
        blocks.append(f"**{table.title}**\n\n{_write_table(table.heads, [row.cells for row in table.rows])}")
    blocks.append(_escape(describe_intervals(compared)))
    blocks += [f"![{caption}]({path})" for path, caption in pictures.items()]
    if differing := list(_find_differing(outcomes)):
        heads = ["problem", *map(one_line, outcomes)]
        blocks.append(f"## Where the runs differ\n\n{_write_table(heads, differing)}")
    return "\n\n".join(blocks) + "\n"


def _find_differing(outcomes: Mapping[str, Mapping[Key, ProblemOutcome]]) -> Iterator[list[str]]:
    """Yield the cells of each item that some runs solve and others do not."""
    for key in sorted({key for run in outcomes.values() for key in run}, key=natural_order):
        solved = [run[key].passed if key in run else None for run in outcomes.values()]
        if len(set(solved)) > 1:
            name = key[0] if key[1] == 0 else f"{key[0]}, sample {key[1]}"
            yield [one_line(name), *("–" if each is None else "✓" if each else "✗" for each in solved)]


def _write_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(_escape, line))} |" for line in lines)


def _escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    line = one_line(text)
    for character in "\\`*_[]<>|":
        line = line.replace(character, f"\\{character}")
    return line
