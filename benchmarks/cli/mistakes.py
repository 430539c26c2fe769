"""`dubito bench mistakes`: see whether `dubito score` points at mistakes. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, LimitOption, ModelOption, SeedOption, WeightsOption
from agent.views.say import show
from benchmarks.cli.run_options import collect, read_problems

if TYPE_CHECKING:
    from benchmarks.experiments.mistakes import RightProgram

_PROGRAMS_HELP = "A benchmark, whose canonical solutions get the mistakes, or Python files and folders of yours."


def bench_mistakes(
    programs: Annotated[list[str] | None, typer.Argument(help=_PROGRAMS_HELP, show_default="exercises")] = None,
    each: Annotated[int, typer.Option(min=1, help="Put so many mistakes into each program, one at a time.")] = 1,
    limit: LimitOption = None,
    model: ModelOption = "models/tiny",
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Put one mistake at a time into right programs, and print how many of them `dubito score` finds and mends.

    A mistake is another operator, a number that is off by one, another variable of the function, or a word such as min
    for max.

    Example: dubito bench mistakes exercises --limit 20
    """
    with report_errors(as_json):
        from agent.lm.open import open_lm
        from benchmarks.experiments.mistakes import report_mistakes, score_mistakes

        chosen = _read_programs(programs or ["exercises"], limit)
        opened = open_lm(model, device=device, weights=weights)
        stream = score_mistakes(opened, chosen, each=each, seed=seed)
        scored = collect(stream, len(chosen), lambda program: "scored")
        show(report_mistakes(scored), as_json=as_json)


def _read_programs(names: Sequence[str], limit: int | None) -> list[RightProgram]:
    """Return the programs of a benchmark, or of files. Raises InvalidRequestError and FileAccessError."""
    from agent.cli.scored_files import list_python_files, read_python_file
    from benchmarks.experiments.mistakes import RightProgram

    if not any(Path(name).exists() for name in names):
        return [
            RightProgram(problem.task_id, f"{problem.prompt}{problem.canonical_solution}", len(problem.prompt))
            for name in names
            for problem in read_problems(name, limit)
        ]
    files = list_python_files(map(Path, names))[:limit]
    return [RightProgram(str(file), read_python_file(file, str(file))) for file in files]
