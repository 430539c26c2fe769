"""`dubito calibrate threshold`: learn when a model should pause. Heavy imports wait inside."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from agent.cli.choices import RECIPE_NAMES, SCORE_NAMES
from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, DtypeOption, LimitOption
from agent.files.access import STANDARD_STREAM
from agent.messages import join_names, quote
from agent.views.say import say, write_progress
from benchmarks.cli.calibrate_search import ProfileFileOption
from benchmarks.cli.run_options import read_problems

if TYPE_CHECKING:
    from agent.profile import Calibration
    from benchmarks.base import Problem
    from uncertainty.thresholds import Ranked, ThresholdPoint


CalibratedModelOption = Annotated[
    str | None, typer.Option(help="Learn for this model, a folder or a hub id. Default: models/tiny.")
]
ReadProblemsOption = Annotated[
    str, typer.Option(help="Let the model read the solutions of these problems: a benchmark or one of its splits.")
]
TableOption = Annotated[
    Path | None,
    typer.Option("--from", help="Learn from a parquet file with columns Entropy and Rank, and from no problem."),
]
ScoreOption = Annotated[str, typer.Option(help=f"Learn the threshold of this score: {join_names(SCORE_NAMES)}.")]
RecipeOption = Annotated[
    str | None,
    typer.Option(help=f"Choose the threshold by {join_names([*RECIPE_NAMES, 'budget=R'])}. Default: write nothing."),
]


def calibrate_threshold(
    model: CalibratedModelOption = None,
    problems: ReadProblemsOption = "exercises/calibration",
    table: TableOption = None,
    score: ScoreOption = "entropy",
    recipe: RecipeOption = None,
    out: ProfileFileOption = None,
    limit: LimitOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Learn at how much doubt a model should pause.

    Print how well each score tells where the model's first choice is wrong, and the threshold of each recipe.

    Example: dubito calibrate threshold --recipe youden --out threshold.json
    """
    with report_errors(as_json=False):
        from agent import profile
        from agent.cli import components
        from agent.lm.names import EMBEDDED, digest_weights

        _check_request(model, table, score, recipe, out)
        choose, name = _recipe(recipe), model or EMBEDDED
        if table is None:
            components.check_model(name, dtype)
        weights = digest_weights(name)
        file = out or profile.profile_file(name, weights)
        if recipe:
            profile.check_profile_file(file)
        tokens = _read_table(table) if table else _read_problems(name, read_problems(problems, limit), device, dtype)
        to_stdout = str(file) == STANDARD_STREAM
        say(_report(tokens, score), err=to_stdout)
        if choose and recipe:
            calibration = _learn(choose, recipe, tokens, score, table.name if table else problems)
            profile.update_profile(file, name, weights, thresholds={score: calibration})
            say(f"threshold {calibration.threshold:.6f} by {recipe} written to {file}", err=to_stdout)


def _check_request(model: str | None, table: Path | None, score: str, recipe: str | None, out: Path | None) -> None:
    """Raise InvalidRequestError for options that do not go together."""
    from agent.errors import InvalidRequestError

    if score not in SCORE_NAMES or (table and score != "entropy"):
        known = "entropy, which is all that a table holds" if table else ", ".join(SCORE_NAMES)
        raise InvalidRequestError(f"the score {quote(score)} cannot be learned from; choose from {known}")
    if table and recipe and model is None:
        raise InvalidRequestError("a table does not say whose it is; name the model with --model")
    if out and not recipe:
        raise InvalidRequestError(
            "--out came without --recipe, and nothing would be written; choose a recipe, or leave it out"
        )


class _Tokens(NamedTuple):
    """The tokens to learn from, ranked by each score, and where they came from."""

    by_score: dict[str, Ranked]
    tasks: int
    origin: dict[str, Any]


def _recipe(name: str | None) -> Callable[[Ranked], float] | None:
    from agent.errors import InvalidRequestError
    from uncertainty.thresholds import find_recipe

    try:
        return find_recipe(name) if name else None
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error


