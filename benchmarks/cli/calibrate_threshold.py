"""`dubito calibrate threshold`: learn when a model should pause. Heavy imports wait inside."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from agent.cli.choices import RECIPE_NAMES, SCORE_NAMES
from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, LimitOption, PromptStyleOption, WeightsOption
from agent.files.access import STANDARD_STREAM
from agent.messages import join_names, quote
from agent.views.say import say, show
from benchmarks.cli.calibrate_search import ProfileFileOption
from benchmarks.cli.run_options import collect, read_problems

if TYPE_CHECKING:
    from agent.profile import Calibration
    from agent.views.report import Report
    from uncertainty.thresholds import Ranked

_KEPT_FOR_IT = ["exercises/calibration"]
CalibratedModelOption = Annotated[
    str | None, typer.Option(help="Learn for this model, named as in solve. Default: models/tiny.")
]
ReadProblemsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Let the model read the solutions of these problems: a benchmark or one of its splits; may be repeated. "
        "Default: exercises/calibration."
    ),
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
    problems: ReadProblemsOption = None,
    table: TableOption = None,
    score: ScoreOption = "entropy",
    recipe: RecipeOption = None,
    out: ProfileFileOption = None,
    limit: LimitOption = None,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Learn at how much doubt a model should pause.

    Print how well each score tells where the model's first choice is wrong, and the threshold of each recipe.

    Example: dubito calibrate threshold --recipe youden --out threshold.json
    """
    with report_errors(as_json):
        from agent import profile
        from agent.cli import components
        from agent.lm.names import EMBEDDED, digest_weights
        from agent.views.report import join_reports
        from benchmarks.reports.thresholds import report_thresholds

        _check_request(model, table, score, recipe, out)
        name, opening = model or EMBEDDED, {"device": device, "weights": weights, "prompt_style": prompt_style}
        if table is None:
            components.check_model(name, weights, prompt_style)
        file = out or profile.profile_file(name, digest_weights(name))
        if recipe:
            profile.check_profile_file(file)
        tokens = _read_table(table) if table else _read_sets(name, problems or _KEPT_FOR_IT, limit, opening)
        report = report_thresholds(tokens.by_score, score)
        if recipe:
            report = join_reports([report, _write_threshold(name, file, _learn(recipe, tokens, score))])
        show(report, as_json=as_json, err=str(file) == STANDARD_STREAM)


def _check_request(model: str | None, table: Path | None, score: str, recipe: str | None, out: Path | None) -> None:
    """Raise InvalidRequestError for options that do not go together."""
    from agent.errors import InvalidRequestError
    from uncertainty.thresholds import find_recipe

    if recipe:
        try:
            find_recipe(recipe)
        except ValueError as error:
            raise InvalidRequestError(str(error)) from error
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


def _learn(recipe: str, tokens: _Tokens, score: str) -> Calibration:
    """Choose the threshold by a recipe. Raises InvalidRequestError where none follows."""
    from agent.errors import InvalidRequestError
    from agent.profile import Calibration
    from agent.trace import collect_provenance
    from benchmarks.reports.thresholds import apply_recipes
    from uncertainty.thresholds import find_recipe, threshold_curve

    data = tokens.by_score[score]
    try:
        threshold = find_recipe(recipe)(data)
        if not data.misranked.any():
            raise ValueError("no token is misranked, so nothing can be learned from them; give more problems")
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    thresholds = {row["recipe"]: row["threshold"] for row in apply_recipes(data) if "threshold" in row}
    auroc: dict[str, float | None] = {name: each.auroc() for name, each in tokens.by_score.items()}
    points = [asdict(each) for each in threshold_curve(data)]
    origin = {**collect_provenance(), **tokens.origin}
    return Calibration(score, recipe, threshold, thresholds, len(data.ranks), tokens.tasks, auroc, points, origin)


def _write_threshold(model: str, file: Path, calibration: Calibration) -> Report:
    """Write a threshold into the profile in a file, and report it."""
    from agent.lm.names import digest_weights, find_shelf_model
    from agent.profile import update_profile
    from agent.views.report import Report

    shelf_model = find_shelf_model(model)
    name = shelf_model.name if shelf_model else model
    update_profile(file, name, digest_weights(model), thresholds={calibration.score: calibration})
    written = {"recipe": calibration.recipe, "threshold": calibration.threshold, "file": str(file)}
    sentence = f"threshold {calibration.threshold:.6f} by {calibration.recipe} written to {file}"
    return Report({"written": written}, sentence)


def _read_sets(model: str, sets: list[str], limit: int | None, opening: dict[str, Any]) -> _Tokens:
    """Let the model read the solutions of these sets of problems, `limit` of each. opening: options of `open_lm`."""
    from agent.lm import open_lm
    from benchmarks.experiments.record_file import describe_model
    from benchmarks.experiments.teacher_forcing import force_solutions, rank_by_scores

    problems = [problem for name in sets for problem in read_problems(name, limit)]
    opened = open_lm(model, **opening)
    forced = collect(force_solutions(opened, problems), len(problems), lambda solution: "read")
    long = len(problems) - len(forced)
    if long:
        say(f"{long} longer than the model's context", err=True)
    origin = {"problems": sets, "revision": opened.revision, "too_long": long, **describe_model(opened)}
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
        return _Tokens({"entropy": Ranked(entropy, rank.astype(int))}, 0, {"problems": [file.name]})
    except (OSError, KeyError, ValueError, TypeError, pyarrow.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InvalidRequestError(f"cannot learn from {quote(file)}: {reason}; {wanted}") from error
