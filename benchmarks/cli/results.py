"""Commands over the files of `bench run`, `bench sample` and `bench experiment`: tables and pictures.

Heavy imports wait inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.say import say, show

if TYPE_CHECKING:
    from agent.views.report import Report
    from benchmarks.experiments.record_file import StoredRun

PLOT_AXES = (
    "pause-rate",
    "tokens",
    "forwards",
    "token_rows",
    "seconds",
)  # keys of `plots.AXES`; a test holds both equal
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Outcome files of `bench run` or `bench experiment`, or their folders; the first is the reference."
    ),
]
PictureOption = Annotated[Path | None, typer.Option(help="Write a picture here: .png, .svg or .pdf. Default: none.")]
TitleOption = Annotated[str, typer.Option(help="The title of the picture. Default: the benchmark and its size.")]


def bench_compare(
    files: FilesArgument,
    as_json: JsonOption = False,
) -> None:
    """Print runs over the same problems in one table, each with a paired test against the first of its kind.

    Runs must differ in nothing but policy, strategy and budget. Runs in which the visible examples chose among
    programs (feedback=visible) form a table of their own.

    Example: dubito bench compare greedy.jsonl adadec.jsonl
    """
    with report_errors(as_json):
        show(compare_files(files), as_json=as_json)


def compare_files(files: Sequence[Path]) -> Report:
    """Report runs over the same problems, from their files."""
    from benchmarks.experiments.comparable import read_runs
    from benchmarks.experiments.run_folder import list_run_files
    from benchmarks.reports.compare import compare, report_comparison

    runs = read_runs(list_run_files(files), read_outcome_run)
    return report_comparison(compare({name: run.records for name, run in runs.items()}))


def bench_plot(
    files: FilesArgument,
    out: Annotated[Path, typer.Option(help="Write the picture here: .png, .svg or .pdf.")],
    axis: Annotated[str, typer.Option("--x", help=f"The horizontal axis: {', '.join(PLOT_AXES)}.")] = "tokens",
    title: TitleOption = "",
) -> None:
    """Draw what runs solved against what they cost, one point a run.

    Example: dubito bench plot greedy.jsonl adadec.jsonl --x pause-rate --out costs.png
    """
    with report_errors(as_json=False):
        from agent.messages import check_choice
        from benchmarks.experiments.comparable import read_runs
        from benchmarks.experiments.run_folder import list_run_files
        from benchmarks.reports.plots import draw_costs

        check_choice("axis", axis, PLOT_AXES)
        _check_picture(out)
        runs = read_runs(list_run_files(files), read_outcome_run)
        outcomes, text = {name: run.records for name, run in runs.items()}, _title(title, runs)
        _draw(out, lambda file: draw_costs(outcomes, file, axis=axis, title=text, thresholds=_thresholds(runs)))


def bench_curve(
    files: Annotated[
        list[Path], typer.Argument(help="Files of `bench run`, `experiment` or `sample`; the first is the reference.")
    ],
    out: PictureOption = None,
    most: Annotated[int, typer.Option(min=8, max=10**9, help="Draw the curve up to this many tokens a problem.")] = 400,
    title: TitleOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print, and draw, what is solved by how many tokens, the area below that curve, and paired tests.

    Example: dubito bench curve tree.jsonl samples.jsonl --out curves.png
    """
    with report_errors(as_json):
        show(draw_curves_of(files, out, most=most, title=title), as_json=as_json)


def draw_curves_of(files: Sequence[Path], out: Path | None, *, most: int = 400, title: str = "") -> Report:
    """Report, and draw if a picture is wanted, what runs and samples solve by how many tokens."""
    from benchmarks.experiments.best_of_n import ProblemSamples
    from benchmarks.experiments.comparable import read_runs
    from benchmarks.reports.curves import curve_of_outcomes, curve_of_samples, report_curves
    from benchmarks.reports.plots import draw_curves

    _check_picture(out)
    runs = read_runs(files, _read_outcomes_or_samples)
    curves = {}
    for name, run in runs.items():
        sampled = isinstance(run.records[0], ProblemSamples)
        curves[name] = curve_of_samples(run.records) if sampled else curve_of_outcomes(run.records)
    _draw(out, lambda file: draw_curves(curves, file, most=most, title=_title(title, runs)))
    return report_curves(curves, most)


def bench_reliability(files: FilesArgument, out: PictureOption = None, as_json: JsonOption = False) -> None:
    """Print, and draw, whether answers are right as often as their stated probability: ECE, Brier, AUROC.

    Example: dubito bench reliability tree.jsonl --out reliability.png
    """
    with report_errors(as_json):
        show(draw_reliability_of(files, out), as_json=as_json)


