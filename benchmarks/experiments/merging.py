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
from benchmarks.experiments.record_file import R, describe_other_run, digest_record, key_of, read_run
from benchmarks.experiments.stories import Story, is_story_file, name_story_file


def merge_files(paths: Sequence[Path], out: Path) -> int:
    """Write the outcomes of many files into a new one, in order; return their number. The first file's head stays.

    It joins the stories beside them, too, where every file has some; stories among the paths are passed over. Raises
    InvalidRequestError for files of different runs, and for two outcomes of one item that differ.
    """
    paths = [path for path in paths if not is_story_file(path)] or paths
    count = _merge(paths, out, ProblemOutcome)
    stories = [name_story_file(path) for path in paths]
    if all(path.exists() for path in stories):
        _merge(stories, name_story_file(out), Story)
    return count


def _merge(paths: Sequence[Path], out: Path, kind: type[R]) -> int:
    first = read_run(paths[0], kind)
    merged: dict[Key, R] = {}
    for path in paths:
        run = read_run(path, kind)
        if differing := describe_other_run(first, run):
            raise InvalidRequestError(
                f"{quote(paths[0])} (there) and {quote(path)} (here) are of different runs: {differing}; "
                "merge the shards of one run"
            )
        for record in run.records:
            if digest_record(merged.setdefault(key_of(record), record)) != digest_record(record):
                raise InvalidRequestError(
                    f"{quote(path)} has another {kind.KIND} of {quote(record.task_id)} than a file before it; "
                    "leave one out"
                )
    head = next(read_trace(paths[0]), {})
    lines = [write_line("provenance", head)] if head.get("kind") == "provenance" else []
    lines += [write_line(kind.KIND, merged[key]) for key in sorted(merged, key=natural_order)]
    write_whole(out, b"".join(lines))
    return len(merged)
