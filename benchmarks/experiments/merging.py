"""Join files of one run: those of its shards, or of machines that did a part each. Changes none of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.errors import InvalidRequestError
from agent.files.access import write_whole
from agent.messages import quote
from agent.trace import read_trace, write_line
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, natural_order
from benchmarks.experiments.record_file import describe_other_run, key_of, read_run, same_but_for_time


def merge_files(paths: Sequence[Path], out: Path) -> int:
    """Write the outcomes of many files into a new one, in order; return their number. The first file's head stays.

    Raises InvalidRequestError for files of different runs, and for two outcomes of one item that differ.
    """
    first = read_run(paths[0], ProblemOutcome)
    merged: dict[Key, ProblemOutcome] = {}
    for path in paths:
        run = read_run(path, ProblemOutcome)
        if differing := describe_other_run(first, run):
            raise InvalidRequestError(
                f"{quote(paths[0])} (there) and {quote(path)} (here) are of different runs: {differing}; "
                "merge the shards of one run"
            )
        for record in run.records:
            if not same_but_for_time(merged.setdefault(key_of(record), record), record):
                raise InvalidRequestError(
                    f"{quote(path)} has another outcome of {quote(record.task_id)} than a file before it; leave one out"
                )
    head = next(read_trace(paths[0]), {})
    lines = [write_line("provenance", head)] if head.get("kind") == "provenance" else []
    lines += [write_line(ProblemOutcome.KIND, merged[key]) for key in sorted(merged, key=natural_order)]
    write_whole(out, b"".join(lines))
    return len(merged)