def _learn(choose: Callable[[Ranked], float], recipe: str, tokens: _Tokens, score: str, problems: str) -> Calibration:
    from agent.errors import InvalidRequestError
    from agent.profile import Calibration
    from agent.trace import collect_provenance
    from uncertainty.thresholds import threshold_curve

    data = tokens.by_score[score]
    try:
        threshold = choose(data)
        if not data.misranked.any():
            raise ValueError("no token is misranked, so nothing can be learned from them; give more problems")
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    auroc: dict[str, float | None] = {name: each.auroc() for name, each in tokens.by_score.items()}
    points = [asdict(each) for each in threshold_curve(data)]
    origin = {**collect_provenance(), "problems": problems, **tokens.origin}
    return Calibration(score, recipe, threshold, len(data.ranks), tokens.tasks, auroc, points, origin)


def _read_problems(model: str, problems: list[Problem], device: str | None, dtype: str) -> _Tokens:
    from agent.lm import open_lm
    from benchmarks.experiments.teacher_forcing import force_solutions, rank_by_scores

    opened = open_lm(model, device=device, dtype=dtype)
    forced = []
    for solution in force_solutions(opened, problems):
        forced.append(solution)
        write_progress(f"{len(forced)}/{len(problems)} read", last=False)
    long = len(problems) - len(forced)
    if long:
        say(f"{long} longer than the model's context", err=True)
    origin = {"revision": opened.revision, "dtype": opened.dtype, "too_long": long}
    return _Tokens(rank_by_scores(forced), len(forced), origin)


def _read_table(file: Path) -> _Tokens:
    """Return the tokens of a table as AdaDec's authors publish them. Raises InvalidRequestError."""
    import pyarrow
    from pyarrow import parquet

    from agent.errors import InvalidRequestError
    from agent.files.access import open_regular
    from uncertainty.thresholds import Ranked

    wanted = "wanted a parquet file with columns Entropy (nats) and Rank (1: the argmax)"
    if not os.path.lexists(file):
        raise InvalidRequestError(f"there is no file {quote(file)}; {wanted}")
    open_regular(file).close()  # a folder would be read whole, and a device for ever
    try:
        columns = parquet.read_table(file, columns=["Entropy", "Rank"])
        entropy, rank = (columns[name].cast("float64").to_numpy() for name in ("Entropy", "Rank"))
        if not (rank % 1 == 0).all():
            raise ValueError("a rank is missing or no whole number")
        return _Tokens({"entropy": Ranked(entropy, rank.astype(int))}, 0, {})
    except (OSError, KeyError, ValueError, TypeError, pyarrow.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InvalidRequestError(f"cannot learn from {quote(file)}: {reason}; {wanted}") from error


def _report(tokens: _Tokens, score: str) -> str:
    from uncertainty.thresholds import CURVE_SHARES, RECIPES, threshold_curve, threshold_point

    data = tokens.by_score[score]
    rows: list[tuple[str, ...]] = [("recipe, on " + score, "threshold", "paused", "caught", "in top 3")]
    for name, recipe in RECIPES.items():
        try:
            rows.append(_row(name, threshold_point(data, recipe(data))))
        except ValueError as error:
            rows.append((name, f"  {error}"))
    rows += [_row(f"budget={share}", each) for share, each in zip(CURVE_SHARES, threshold_curve(data), strict=True)]
    return "\n".join([
        f"{len(data.ranks)} tokens, {data.misranked.mean():.3f} of them not the model's first choice",
        "",
        f"{'score':<20}AUROC",
        *(f"{name:<20}{_measure(each.auroc())}" for name, each in tokens.by_score.items()),
        "",
        *(f"{name:<24}{''.join(f'{cell:>11}' for cell in cells)}" for name, *cells in rows),
    ])  # fmt: skip


def _row(name: str, point: ThresholdPoint) -> tuple[str, ...]:
    threshold = f"{point.threshold:.6f}" if math.isfinite(point.threshold) else "never"
    return (name, threshold, *map(_measure, (point.paused, point.caught, point.reachable)))


def _measure(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "-"
