"""The pictures of a report: which plots its runs allow, as files, and as SVG inside of a page. Draws by plots.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.reports.curves import curve_of_outcomes
from benchmarks.reports.plots import draw_costs, draw_curves, draw_reliability
from uncertainty.calibration import ReliabilityBin, reliability_bins

_HEAD = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_COLOURS = {"#000000": "currentColor", "#ffffff": "var(--paper)"}  # of the page, which may be dark


class Plot(NamedTuple):
    """A plot that can be drawn into a file, and what it shows."""

    name: str
    caption: str
    draw: Callable[[Path], None]


def list_plots(outcomes: Mapping[str, Sequence[ProblemOutcome]], title: str = "") -> list[Plot]:
    """Return the plots that say something of these runs. title: of each picture."""
    return [Plot(name, caption, draw) for name, caption, draw in _plots(outcomes, title)]


def _plots(
    outcomes: Mapping[str, Sequence[ProblemOutcome]], title: str
) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
    if len(outcomes) > 1:
        yield (
            "costs", "What runs solve, and the forwards they need, against the tokens of a problem",
            lambda file: draw_costs(outcomes, file, axis="tokens", title=title),
        )  # fmt: skip
    if not any(each.sample for run in outcomes.values() for each in run):  # a curve is of one program a problem
        most = max(8, *(each.tokens for run in outcomes.values() for each in run))
        curves = {name: curve_of_outcomes(run) for name, run in outcomes.items()}
        yield (
            "curves", "What is solved by how many tokens",
            lambda file: draw_curves(curves, file, most=most, title=title),
        )  # fmt: skip
    bins = {name: stated for name, run in outcomes.items() if (stated := _bins(run))}
    if bins:
        yield (
            "reliability", "Whether answers are right as often as they say",
            lambda file: draw_reliability(bins, file, title=title),
        )  # fmt: skip


def _bins(outcomes: Sequence[ProblemOutcome]) -> list[ReliabilityBin]:
    stating = [each for each in outcomes if each.probability is not None]
    return reliability_bins([each.probability or 0.0 for each in stating], [each.passed for each in stating])


def draw_inline(plot: Plot) -> str:
    """Return a plot as SVG for a page: its text is text, its black and white are the page's, its ids are its own."""
    from matplotlib import rc_context  # noqa: PLC0415 - slow to import, and only pictures need it

    with TemporaryDirectory() as folder, rc_context({"svg.fonttype": "none", "svg.hashsalt": plot.name}):
        file = Path(folder) / f"{plot.name}.svg"
        plot.draw(file)
        svg = file.read_text("utf-8")
    svg = _HEAD.sub("", svg)
    for colour, own in _COLOURS.items():
        svg = svg.replace(colour, own)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{plot.name}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{plot.caption}" ', 1).strip()
