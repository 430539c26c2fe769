"""`dubito report`: a table, Markdown, pictures and one page of HTML of runs. Heavy imports wait inside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.files.access import STANDARD_STREAM
from agent.views.say import say, show
from benchmarks.cli.processes import make_folder
from benchmarks.cli.results import needing_matplotlib, read_outcome_run

if TYPE_CHECKING:
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.plan import Key
    from benchmarks.experiments.record_file import StoredRun
    from benchmarks.experiments.stories import Story
    from benchmarks.reports.compare import ComparedRun
    from benchmarks.reports.pictures import Plot

    Runs = Mapping[str, StoredRun[ProblemOutcome]]


class _Places(NamedTuple):
    """Where to write what; None: nowhere."""

    markdown: Path | None
    html: Path | None
    png: Path | None


def report_runs(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Outcome files of `bench run`, or folders of them. The first is the reference; of a folder, greedy is."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write report.md, report.html and the pictures into this folder.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page of all problems here; it is one file.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the pictures into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print runs over the same problems in one table; write pages and pictures of them.

    The page has every problem with its programs, pauses, trees and verdicts, as far as `bench run` kept them. It opens
    in any browser, without a network.

    Example: dubito report runs/he --out report
    """
    with report_errors(as_json):
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.experiments.run_folder import list_run_files
        from benchmarks.experiments.stories import find_stories_beside
        from benchmarks.reports.compare import compare, report_comparison

        files = list_run_files(runs)
        stored = read_runs(files, read_outcome_run)
        stories = [find_stories_beside(file, run) for file, run in zip(files, stored.values(), strict=True)]
        places = _choose_places(_Places(markdown, html, png), out)
        compared = compare({name: run.records for name, run in stored.items()})
        written = list(_write_all(places, stored, stories, compared))
        show(report_comparison(compared), as_json=as_json, err=STANDARD_STREAM in map(str, places))
        for place in written:
            say(f"written: {place}", err=True)


def _choose_places(named: _Places, out: Path | None) -> _Places:
    """Return where to write, and make the folders. Raises an error of `agent.files.access` for another's file."""
    from agent.files.access import check_writable
    from benchmarks.reports.page import is_report_page
    from benchmarks.reports.plots import is_picture
    from benchmarks.reports.tables import is_report_markdown

    places = named
    if out is not None:
        places = _Places(named.markdown or out / "report.md", named.html or out / "report.html", named.png or out)
    for folder in dict.fromkeys(folder for folder in (out, places.png) if folder is not None):
        make_folder(folder)
    for place, is_ours in ((places.markdown, is_report_markdown), (places.html, is_report_page)):
        if place is not None:
            check_writable(place, is_ours=is_ours)
    for name in ("costs", "curves", "reliability") if places.png else ():
        assert places.png is not None
        check_writable(places.png / f"{name}.png", is_ours=is_picture)
    return places


def _write_all(
    places: _Places,
    runs: Runs,
    stories: Sequence[Mapping[Key, Story] | None],
    compared: Sequence[ComparedRun],
) -> Iterator[Path]:
    """Write what is wanted, and yield its places."""
    from agent.files.access import write_whole
    from benchmarks.reports.page import is_report_page
    from benchmarks.reports.pictures import list_plots
    from benchmarks.reports.tables import is_report_markdown, write_markdown

    title, facts = _describe(runs, compared)
    plots = list_plots({name: run.records for name, run in runs.items()}, title)
    page = "" if places.html is None else _write_page(runs, stories, compared)  # before any file
    if places.png is not None:
        yield from _draw_all(plots, places.png)
    if places.markdown is not None:
        near = os.path.relpath(places.png, places.markdown.parent) if places.png else ""
        captions = {str(Path(near) / f"{plot.name}.png"): plot.caption for plot in plots} if places.png else {}
        outcomes = {name: _by_key(run.records) for name, run in runs.items()}
        text = write_markdown(title, facts, compared, outcomes, captions)
        write_whole(places.markdown, text.encode(), is_ours=is_report_markdown)
        yield places.markdown
    if places.html is not None:
        write_whole(places.html, page.encode(), is_ours=is_report_page)
        yield places.html


def _draw_all(plots: Sequence[Plot], folder: Path) -> Iterator[Path]:
    with needing_matplotlib():
        for plot in plots:
            file = folder / f"{plot.name}.png"
            plot.draw(file)
            yield file


def _write_page(runs: Runs, stories: Sequence[Mapping[Key, Story] | None], compared: Sequence[ComparedRun]) -> str:
    from benchmarks.reports.page import Picture, write_page
    from benchmarks.reports.page_blocks import ReportedRun
    from benchmarks.reports.pictures import draw_inline, list_plots

    with needing_matplotlib():
        plots = list_plots({name: run.records for name, run in runs.items()})
        pictures = [Picture(draw_inline(plot), plot.caption) for plot in plots]
    reported = [
        ReportedRun(name, _by_key(run.records), story) for (name, run), story in zip(runs.items(), stories, strict=True)
    ]
    return write_page(*_describe(runs, compared), compared, reported, pictures)


def _by_key(outcomes: Sequence[ProblemOutcome]) -> dict[Key, ProblemOutcome]:
    from benchmarks.experiments.record_file import key_of

    return {key_of(outcome): outcome for outcome in outcomes}


def _describe(runs: Runs, compared: Sequence[ComparedRun]) -> tuple[str, str]:
    """Return a title, and a line of what all runs have in common, and how many samples each has where they differ."""
    from benchmarks.reports.compare import describe_sample_counts

    first = next(iter(runs.values()))
    problems = len({outcome.task_id for outcome in first.records})
    samples = 1 + max(outcome.sample for outcome in first.records)
    options = {**first.model, **first.options}
    parts = [
        f"model {options.get('model', 'models/tiny')}",
        f"weights {options['dtype']}" if options.get("dtype", "auto") != "auto" else "",
        f"at most {options.get('max_tokens', 512)} tokens",
        describe_sample_counts(compared) or (f"{samples} samples a problem" if samples > 1 else ""),
        f"seed {options.get('seed', 0)}",
    ]
    return f"{options.get('benchmark', 'exercises')}, {problems} problems", " · ".join(filter(None, parts))
