"""Join files of one run: those of its shards, or of machines that did a part each. Changes none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

from agent.errors import InvalidRequestError
from agent.files.access import check_writable, explain_errors, follow_links, is_stream, open_regular, replace_file
from agent.messages import quote
from agent.trace import read_trace, write_line
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, natural_order
from benchmarks.experiments.record_file import Record, RecordReader, describe_other_run, digest_record, key_of
from benchmarks.experiments.stories import Story, is_story_file, name_story_file


class _Place(NamedTuple):
    """Where the line of a record stands."""

    file: Path
    start: int  # byte


def merge_files(paths: Sequence[Path], out: Path) -> int:
    """Write the outcomes of many files into a new one, in order; return their number. The first file's head stays.

    It joins the stories beside them, too, where every file has some; stories among the paths are passed over. Both
    files are written, or none. Raises InvalidRequestError for files of different runs, for two outcomes of one item
    that differ, and where `out` is no file.
    """
    with explain_errors(out, "write"):
        if is_stream(out):
            raise InvalidRequestError(f"{quote(out)} is no file, and a merged run has its stories beside it; name one")
    paths = [path for path in paths if not is_story_file(path)] or paths
    outcomes = _place_records(paths, ProblemOutcome)
    merged = {out: _list_lines(paths[0], outcomes)}
    stories = [name_story_file(path) for path in paths]
    if all(path.exists() for path in stories):
        merged[name_story_file(out)] = _list_lines(stories[0], _place_records(stories, Story))
    for place in merged:
        check_writable(place)
    with explain_errors(out, "write"), ExitStack() as files:
        # The outcomes are the last to be moved to their place: without them nobody reads the stories.
        targets = [files.enter_context(replace_file(follow_links(place))) for place in merged]
        for target, lines in zip(targets, merged.values(), strict=True):
            target.writelines(lines)
    return len(outcomes)


def _place_records(paths: Sequence[Path], kind: type[Record]) -> dict[Key, _Place]:
    """Return where the record of each item stands. Raises InvalidRequestError for files that do not fit together."""
    _check_one_run(paths, kind)
    digests, places = dict[Key, str](), dict[Key, _Place]()
    for path in paths:
        for start, record in RecordReader(path, kind).locate():
            places.setdefault(key_of(record), _Place(path, start))
            if digests.setdefault(key_of(record), digest := digest_record(record)) != digest:
                raise InvalidRequestError(
                    f"{quote(path)} has another {kind.KIND} of {quote(record.task_id)} than a file before it; "
                    "leave one out"
                )
    return places


def _check_one_run(paths: Sequence[Path], kind: type[Record]) -> None:
    """Raise InvalidRequestError for files whose first lines are of different runs."""
    first = None
    for path in paths:
        reader = RecordReader(path, kind)
        next(reader.locate(), None)  # it knows the options behind the first line
        first = first or reader
        if differing := describe_other_run(first, reader):
            raise InvalidRequestError(
                f"{quote(paths[0])} (there) and {quote(path)} (here) are of different runs: {differing}; "
                "merge the shards of one run"
            )


def _list_lines(first: Path, places: dict[Key, _Place]) -> Iterator[bytes]:
    """Yield the head of the first file, then the line of each record, in order."""
    head = next(read_trace(first), {})
    if head.get("kind") == "provenance":
        yield write_line("provenance", head)
    with ExitStack() as cleanup:
        files: dict[Path, BinaryIO] = {}
        for key in sorted(places, key=natural_order):
            path, start = places[key]
            if path not in files:
                files[path] = cleanup.enter_context(open_regular(path))
            files[path].seek(start)
            yield files[path].readline()
