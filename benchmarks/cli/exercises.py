"""`dubito exercises`: show and export the project's own problems. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.commands import plain_typer
from agent.cli.exits import report_errors
from agent.cli.options import LimitOption
from agent.views.say import say
from benchmarks.cli.run_options import read_problem, read_problems

exercises = plain_typer(name="exercises", help="Show and export the project's own problems.")


@exercises.command("show", context_settings={"ignore_unknown_options": True})  # -1 is an id that does not exist
def show_exercise(
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="The number or the id of an exercise, as 12 or exercises/far/12.")
    ],
) -> None:
    """Print one exercise and its canonical solution.

    Example: dubito exercises show 12
    """
    with report_errors(as_json=False):
        problem = read_problem(identity if identity.startswith("exercises/") else f"exercises/{identity}")
        say(problem.prompt + problem.canonical_solution.rstrip("\n"))


@exercises.command("export")
def export_exercises(
    out: Annotated[
        Path, typer.Option(help="Write this file: one JSON object a line, with evalplus' fields; - writes to stdout.")
    ],
    split: Annotated[
        str, typer.Option(help="Export test, validation, calibration, far, or train with --limit.")
    ] = "test",
    limit: LimitOption = None,
) -> None:
    """Write a split as evalplus writes its data sets: JSON lines, gzipped if the name ends in .gz.

    Example: dubito exercises export --split test --out exercises.jsonl
    """
    with report_errors(as_json=False):
        from agent.files.access import STANDARD_STREAM, check_writable
        from benchmarks.exercises.export import export, is_export

        check_writable(out, is_ours=is_export)
        problems = read_problems("exercises" if split == "test" else f"exercises/{split}", limit)
        export(problems, out)
        place = "standard output" if str(out) == STANDARD_STREAM else out
        say(
            f"{len(problems)} exercise{'' if len(problems) == 1 else 's'} written to {place}",
            err=str(out) == STANDARD_STREAM,
        )
