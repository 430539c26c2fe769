"""`dubito bench budgets`: what searches solve within budgets, from the trails of an experiment. Heavy imports wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.errors import InvalidRequestError
from agent.messages import check_choice, quote
from agent.views.say import say, show

if TYPE_CHECKING:
    from agent.views.report import Report
    from benchmarks.experiments.trails import Trail

FoldersArgument = Annotated[
    list[Path], typer.Argument(help="Folders of `bench experiment real`, one a data set; problems are pooled.")
]
CurvesOption = Annotated[Path | None, typer.Option(help="Draw what is solved by how many tokens: .png, .svg or .pdf.")]
_Searches = Mapping[str, Sequence[Sequence["Trail"]]]  # of each arm, a sequence a folder
UNITS = ("tokens", "forwards", "token_rows")
UnitOption = Annotated[
    str,
    typer.Option(help="Count costs in tokens, forwards, or token_rows: all that is fed, prompts and lookahead, too."),
]
ArmsOption = Annotated[
    list[str] | None, typer.Option("--arm", help="Compare only this arm; may be repeated. The first is the reference.")
]


def bench_budgets(
    folders: FoldersArgument,
    arm: ArmsOption = None,
    by: UnitOption = "tokens",
    out: CurvesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what each search solves within 1, 2, 3, 5 and 10 programs' worth of tokens, and paired tests.

    The interval is Wilson's, of the share solved. A program's worth is the mean cost of the first arm's first programs.
    Gained and lost: the problems that only this search, or only the other, solves (p: McNemar's exact test). Passing:
    solved where the first program that passes the visible examples stands. Oracle: some program is right.

    Example: dubito bench budgets runs/HumanEval runs/Mbpp --arm best-of --arm adaptive --out curves.png
    """
    with report_errors(as_json):
        from benchmarks.reports.budgets import make_curves, report_budgets
        from benchmarks.reports.plots import check_format, draw_curves

        if out:
            check_format(out)
        check_choice("unit", by, UNITS)
        searches = _read_searches(folders, _choose_arms(folders, arm), by)
        report = report_budgets(searches, unit=by)
        if out:
            most = 10 * round(max(report_budgets(searches).record["worth"]))  # a curve's axis is tokens
            draw_curves(make_curves(searches), out, most=most, title=" and ".join(each.name for each in folders))
            say(f"picture written to {out}", err=True)
        show(report, as_json=as_json)


def report_trails(folder: Path, arms: Sequence[str]) -> Report:
    """Report what each arm solves within budgets of tokens, from the trails of a folder."""
    from benchmarks.reports.budgets import report_budgets

    return report_budgets(_read_searches([folder], arms, "tokens"))


def _read_searches(folders: Sequence[Path], arms: Sequence[str], unit: str) -> _Searches:
    """Read the trails of each arm, a sequence a folder. Raises InvalidRequestError where they cannot be compared."""
    searches = {name: [_read_trails(each, name) for each in folders] for name in arms}
    for folder, sets in zip(folders, zip(*searches.values(), strict=True), strict=True):
        if not set.intersection(*({each.task_id for each in trails} for trails in sets)):
            raise InvalidRequestError(
                f"no problem in {quote(folder)} has trails of all of {', '.join(arms)}; run them over the same problems"
            )
    trails = [each for some in searches.values() for trails in some for each in trails]
    if not all(getattr(each.steps[-1], unit) for each in trails):
        raise InvalidRequestError(f"some trails do not say their {unit}; run the experiment anew, or count tokens")
    return searches


def _choose_arms(folders: Sequence[Path], wanted: Sequence[str] | None) -> list[str]:
    """Return the arms to compare: those asked for, else all whose trails lie in every folder.

    Raises InvalidRequestError for a folder that is none or comes twice, and for an arm that a folder lacks.
    """
    from benchmarks.experiments.comparable import check_distinct

    arms = [_list_arms(each) for each in folders]
    check_distinct(folders)
    for folder, names in zip(folders, arms, strict=True):
        for arm in wanted or ():
            if arm not in names:
                raise InvalidRequestError(
                    f"{quote(folder)} has no trails of an arm {quote(arm)}; choose from {', '.join(names)}"
                )
    if not (shared := sorted(set.intersection(*map(set, arms)))):
        raise InvalidRequestError(
            f"no arm has trails in each of {', '.join(map(quote, folders))}; compare other folders"
        )
    return list(wanted or shared)


def _list_arms(folder: Path) -> list[str]:
    """Return the names of the arms whose trails lie in a folder."""
    from benchmarks.experiments.trails import TRAIL_ENDING

    if not folder.is_dir():
        raise InvalidRequestError(f"{quote(folder)} is no folder; name one that `dubito bench experiment real` wrote")
    if names := sorted(file.name.removesuffix(TRAIL_ENDING) for file in folder.glob(f"*{TRAIL_ENDING}")):
        return names
    below = sorted({file.parent.name for file in folder.glob(f"*/*{TRAIL_ENDING}")})
    advice = f"name a folder in it: {', '.join(below)}" if below else "run `dubito bench experiment real` first"
    raise InvalidRequestError(f"{quote(folder)} has no trails; {advice}")


def _read_trails(folder: Path, arm: str) -> list[Trail]:
    from benchmarks.experiments.record_file import read_run
    from benchmarks.experiments.trails import TRAIL_ENDING, Trail

    return read_run(folder / f"{arm}{TRAIL_ENDING}", Trail).records
