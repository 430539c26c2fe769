"""Score files under one model, one after the other. A file that cannot be scored stops no other one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.inputs import name_file, read_source
from agent.errors import DubitoError, FileAccessError, InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.messages import quote
from agent.program.spans import FileSpans, SourceLines
from agent.program.surprises import check_python
from agent.views.say import is_watched, say
from agent.views.text import one_line

if TYPE_CHECKING:
    from agent.lm.base import Model
    from agent.lm.scoring import SourceScorer

_LINE_SECONDS = 10.0  # between two lines on how far a long file is
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def list_python_files(paths: Iterable[Path], *, needed: bool = True) -> list[Path]:
    """Return the files to score: those that are named, and the Python files below folders that are named.

    Hidden folders and those of packages are left out. needed: raise InvalidRequestError for a folder without any.
    """
    files = list[Path]()
    for path in paths:
        if str(path) == STANDARD_STREAM or not path.is_dir():
            files.append(path)
            continue
        inside = sorted(each for each in path.rglob("*.py") if _is_own(each.relative_to(path)))
        if needed and not inside:
            raise InvalidRequestError(
                f"{quote(path)} is a folder without a Python file; name a file, or another folder"
            )
        files += inside
    return list(dict.fromkeys(files))


def _is_own(path: Path) -> bool:
    return not any(part.startswith(".") or part in _SKIPPED for part in path.parts)


def read_python_file(path: Path, name: str) -> str:
    """Read a file that is to be scored. Raises InvalidRequestError and FileAccessError for one that cannot be."""
    source = read_source(path, "the program")
    check_python(source, name)
    return source


@dataclass(slots=True)
class FileScorer:
    """Scores files under a model that is loaded when the first file was read."""

    load: Callable[[], Model]
    most: int
    stdin_name: str = ""
    _model: Model | None = None
    _scorers: dict[Path, SourceScorer] = field(default_factory=dict)  # of files that are scored again

    def score(self, path: Path, *, again: bool = False) -> FileSpans:
        """Score a file. again: keep what was read, because the file will be scored again.

        Raises InvalidRequestError and FileAccessError for this file alone, and the model's errors.
        """
        from agent.lm.scoring import SourceScorer

        name = self.stdin_name if str(path) == STANDARD_STREAM and self.stdin_name else name_file(path)
        source = read_python_file(path, name)
        if not source.strip():
            return FileSpans(name, source, ())
        if self._model is None:
            self._model = self.load()
        scorer = self._scorers.get(path) or SourceScorer(self._model)
        if again:
            self._scorers[path] = scorer
        spans = scorer.score(source, file=name, most=self.most, stop=_say_progress(name, source, scorer))
        return FileSpans(name, source, spans or ())

    def score_all(self, paths: Iterable[Path]) -> Iterator[FileSpans | DubitoError]:
        """Yield the spans of each file, or why it cannot be scored."""
        for path in paths:
            try:
                yield self.score(path)
            except (InvalidRequestError, FileAccessError) as error:
                yield error


def _say_progress(name: str, source: str, scorer: SourceScorer) -> Callable[[], bool]:
    """Return a function that never stops a scoring, and says now and then on a terminal how far it is."""
    lines, last = SourceLines(source), time.monotonic()

    def say_now_and_then() -> bool:
        nonlocal last
        if is_watched(err=True) and time.monotonic() - last > _LINE_SECONDS:
            last = time.monotonic()
            row = lines.position(scorer.tokens[-1].start).line if scorer.tokens else 0
            say(f"{one_line(name)}: line {row} of {len(lines)}", err=True)
        return False

    return say_now_and_then
