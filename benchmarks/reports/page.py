"""The page of runs: one HTML file that needs nothing else, no network, and no script to be read.

All text of models and data sets is escaped by jinja2. The page's policy lets no script run but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from agent.views.text import clean
from benchmarks.reports.compare import ComparedRun, describe_intervals
from benchmarks.reports.page_blocks import ReportedRun, view_problems
from benchmarks.reports.tables import tabulate

_MOST_BYTES = 10 * 10**6  # of a page
_ROOMS = (3 * 10**6, 10**6, 0)  # bytes for programs and pauses beside the best ones; the first that fits
_MARK = b'<meta name="generator" content="dubito report">'
_TEMPLATES = Path(__file__).parent / "templates"


class Picture(NamedTuple):
    """A plot as inline SVG, which this project made."""

    svg: str
    caption: str


def is_report_page(head: bytes) -> bool:
    """Decide whether a file begins as a page of ours."""
    return _MARK in head


def write_page(
    title: str,
    facts: str,
    compared: Sequence[ComparedRun],
    runs: Sequence[ReportedRun],
    pictures: Sequence[Picture],
) -> str:
    """Return the page of runs as HTML. facts: a line below the title.

    A page that would become too large leaves programs and pauses out, and says where.
    """
    from markupsafe import Markup  # noqa: PLC0415 - it comes with jinja2, and both wait for a page

    style, script = (Markup((_TEMPLATES / name).read_text("utf-8")) for name in ("report.css", "report.js"))
    values = {
        "title": clean(title),
        "facts": clean(facts),
        "tables": tabulate(compared),
        "intervals": describe_intervals(compared),
        "notes": _list_notes(runs),
        "plots": [picture._replace(svg=Markup(picture.svg)) for picture in pictures],
        "several": len(runs) > 1,
        "style": style,
        "script": script,
        "script_hash": f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    }
    page = ""
    for room in _ROOMS:
        page = _template().render(values, problems=view_problems(runs, room))
        if len(page.encode()) <= _MOST_BYTES:
            break
    return page


def _list_notes(runs: Sequence[ReportedRun]) -> list[str]:
    """Return what the page does not show, as sentences."""
    notes, without = list[str](), [clean(run.name) for run in runs if run.stories is None]
    if without:
        beside = "no stories stand beside the outcomes"
        of_some = f" of {', '.join(without)}" if len(without) < len(runs) else ""
        notes.append(f"Pauses and trees are not shown: {beside}{of_some}. `dubito bench run --out` keeps them.")
    if any(sample for run in runs for _, sample in run.outcomes):
        notes.append("Of the samples of a problem, each run shows the first, and the first that ended otherwise.")
    return notes


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only a page needs it

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html")
