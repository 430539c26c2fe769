"""Commands over the outcome files of `bench run`: side by side, and as a picture. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.views.say import say

if TYPE_CHECKING:
    from benchmarks.experiments.record_file import Kept

PictureOption = Annotated[Path | None, typer.Option(help="A picture to write: .png, .svg or .pdf.")]


def bench_compare(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`; the first is compared against.")],
) -> None:
    """Print runs over the same problems side by side, with paired tests against the first of a kind.

    Runs that differ in more than the policy are refused. Runs in which the examples chose among programs
    (feedback=visible) stand apart from those of one pass.
    """
    with report_errors(as_json=False):
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.reports.compare import comparison

        say(comparison({name: run.records for name, run in read_runs(files, _outcomes).items()}))


def bench_plot(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`, one point each.")],
    out: Annotated[Path, typer.Option(help="The picture to write: .png, .svg or .pdf.")],
    axis: Annotated[str, typer.Option("--x", help="pause-rate, tokens, forwards, token_rows or seconds.")] = "tokens",
    title: Annotated[str, typer.Option(help="What the picture is of.")] = "",
) -> None:
    """Draw what runs solved against what they cost."""
    with report_errors(as_json=False):
        from agent.errors import InvalidRequestError
        from agent.messages import quoted
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.reports.plots import AXES, against_cost

        if axis not in AXES:
            raise InvalidRequestError(f"unknown axis {quoted(axis)}; choose from {', '.join(AXES)}")
        _check_picture(out)
        runs = read_runs(files, _outcomes)
        outcomes, named = {name: run.records for name, run in runs.items()}, _titled(title, runs)
        _draw(out, lambda file: against_cost(outcomes, file, axis=axis, title=named, thresholds=_thresholds(runs)))


def bench_curve(
    files: Annotated[list[Path], typer.Argument(help="Files of `bench run` and `bench draw`; compared to the first.")],
    out: PictureOption = None,
    most: Annotated[int, typer.Option(min=8, max=10**9, help="Tokens a problem, up to which the curve goes.")] = 400,
    title: Annotated[str, typer.Option(help="What the picture is of.")] = "",
) -> None:
    """Print, and draw, what is solved by how many tokens, the area below that curve, and paired tests."""
    with report_errors(as_json=False):
        from benchmarks.experiments.best_of_n import Draws
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.reports import curves
        from benchmarks.reports.plots import by_tokens

        _check_picture(out)
        runs, found = read_runs(files, _outcomes_or_draws), {}
        for name, run in runs.items():
            drawn = isinstance(run.records[0], Draws)
            found[name] = curves.of_draws(run.records) if drawn else curves.of_outcomes(run.records)
        say(curves.table(found, most))
        _draw(out, lambda file: by_tokens(found, file, most=most, title=_titled(title, runs)))


def bench_trust(
    files: Annotated[
        list[Path], typer.Argument(help="Outcome files of `bench run`; their answers state probabilities.")
    ],
    out: PictureOption = None,
) -> None:
    """Print, and draw, whether answers are right as often as they say: ECE, Brier, AUROC."""
    with report_errors(as_json=False):
        from agent.errors import InvalidRequestError
        from agent.messages import quoted
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.experiments.search_lessons import trust_report
        from benchmarks.reports.plots import reliability as drawn
        from uncertainty.calibration import reliability_bins

        _check_picture(out)
        runs, bins = read_runs(files, _outcomes), {}
        for name, run in runs.items():
            outcomes = [each for each in run.records if each.probability is not None]
            if not outcomes:
                raise InvalidRequestError(
                    f"the run {quoted(name)} states no probabilities: they were not learned for its model (`dubito "
                    "calibrate search`), or its prompts show fewer examples than they were learned with"
                )
            stated, right = [each.probability for each in outcomes], [each.passed for each in outcomes]
            silent = len(run.records) - len(outcomes)
            left_out = (
                f": {silent} of {len(run.records)} answers state no probability and are left out" if silent else ""
            )
            told = trust_report(stated, right, [each.outcome == "accepted" for each in outcomes])
            say(f"{name}{left_out}\n{told}")
            bins[name] = reliability_bins(stated, right)
        _draw(out, lambda file: drawn(bins, file, title=_titled("", runs)))


def _outcomes(path: Path) -> Kept[Any]:
    from benchmarks.experiments.outcomes import Outcome
    from benchmarks.experiments.record_file import read

    return read(path, Outcome)


def _outcomes_or_draws(path: Path) -> Kept[Any]:
    """Read a file of `bench run` or of `bench draw`, whichever its first record is of."""
    from agent.trace import read_trace
    from benchmarks.experiments.best_of_n import Draws
    from benchmarks.experiments.record_file import read

    first = next((line.get("kind") for line in read_trace(path) if line.get("kind") != "provenance"), None)
    return read(path, Draws) if first == "draws" else _outcomes(path)


def _check_picture(out: Path | None) -> None:
    """Raise InvalidRequestError where a picture cannot be written, before anything is read for it."""
    from agent.files.access import check_writable
    from benchmarks.reports.plots import check_format, is_ours

    if out is not None:
        check_format(out)
        check_writable(out, is_ours=is_ours)


def _draw(out: Path | None, draw: Callable[[Path], None]) -> None:
    """Draw a picture, if one is wanted, and say where it is."""
    from agent.errors import InvalidRequestError

    if out is None:
        return
    try:
        draw(out)
    except ImportError as error:
        raise InvalidRequestError(
            f"matplotlib cannot be imported ({error}); try: pip install 'dubito[bench]'"
        ) from error
    say(f"picture written to {out}", err=True)


def _titled(title: str, runs: Mapping[str, Kept[Any]]) -> str:
    """Return what a picture is of: as asked for, or else the benchmark and its size."""
    first = next(iter(runs.values()))
    return title or f"{first.options.get('benchmark', 'exercises')}, {len(first.records)} problems"


def _thresholds(runs: Mapping[str, Kept[Any]]) -> dict[str, float]:
    """Return the thresholds of runs that differ in nothing but that; of others none."""
    bases = {str(run.options.get("policy", name)).partition("@")[0] for name, run in runs.items() if _pauses(run)}
    return (
        {name: float(run.options["threshold"]) for name, run in runs.items() if _pauses(run)} if len(bases) == 1 else {}
    )


def _pauses(run: Kept[Any]) -> bool:
    threshold = run.options.get("threshold")
    return isinstance(threshold, int | float) and not isinstance(threshold, bool) and abs(threshold) < 1e9
