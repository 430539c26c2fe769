"""Pictures of outcomes: what was solved against what it cost. Knows no policy."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM, is_stream, write_whole
from agent.messages import quote
from benchmarks.experiments.outcomes import ProblemOutcome, pause_rate
from benchmarks.reports.compare import measure_solved
from benchmarks.reports.curves import Curve
from benchmarks.reports.metrics import wilson
from uncertainty.calibration import ReliabilityBin

_Runs = Mapping[str, Sequence[ProblemOutcome]]
AXES: dict[str, Callable[[Sequence[ProblemOutcome]], float]] = {
    "pause-rate": lambda outcomes: 100 * pause_rate(outcomes),
    **{
        name: lambda outcomes, name=name: sum(getattr(each, name) for each in outcomes) / len(outcomes)  # type: ignore[misc]
        for name in ("tokens", "forwards", "token_rows", "seconds")
    },
}
_LABELS = {
    "pause-rate": "pauses, in % of the tokens",
    "tokens": "tokens of a problem, on average",
    "forwards": "forwards of a problem, on average",
    "token_rows": "tokens fed for a problem, on average",
    "seconds": "seconds for a problem, on average",
}
_FORMATS = (".png", ".svg", ".pdf")
_MARKS = (b"Software\x00dubito", b"<dc:title>dubito</dc:title>", b"/Creator (dubito)")  # what our pictures hold
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")  # Okabe and Ito's
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
_MOST_LINES = 6  # that an eye can follow
_NARROWEST = 0.1  # range of an axis: what differs by less should look alike
_Z = 1.959964  # of a 95 % interval


class _Look(NamedTuple):
    """The colour and sign of a run, the same in every panel."""

    label: str | None  # None: another point has the label
    colour: Any
    shape: str
    size: float  # smaller for each later run: two points in one place are both seen


def is_picture(head: bytes) -> bool:
    """Decide whether a file begins as one of our pictures."""
    return any(mark in head for mark in _MARKS)


def check_format(file: Path) -> None:
    """Raise InvalidRequestError if the name does not say which kind of picture is wanted."""
    if str(file) == STANDARD_STREAM or (file.suffix.lower() not in _FORMATS and not is_stream(file)):
        raise InvalidRequestError(
            f"{quote(file)} names no kind of picture; wanted a name that ends in {', '.join(_FORMATS)}"
        )


def draw_costs(
    runs: _Runs, file: Path, *, axis: str, title: str = "", thresholds: Mapping[str, float] | None = None
) -> None:
    """Draw the share solved, and forwards a token, with 95 % intervals, against a cost; one point a run.

    thresholds: of runs that differ in nothing else; colours then rise with the threshold. Raises KeyError for an
    unknown axis, and an error of `agent.files.access` if the file cannot be written.
    """
    with _quiet():
        figure = _figure(11, 5)
        solved, spent = figure.subplots(1, 2)
        runs = dict(sorted(runs.items(), key=lambda run: -(thresholds or {}).get(run[0], math.inf)))
        looks = _looks(list(runs), thresholds or {})
        places = {name: AXES[axis](outcomes) for name, outcomes in runs.items()}
        for name, outcomes in runs.items():
            share, low, high = measure_solved(outcomes)
            _point(solved, looks[name], places[name], share, max(0.0, share - low), max(0.0, high - share))
            ratio, half = _forwards_a_token(outcomes)
            _point(spent, looks[name], places[name], ratio, half, half)
        solved.set(xlabel=_LABELS[axis], ylabel="share of the problems solved")
        spent.set(xlabel=_LABELS[axis], ylabel="forwards a token")
        _widen(solved, 0.0, 1.0)
        _widen(spent, 0.0, math.inf)
        for panel in (solved, spent):
            panel.grid(alpha=0.3)
            _spread(panel, list(places.values()))
        handles, labels = solved.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(5, len(runs)), fontsize="small", frameon=False
        )
        figure.suptitle(_literal(f"{title} (bars: 95 % intervals)".strip()))
        _write(figure, file)


def draw_curves(curves: Mapping[str, Curve], file: Path, *, most: int, title: str = "") -> None:
    """Draw the share solved by each budget of tokens a problem. Of many curves the first and the best stand out."""
    with _quiet():
        figure = _figure(10, 5.5)
        panel = figure.subplots()
        first, *_ = curves
        ranked = sorted(curves, key=lambda name: (name != first, -curves[name].area(most)))
        coloured = ranked if len(curves) <= _MOST_LINES else ranked[:_MOST_LINES]
        ends = {}
        for name in reversed(ranked):
            steps, shares = _steps(curves[name], most)
            if name not in coloured:
                panel.step(steps, shares, where="post", color="0.8", linewidth=0.8)
                continue
            place = coloured.index(name)
            colour, width = _COLOURS[place % len(_COLOURS)], 3.2 - 2.2 * place / max(1, len(coloured))
            mark = {"marker": _SHAPES[place % len(_SHAPES)], "markevery": 0.13 + 0.02 * place, "markersize": 5}
            panel.step(steps, shares, where="post", color=colour, linewidth=width, **mark)
            one_pass = "" if curves[name].feedback == "visible" else ", one pass"
            ends[f"{name}{one_pass}"] = (shares[-1], colour)
        early = min(len(curves[name].solved(most / 4)) / len(curves[name].tokens) for name in coloured)
        panel.set(xlabel="tokens of a problem, at most", ylabel="share of the problems solved", xlim=(0, most))
        panel.set_ylim(max(0.0, math.floor(20 * early - 1) / 20), max(share for share, _ in ends.values()) + 0.02)
        _widen(panel, 0.0, 1.02)
        _label_ends(panel, ends, most)
        panel.grid(alpha=0.3)
        others = len(curves) - len(coloured)
        rest = f"; in grey: {others} more" if others else ""
        panel.set_title(_literal(f"{title} (area to {most} tokens decides the order{rest})".strip()), fontsize="medium")
        _write(figure, file)


def draw_reliability(bins: Mapping[str, Sequence[ReliabilityBin]], file: Path, *, title: str = "") -> None:
    """Draw the share of right answers against their stated probability, with 95 % intervals."""
    with _quiet():
        figure = _figure(6.4, 6.4)
        panel = figure.subplots()
        panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--")
        looks = _looks(list(bins), {})
        for name, bins_of_run in bins.items():
            for number, each in enumerate(bins_of_run):
                share, low, high = wilson(round(each.right * each.statements), each.statements)
                look = looks[name]._replace(label=None if number else looks[name].label)
                _point(panel, look, each.stated, each.right, max(0.0, share - low), max(0.0, high - share))
                if len(bins) == 1:
                    panel.annotate(
                        str(each.statements), (each.stated, each.right), (7, -11), textcoords="offset points"
                    )
        panel.set(xlabel="probability of being right, as stated (mean of a tenth)", ylabel="share that was right")
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        panel.grid(alpha=0.3)
        counted = "numbers: answers; " if len(bins) == 1 else ""
        panel.set_title(_literal(f"{title} ({counted}bars: 95 % intervals)".strip()), fontsize="medium")
        figure.legend(loc="outside lower center", ncols=min(3, len(bins)), fontsize="small", frameon=False)
        _write(figure, file)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only pictures need it

    return Figure(figsize=(width, height), layout="constrained")


def _looks(names: Sequence[str], thresholds: Mapping[str, float]) -> dict[str, _Look]:
    """Choose a colour and a shape for each run; colours rise with the threshold if runs differ in nothing else."""
    from matplotlib import colormaps  # noqa: PLC0415 - slow to import, and only pictures need it

    rising = sorted(set(thresholds.values()))
    looks = dict[str, _Look]()
    for number, name in enumerate(names):
        label: str = name
        colour: Any = _COLOURS[number % len(_COLOURS)]
        if len(rising) > 2:
            label = f"{name.partition('@')[0]}@{thresholds[name]:g}" if name in thresholds else name
            part = rising.index(thresholds[name]) / (len(rising) - 1) if name in thresholds else None
            colour = "black" if part is None else colormaps["viridis"](0.9 * part)
        size = 10 - 3 * number / max(1, len(names) - 1)
        looks[name] = _Look(_literal(label), colour, _SHAPES[number % len(_SHAPES)], size)
    return looks


def _point(panel: Any, look: _Look, x: float, y: float, below: float, above: float) -> None:
    bars = {"capsize": 3, "elinewidth": 1, "markersize": look.size, "alpha": 0.85, "mec": "white", "mew": 0.4}
    panel.errorbar(x, y, yerr=[[below], [above]], fmt=look.shape, color=look.colour, label=look.label, **bars)


def _forwards_a_token(outcomes: Sequence[ProblemOutcome]) -> tuple[float, float]:
    """Return the ratio over all problems, and half of its 95 % interval."""
    tokens = max(1, sum(each.tokens for each in outcomes))
    ratio = sum(each.forwards for each in outcomes) / tokens
    rest = sum((each.forwards - ratio * each.tokens) ** 2 for each in outcomes)
    return ratio, _Z * math.sqrt(rest * len(outcomes) / max(1, len(outcomes) - 1)) / tokens


def _widen(panel: Any, lowest: float, highest: float) -> None:
    """Keep an axis within its bounds, and wide enough that no tiny difference looks large."""
    low, high = panel.get_ylim()
    missing = max(0.0, _NARROWEST - (high - low))
    low = max(lowest, low - missing / 2)
    high = min(highest, max(high, low + _NARROWEST))
    panel.set_ylim(max(lowest, min(low, high - _NARROWEST)), high)


def _spread(panel: Any, places: Sequence[float]) -> None:
    """Make the axis logarithmic, with a place for zero, if costs differ much."""
    above = [place for place in places if place > 0]
    if above and max(above) > 20 * min(above):
        low, high = math.floor(math.log10(min(above))), math.ceil(math.log10(max(above)))
        panel.set_xscale("symlog", linthresh=10.0**low)
        ticks = [0.0, *(10.0**power for power in range(low, high + 1))]
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.set_xlim(-0.3 * 10.0**low if min(places) == 0 else 0.8 * min(above), 1.5 * max(above))


def _steps(curve: Curve, most: int) -> tuple[list[float], list[float]]:
    reached = sorted(tokens for tokens in curve.tokens.values() if tokens <= most)
    shares = [place / len(curve.tokens) for place in range(len(reached) + 1)]
    return [0, *reached, most], [*shares, shares[-1]]


def _label_ends(panel: Any, ends: Mapping[str, tuple[float, Any]], most: int) -> None:
    """Write each name at the end of its line, moved up if it would cover the one below."""
    bottom, top = panel.get_ylim()
    gap, last = (top - bottom) / 26, -math.inf
    for name, (share, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        last = max(share, last + gap)
        text = _literal(f"{name}  {share:.3f}")
        panel.annotate(
            text, (most, share), (most * 1.02, last), color=colour, va="center", fontsize="small", annotation_clip=False
        )


def _literal(text: str) -> str:
    """Return text that matplotlib draws as it is: cut, without control characters, formulas or a leading underscore."""
    short = text if len(text) <= 90 else f"{text[:89]}…"
    seen = "".join(each if each.isprintable() else "\ufffd" for each in short)
    return " " * seen.startswith("_") + seen.replace("$", r"\$")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about characters that a font lacks, and about settings that cannot be stored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        yield


def _write(figure: Any, file: Path) -> None:
    check_format(file)
    kind = file.suffix.lower().lstrip(".") if file.suffix.lower() in _FORMATS else "png"
    metadata = {"png": {"Software": "dubito"}, "svg": {"Creator": "dubito", "Date": None}, "pdf": {"Creator": "dubito"}}
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format=kind, metadata=metadata[kind])
    write_whole(file, picture.getvalue(), is_ours=is_picture)
