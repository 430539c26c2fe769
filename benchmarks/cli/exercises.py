"""The commands that show and export the project's own problems. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import LimitOption
from agent.views.say import say
from benchmarks.cli.run_options import read_problem, read_problems

exercises = typer.Typer(name="exercises", help="The project's own problems.", no_args_is_help=True)


@exercises.command("show", context_settings={"ignore_unknown_options": True})  # -1 is an id that does not exist
def show_exercise(identity: Annotated[str, typer.Argument(metavar="ID", help="As in exercises/12.")]) -> None:
    """Print one exercise and its canonical solution."""
    with report_errors(as_json=False):
        found = read_problem(identity if identity.startswith("exercises/") else f"exercises/{identity}")
        say(found.prompt + found.canonical_solution.rstrip("\n"))


@exercises.command("export")
def export_exercises(
    out: Annotated[Path, typer.Option(help="The file to write: one JSON object a line, with evalplus' fields.")],
    split: Annotated[str, typer.Option(help="test, validation, calibration, far, or train with --limit.")] = "test",
    limit: LimitOption = None,
) -> None:
    """Write a split as evalplus writes its data sets: JSON lines, gzipped where the name ends in .gz."""
    with report_errors(as_json=False):
        from agent.files.access import STDOUT, check_writable
        from benchmarks.exercises.export import export, is_export

        check_writable(out, is_ours=is_export)
        problems = read_problems("exercises" if split == "test" else f"exercises/{split}", limit)
        export(problems, out)
        place = "standard output" if str(out) == STDOUT else out
        say(f"{len(problems)} exercise{'' if len(problems) == 1 else 's'} written to {place}", err=str(out) == STDOUT)
