"""`dubito bench export`: write the programs of a run as evalplus' own files. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.say import show

RunArgument = Annotated[Path, typer.Argument(help="An outcome file of `bench run --out`, or a folder of them.")]


def bench_export(
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="Write into this folder. An old file is not replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Write the programs of a run under evalplus' names: FOLDER/humaneval/MODEL_BACKEND_temp_T.jsonl.

    The backend is dubito with the policy and the strategy. Each line has a task_id and a solution, one line a sample.
    Where the run kept its stories, the answers as the model wrote them lie beside it, in …_temp_T.raw.jsonl.

    Example: dubito bench export runs/he --out evalplus_results
    """
    with report_errors(as_json):
        from agent.views.report import Report
        from benchmarks.experiments.run_folder import find_run_files
        from benchmarks.experiments.sample_export import export_runs

        exports = export_runs(find_run_files(run), out)
        lacks = " (no raw answers: the run has no stories)"
        text = "\n".join(f"{each.samples} samples in {each.programs}{'' if each.raw else lacks}" for each in exports)
        records = [each._asdict() for each in exports]
        show(Report({"exports": records}, text), as_json=as_json)
