"""A run as JSON lines: its provenance first, then every event, appended whole. Reading skips a torn last line."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.errors import FileAccessError
from agent.files.access import read_bounded
from agent.files.appended import AppendedFile
from agent.files.plain import plain
from agent.messages import quoted

MOST_BYTES = 2**28  # of a trace that is read
_BEGINS = b'{"kind": "provenance"'


class TraceWriter:
    """Appends records to a new file, or to an old one with `resume`. The first line is where the run came from."""

    def __init__(self, path: Path, provenance: dict[str, Any], *, resume: bool = False) -> None:
        self._file, self._provenance = AppendedFile(path, begins=_BEGINS, resume=resume), provenance
        self._begun = not self._file.empty
        self._told = _parsed(self._file.last_line()).get("event", 0)
        there = _parsed(self._file.first_line()).get("thread")
        if there is not None and there != provenance.get("thread"):
            self.close()
            raise FileAccessError(f"{quoted(path)} holds the run of the thread {quoted(there)}; choose another name")

    @property
    def keeps(self) -> bool:
        """It writes a file, which can be read again; a stream is none."""
        return self._file.keeps

    def begin(self) -> None:
        """Write the provenance, if it does not stand there yet. Raises StorageError."""
        if not self._begun:
            self._file.append(_line("provenance", self._provenance))
            self._begun = True

    def write(self, kind: str, record: Any) -> None:
        """Append one record. Raises StorageError where the disk does not take it."""
        self.begin()
        self._file.append(_line(kind, record))

    def log(self, number: int, event: Any) -> None:
        """Append an event of a run, with its number in it, if it does not stand there from before a kill."""
        if number > self._told:
            self.write(type(event).__name__.lower(), {"event": number, **plain(event)})
            self._told = number

    def close(self) -> None:
        """Close the file; what stands in it is whole."""
        self._file.close()


def _parsed(line: bytes) -> dict[str, Any]:
    """Return the record in a line of our own; nothing where it was spoiled."""
    with suppress(ValueError, RecursionError):
        record = json.loads(line)
        if isinstance(record, dict) and isinstance(record.get("event", 0), int):
            return record
    return {}


def _line(kind: str, record: Any) -> bytes:
    return json.dumps({"kind": kind, **plain(record)}, ensure_ascii=False).encode() + b"\n"


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a trace; a torn last line, left by a kill, is passed over. Raises FileAccessError."""
    *lines, torn = read_bounded(path, MOST_BYTES).split(b"\n")
    if torn and not lines and not torn.startswith(b"{"):
        raise _no_record(path, 1, "it is no JSON object")
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise _no_record(path, number, reason) from error
        if not isinstance(record, dict):
            raise _no_record(path, number, f"it is a {type(record).__name__}")
        yield record


def _no_record(path: Path, number: int, reason: str) -> FileAccessError:
    return FileAccessError(
        f"{quoted(path)}, line {number}: this is no trace record ({reason[:200]}); wanted one JSON object a line"
    )


def provenance_of() -> dict[str, Any]:
    """Return what a run came from: time, command, versions and, in a checkout, the commit (dirty: and more)."""
    versions = {}
    for name in ("dubito", "torch", "transformers", "langgraph"):
        with suppress(PackageNotFoundError):  # a checkout that was not installed
            versions[name] = version(name)
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],  # where it lies on this machine is nobody's business
        "python": platform.python_version(),
        "versions": versions,
        "commit": _commit(Path(__file__).resolve().parents[1]),
    }


def _commit(folder: Path) -> str | None:
    """Return the commit of this project's own checkout; None where it is installed, whoever's repository that is in."""
    project = folder / "pyproject.toml"
    if not ((folder / ".git").exists() and project.is_file() and 'name = "dubito"' in project.read_text("utf-8")):
        return None
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }  # GIT_DIR is another
    with suppress(FileNotFoundError):  # no git here
        described = subprocess.run(describe, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return described.stdout.strip() or None
    return None
