"""Commands over the outcome files of `bench run`: side by side, and as a picture. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from agent.exits import reported
from agent.views.say import say


def bench_compare(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`; the first is compared against.")],
) -> None:
    """Print runs over the same problems side by side, with paired tests against the first of a kind.

    Runs in which the examples chose among programs (feedback=visible) stand apart from those of one pass.
    """
    with reported(as_json=False):
        from benchmarks.runner import comparison, outcomes_in

        say(comparison({path.stem: outcomes_in(path) for path in files}))


def bench_plot(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`, one point each.")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")],
    axis: Annotated[str, typer.Option("--x", help="pause-rate, tokens, forwards, token_rows or seconds.")] = "tokens",
    title: Annotated[str, typer.Option(help="What the picture is of.")] = "",
) -> None:
    """Draw what runs solved against what they cost."""
    with reported(as_json=False):
        from agent.errors import UsageError
        from benchmarks.plots import AXES, against_cost
        from benchmarks.runner import outcomes_in

        if axis not in AXES:
            raise UsageError(f"unknown axis {axis!r}; choose from {', '.join(AXES)}")
        runs = {path.stem: outcomes_in(path) for path in files}
        if empty := [name for name, outcomes in runs.items() if not outcomes]:
            raise UsageError(f"the run {empty[0]!r} has no outcome yet; leave it out or let it go on")
        _drawn(lambda: against_cost(runs, out, axis=axis, title=title), out)


def bench_curve(
    files: Annotated[list[Path], typer.Argument(help="Files of `bench run` and `bench draw`; compared to the first.")],
    out: Annotated[Path | None, typer.Option(help="A PNG to write.")] = None,
    most: Annotated[int, typer.Option(min=8, help="Tokens a problem, up to which the curve goes.")] = 400,
    title: Annotated[str, typer.Option(help="What the picture is of.")] = "",
) -> None:
    """Print, and draw, what is solved by how many tokens, the area below that curve, and paired tests."""
    with reported(as_json=False):
        from agent.errors import UsageError
        from benchmarks import curves
        from benchmarks.draws import Draws
        from benchmarks.plots import by_tokens
        from benchmarks.runner import outcomes_in, records_in

        found = {}
        for path in files:
            drawn = path.exists() and b'"kind": "draws"' in path.read_bytes()[:100_000]
            found[path.stem] = (
                curves.of_draws(records_in(path, Draws)) if drawn else curves.of_outcomes(outcomes_in(path))
            )
        problems = {frozenset(curve.tokens) for curve in found.values()}
        if len(problems) > 1 or not next(iter(problems)):
            raise UsageError("these runs are not over the same problems; let those that are unfinished go on")
        say(curves.table(found, most))
        if out is not None:
            _drawn(lambda: by_tokens(found, out, most=most, title=title), out)


def bench_trust(
    files: Annotated[
        list[Path], typer.Argument(help="Outcome files of `bench run`; their answers state probabilities.")
    ],
    out: Annotated[Path | None, typer.Option(help="A PNG to write.")] = None,
) -> None:
    """Print, and draw, whether answers are right as often as they say: ECE, Brier, AUROC."""
    with reported(as_json=False):
        from agent.errors import UsageError
        from benchmarks.plots import reliability as plotted
        from benchmarks.runner import outcomes_in
        from benchmarks.searches import trust_report
        from uncertainty.calibration import reliability

        bins = {}
        for path in files:
            every = outcomes_in(path)
            outcomes = [each for each in every if each.probability is not None]
            if not outcomes:
                raise UsageError(
                    f"{str(path)!r} states no probabilities: they were not learned for its model (`dubito calibrate "
                    "search`), or its prompts show fewer examples than they were learned with"
                )
            stated, right = [each.probability or 0.0 for each in outcomes], [each.passed for each in outcomes]
            silent = f", {len(every) - len(outcomes)} answers state none" if len(every) > len(outcomes) else ""
            told = trust_report(stated, right, [each.outcome == "accepted" for each in outcomes])
            say(f"{path.stem}{silent}\n{told}")
            bins[path.stem] = reliability(stated, right)
        if out is not None:
            _drawn(lambda: plotted(bins, out), out)


def _drawn(draw: Callable[[], None], out: Path) -> None:
    from agent.errors import UsageError

    try:
        draw()
    except ImportError as error:
        raise UsageError(f"matplotlib cannot be imported ({error}); try: pip install 'dubito[bench]'") from error
    except OSError as error:
        raise UsageError(f"cannot write {str(out)!r}: {error.strerror}; choose another place with --out") from error
