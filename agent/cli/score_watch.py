"""`dubito score --watch`: score files again whenever they are saved. The model is loaded once."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from agent.errors import FileAccessError, InvalidRequestError
from agent.program.spans import FileSpans
from agent.views.editor_lines import SCORED, SCORING, write_editor_lines
from agent.views.numbers import format_count
from agent.views.say import complain, say, write_data
from agent.views.text import one_line

if TYPE_CHECKING:
    from agent.cli.scored_files import FileScorer

_SECONDS = 0.5  # between two looks at the files


class _Version(NamedTuple):
    """What tells one version of a file from another one."""

    modified: int  # nanoseconds
    size: int


_NEVER = _Version(-1, -1)  # of a file that was not scored yet


def watch_files(scorer: FileScorer, paths: Sequence[Path]) -> NoReturn:
    """Score files that are named at once, and these and the files below folders whenever they are saved.

    Each round begins and ends with a line of its own, and prints the spans of all files that were scored so far:
    editors forget the problems of the round before. Ends by an interrupt.
    """
    scored = dict[Path, FileSpans]()
    first = _read_versions(paths)
    versions = {path: version for path, version in first.items() if path not in paths}
    say(f"watching {format_count(len(first), 'file')}; each is scored when it is saved, until Ctrl-C", err=True)
    while True:
        current = _read_versions(paths)
        changed = [path for path, version in current.items() if versions.get(path, _NEVER) != version]
        gone = [path for path in scored if path not in current]
        versions = current
        if changed or gone:
            write_data(f"{SCORING} {one_line(', '.join(map(str, changed + gone)))}")
            for path in gone:
                del scored[path]
            for path in changed:
                _score_again(scorer, path, scored)
            _write_round(scored.values())
        time.sleep(_SECONDS)


def _write_round(scored: Collection[FileSpans]) -> None:
    """Print the spans of all files, and the line that ends a round."""
    for each in scored:
        for line in write_editor_lines(each):
            write_data(line)
    spans = format_count(sum(len(each.spans) for each in scored), "doubtful span")
    write_data(f"{SCORED} with {spans} in {format_count(len(scored), 'file')}")


def _score_again(scorer: FileScorer, path: Path, scored: dict[Path, FileSpans]) -> None:
    """Score one file, or say why it cannot be scored: then the spans of its last version are gone."""
    scored.pop(path, None)
    try:
        scored[path] = scorer.score(path, again=True)
    except (InvalidRequestError, FileAccessError) as error:
        complain(error)


def _read_versions(paths: Iterable[Path]) -> dict[Path, _Version | None]:
    """Return the versions of the files to score, by their paths; None for one that is not there."""
    from agent.cli.scored_files import list_python_files

    return {path: _read_version(path) for path in list_python_files(paths, needed=False)}


def _read_version(path: Path) -> _Version | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _Version(status.st_mtime_ns, status.st_size)
