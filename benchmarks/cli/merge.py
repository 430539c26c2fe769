"""`dubito bench merge`: join the files of a run's shards into one. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.say import show


def bench_merge(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of the shards of one run.")],
    out: Annotated[Path, typer.Option(help="Write the whole run here. An old file is not replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Join the outcome files of a run's shards, in order. Refuse files of different runs.

    Example: dubito bench merge runs/he/greedy-once.1-of-2.jsonl runs/he/greedy-once.2-of-2.jsonl --out he.jsonl
    """
    with report_errors(as_json):
        from agent.views.report import Report
        from benchmarks.experiments.merging import merge_files

        count = merge_files(files, out)
        show(
            Report({"files": len(files), "outcomes": count}, f"{count} outcomes of {len(files)} files"), as_json=as_json
        )
