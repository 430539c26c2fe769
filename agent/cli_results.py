"""Commands over the outcome files of `bench run`: side by side, and as a picture. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.exits import reported


def bench_compare(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of `bench run`; the first is compared against.")],
) -> None:
    """Print runs over the same problems side by side, with paired tests against the first."""
    with reported(as_json=False):
        from benchmarks.runner import comparison, outcomes_in

        typer.echo(comparison({path.stem: outcomes_in(path) for path in files}, against=files[0].stem))


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
        try:
            against_cost(runs, out, axis=axis, title=title)
        except ImportError as error:
            raise UsageError(f"matplotlib cannot be imported ({error}); try: pip install 'dubito[bench]'") from error
        except OSError as error:
            raise UsageError(f"cannot write {str(out)!r}: {error.strerror}; choose another place with --out") from error
