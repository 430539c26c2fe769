"""`dubito bench merge`: join the files of a run's shards into one. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.views.say import show

_MOST_NAMED = 8  # missing shards


def bench_merge(
    files: Annotated[list[Path], typer.Argument(help="Outcome files of the shards of one run.")],
    out: Annotated[Path, typer.Option(help="Write the whole run here. An old file is not replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Join the outcome files of a run's shards, in order. Refuse files of different runs, and name missing shards.

    Example: dubito bench merge runs/he/greedy-once.1-of-2.jsonl runs/he/greedy-once.2-of-2.jsonl --out he.jsonl
    """
    with report_errors(as_json):
        from agent.views.report import Report
        from benchmarks.experiments.merging import merge_files
        from benchmarks.experiments.plan import find_missing_shards
        from benchmarks.experiments.stories import is_story_file

        count = merge_files(files, out)
        shards = sum(not is_story_file(file) for file in files)
        missing = [str(shard) for shard in find_missing_shards(files)]
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        lacks = f"; missing shards: {', '.join(missing[:_MOST_NAMED])}{more}" if missing else ""
        report = {"files": shards, "outcomes": count, "missing": missing}
        show(Report(report, f"{count} outcomes of {shards} files{lacks}"), as_json=as_json)
