"""The commands that learn a number from problems which are used for nothing else. Heavy imports wait inside."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli_bench import DeviceOption, DtypeOption, LimitOption, ModelOption, problems_of
from agent.exits import reported

if TYPE_CHECKING:
    from uncertainty.thresholds import Point, Ranked

calibrate = typer.Typer(name="calibrate", help="Learn thresholds from problems kept for it.", no_args_is_help=True)


@calibrate.callback()
def _group() -> None:
    """Learn thresholds from problems kept for it."""


@calibrate.command("threshold")
def calibrate_threshold(
    model: ModelOption = "models/tiny",
    problems: Annotated[
        str, typer.Option(help="A benchmark, or one of its splits: their solutions are read by the model.")
    ] = "exercises/calibration",
    table: Annotated[
        Path | None, typer.Option("--from", help="A parquet file with columns Entropy and Rank, instead of a model.")
    ] = None,
    score: Annotated[
        str, typer.Option(help="entropy, top-entropy, margin, least-probability or collision.")
    ] = "entropy",
    recipe: Annotated[
        str | None, typer.Option(help="adadec, youden, expected or budget=R; without one nothing is written.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; else where runs with this model find it.")] = None,
    limit: LimitOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Learn at how much doubt to pause: how well each score tells where a model's first choice is wrong, and what each
    recipe makes of one.
    """
    with reported(as_json=False):
        from agent import calibrations, parts
        from agent.errors import UsageError
        from agent.trace import provenance_of
        from uncertainty import SCORES
        from uncertainty.thresholds import curve

        if score not in SCORES:
            raise UsageError(f"unknown score {score!r}; choose from {', '.join(SCORES)}")
        chosen = _recipe(recipe)
        if table is not None:
            measured, tasks, weights = {"entropy": _read_table(table)}, 0, ""
            if recipe and out is None:
                raise UsageError("a table does not say whose it is where runs look for it; name a file with --out")
        else:
            measured, weights = _measured(model, problems_of(problems, limit), device, dtype), parts.weights_of(model)
            tasks = len(set(measured["entropy"].tasks.tolist()))
        if score not in measured:
            raise UsageError(
                f"{str(table)!r} holds the entropy alone, so nothing can be learned of the score {score!r}"
            )
        typer.echo(_report(measured, score))
        if chosen is None:
            return
        assert recipe is not None
        data = measured[score]
        learned = calibrations.Calibration(
            model, weights, score, recipe, _learned(chosen, data), len(data.ranks), tasks,
            {name: each.auroc() for name, each in measured.items()},
            [asdict(each) for each in curve(data)],
            {**provenance_of(), "dtype": dtype, "problems": str(table) if table else problems},
        )  # fmt: skip
        file = out or calibrations.place_of(model)
        calibrations.save(learned, file)
        typer.echo(f"threshold {learned.threshold:.6f} by {recipe} written to {file}")


def _recipe(name: str | None) -> Any:
    from agent.errors import UsageError
    from uncertainty.thresholds import recipe_named

    try:
        return recipe_named(name) if name else None
    except ValueError as error:
        raise UsageError(str(error)) from error


def _learned(recipe: Any, data: Ranked) -> float:
    from agent.errors import UsageError

    try:
        return float(recipe(data))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _measured(model: str, problems: list[Any], device: str | None, dtype: str) -> dict[str, Ranked]:
    from agent import parts
    from benchmarks.teacher import ranked, read

    lm = parts.model_named(model, device=device, dtype=dtype)
    found = []
    for each in read(lm, problems):
        found.append(each)
        typer.echo(f"\r{len(found)}/{len(problems)} read", err=True, nl=len(found) == len(problems))
    return ranked(found)


def _read_table(file: Path) -> Ranked:
    """Return the tokens of a table as AdaDec's authors publish them. Raises UsageError."""
    import pyarrow
    from pyarrow import parquet

    from agent.errors import UsageError
    from uncertainty.thresholds import Ranked

    wanted = "wanted a parquet file with columns Entropy (nats) and Rank (1: the argmax)"
    try:
        table = parquet.read_table(file, columns=["Entropy", "Rank"])
        entropy, rank = (table[name].to_numpy() for name in ("Entropy", "Rank"))
        return Ranked(entropy.astype(float), rank.astype(int))
    except FileNotFoundError:
        raise UsageError(f"there is no file {str(file)!r}; {wanted}") from None
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise UsageError(f"cannot learn from {str(file)!r}: {str(error).splitlines()[0]}; {wanted}") from error


def _report(measured: dict[str, Ranked], score: str) -> str:
    from uncertainty.thresholds import RECIPES, curve, point

    data = measured[score]
    rows: list[tuple[str, ...]] = [("recipe, on " + score, "threshold", "paused", "caught", "in top 3")]
    for name, recipe in RECIPES.items():
        try:
            rows.append(_row(name, point(data, recipe(data))))
        except ValueError as error:
            rows.append((name, str(error)))
    rows += [_row(f"budget, {each.paused:.0%} at most", each) for each in curve(data)]
    return "\n".join([
        f"{len(data.ranks)} tokens, {data.misranked.mean():.3f} of them not the model's first choice",
        "",
        f"{'score':<20}AUROC",
        *(f"{name:<20}{each.auroc():.4f}" for name, each in measured.items()),
        "",
        *(f"{name:<24}{''.join(f'{cell:>11}' for cell in cells)}" for name, *cells in rows),
    ])  # fmt: skip


def _row(name: str, found: Point) -> tuple[str, ...]:
    return (name, f"{found.threshold:.6f}", f"{found.paused:.4f}", f"{found.caught:.4f}", f"{found.reachable:.4f}")