def draw_reliability_of(files: Sequence[Path], out: Path | None) -> Report:
    """Report, and draw if a picture is wanted, whether the answers of runs are right as often as they state."""
    from agent.views.report import Report
    from benchmarks.experiments.comparable import read_runs
    from benchmarks.experiments.run_folder import list_run_files
    from benchmarks.reports.plots import draw_reliability
    from uncertainty.calibration import reliability_bins

    _check_picture(out)
    runs = read_runs(list_run_files(files), read_outcome_run)
    stating = {name: _stating_outcomes(name, run) for name, run in runs.items()}
    parts = [_report_run(name, runs[name], outcomes) for name, outcomes in stating.items()]
    bins = {
        name: reliability_bins([each.probability for each in outcomes], [each.passed for each in outcomes])
        for name, outcomes in stating.items()
    }
    _draw(out, lambda file: draw_reliability(bins, file, title=_title("", runs)))
    return Report({"reliability": [part.record for part in parts]}, "\n".join(part.text for part in parts))


def _stating_outcomes(name: str, run: StoredRun[Any]) -> list[Any]:
    """Return the outcomes that state a probability. Raises InvalidRequestError if none does."""
    from agent.errors import InvalidRequestError
    from agent.messages import quote

    outcomes = [each for each in run.records if each.probability is not None]
    if not outcomes:
        raise InvalidRequestError(
            f"the run {quote(name)} states no probabilities: they were not learned for its model (`dubito "
            "calibrate search`), or its prompts show fewer examples than they were learned with"
        )
    return outcomes


def _report_run(name: str, run: StoredRun[Any], outcomes: Sequence[Any]) -> Report:
    from agent.views.report import Report
    from benchmarks.reports.reliability import report_reliability

    stated, right = [each.probability for each in outcomes], [each.passed for each in outcomes]
    report = report_reliability(stated, right, [each.outcome == "accepted" for each in outcomes])
    silent = len(run.records) - len(outcomes)
    left_out = f": {silent} of {len(run.records)} answers state no probability and are left out" if silent else ""
    return Report({"name": name, "silent": silent, **report.record}, f"{name}{left_out}\n{report.text}")


def read_outcome_run(path: Path) -> StoredRun[Any]:
    """Read a file of outcomes. Raises InvalidRequestError for any other file."""
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.record_file import read_run

    return read_run(path, ProblemOutcome)


def _read_outcomes_or_samples(path: Path) -> StoredRun[Any]:
    """Read a file of outcomes or of samples, whichever its first record is."""
    from agent.trace import read_trace
    from benchmarks.experiments.best_of_n import ProblemSamples
    from benchmarks.experiments.record_file import read_run

    first = next((line.get("kind") for line in read_trace(path) if line.get("kind") != "provenance"), None)
    return read_run(path, ProblemSamples) if first == ProblemSamples.KIND else read_outcome_run(path)


def _check_picture(out: Path | None) -> None:
    """Raise InvalidRequestError for a picture that cannot be written, before anything is read for it."""
    from agent.files.access import check_writable
    from benchmarks.reports.plots import check_format, is_picture

    if out is not None:
        check_format(out)
        check_writable(out, is_ours=is_picture)


def _draw(out: Path | None, draw: Callable[[Path], None]) -> None:
    """Draw a picture, if one is wanted, and say where it is."""
    if out is None:
        return
    with needing_matplotlib():
        draw(out)
    say(f"picture written to {out}", err=True)


@contextmanager
def needing_matplotlib() -> Iterator[None]:
    """Raise InvalidRequestError where a picture is drawn and matplotlib cannot be imported."""
    from agent.errors import InvalidRequestError

    try:
        yield
    except ImportError as error:
        raise InvalidRequestError(
            f"matplotlib cannot be imported ({error}); try: pip install 'dubito[bench]'"
        ) from error


def _title(title: str, runs: Mapping[str, StoredRun[Any]]) -> str:
    """Return the title that was asked for, or else the benchmark and its size."""
    first = next(iter(runs.values()))
    problems = {each.task_id for each in first.records}
    return title or f"{first.options.get('benchmark', 'exercises')}, {len(problems)} problems"


def _thresholds(runs: Mapping[str, StoredRun[Any]]) -> dict[str, float]:
    """Return the thresholds of runs that differ in nothing else; of other runs none."""
    pausing = {name: run.options for name, run in runs.items() if _has_threshold(run)}
    policies = {str(options.get("policy", name)).partition("@")[0] for name, options in pausing.items()}
    strategies = {str(options.get("strategy")) for options in pausing.values()}
    alike = len(policies) == len(strategies) == 1
    return {name: float(options["threshold"]) for name, options in pausing.items()} if alike else {}


def _has_threshold(run: StoredRun[Any]) -> bool:
    threshold = run.options.get("threshold")
    return isinstance(threshold, int | float) and not isinstance(threshold, bool) and abs(threshold) < 1e9
