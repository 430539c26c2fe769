"""Tables of compared runs for Markdown and HTML: the same numbers as `bench compare` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.views.text import one_line
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, natural_order
from benchmarks.reports.compare import ComparedRun, format_measure

_TITLES = {"none": "one pass", "visible": "visible examples chose among programs"}
_MARK = "<!-- dubito report -->"


class TableRow(NamedTuple):
    """The cells of one run, and its share solved with its interval for a bar."""

    cells: list[str]
    share: str
    low: str
    high: str


class RunTable(NamedTuple):
    """Runs with the same feedback."""

    title: str
    heads: list[str]
    rows: list[TableRow]


def is_report_markdown(head: bytes) -> bool:
    """Decide whether a file begins as Markdown of ours."""
    return head.startswith(_MARK.encode())


def tabulate(runs: Sequence[ComparedRun]) -> list[RunTable]:
    """Return one table of runs of one pass, and one of runs that the examples steered; those that have a run."""
    tables = []
    for feedback, title in _TITLES.items():
        block = [run for run in runs if run.feedback == feedback]
        if block:
            rows = [TableRow(list(_cells(run).values()), *(f"{part:.4f}" for part in run.interval)) for run in block]
            tables.append(RunTable(title, list(_cells(block[0])), rows))
    return tables


def _cells(run: ComparedRun) -> dict[str, str]:
    share, low, high = run.interval
    return {
        "run": one_line(run.name),
        "solved": f"{format_measure(share)} ({low:.3f} to {high:.3f})",
        "n": str(run.problems),
        "gained/lost": f"{run.gained}/{run.lost}",
        "p": f"{run.p:.3f}",
        "tokens": f"{run.costs['tokens']:.1f}",
        "forwards": f"{run.costs['forwards']:.1f}",
        "token rows": f"{run.costs['token_rows']:.1f}",
        "sandbox runs": f"{run.costs['sandbox_runs']:.1f}",
        "pause rate": f"{run.pause_rate:.3f}",
        "degenerate": str(run.degenerate),
        "AUROC": format_measure(run.auroc),
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
