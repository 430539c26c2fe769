"""A run as JSON lines: its provenance, then every event. Each line is whole; reading skips a torn last one."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import FileAccessError
from agent.files.access import explain_errors, open_regular
from agent.files.appended import AppendedFile
from agent.files.plain import make_plain
from agent.messages import quote

_MOST_BYTES = 2**26  # of a line that is read
_BEGINS = b'{"kind": "provenance"'


class TraceWriter:
    """Appends records to a new file, or with `resume` to an old one. Its first line is the run's provenance."""

    def __init__(self, path: Path, provenance: dict[str, Any], *, resume: bool = False) -> None:
        self._file, self._provenance = AppendedFile(path, begins=_BEGINS, resume=resume), provenance
        self._has_provenance = not self._file.empty
        self._last_event = _read_line(self._file.last_line()).get("event", 0)
        thread = _read_line(self._file.first_line()).get("thread")
        if thread is not None and thread != provenance.get("thread"):
            self.close()
            raise FileAccessError(f"{quote(path)} holds the run of the thread {quote(thread)}; choose another name")

    @property
    def keeps(self) -> bool:
        """Decide whether it writes a file, which can be read again, and not a stream."""
        return self._file.keeps

    @property
    def has_provenance(self) -> bool:
        """Decide whether the first line is there, whole."""
        return self._has_provenance

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add facts to the provenance, which were not known when the file was opened. A file that has one keeps it."""
        self._provenance = {**self._provenance, **facts}

    def begin(self) -> None:
        """Write the provenance where the file lacks it. Raises StorageError."""
        if not self._has_provenance:
            self._file.append(write_line("provenance", self._provenance))
            self._has_provenance = True

    def write(self, kind: str, record: Any) -> None:
        """Append one record. Raises StorageError where the disk does not take it."""
        self.begin()
        self._file.append(write_line(kind, record))

    def log(self, number: int, event: Any) -> None:
        """Append an event of a run with its number, unless the file has it from before a kill."""
        if number > self._last_event:
            self.write(type(event).__name__.lower(), {"event": number, **make_plain(event)})
            self._last_event = number

    def sort(self, order: Callable[[dict[str, Any]], Any]) -> None:
        """Put the records behind the provenance in order, before the file is closed. A stream stays as it is."""
        self._file.sort(lambda line: order(_read_line(line)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _read_line(line: bytes) -> dict[str, Any]:
    """Return the record in a line of a trace; nothing where the line was spoiled."""
    with suppress(ValueError, RecursionError):
        record = json.loads(line)
        if isinstance(record, dict) and isinstance(record.get("event", 0), int):
            return record
    return {}


def write_line(kind: str, record: Any) -> bytes:
    """Return one record as a line of a file."""
    return json.dumps({"kind": kind, **make_plain(record)}, ensure_ascii=False).encode() + b"\n"


class TraceLine(NamedTuple):
    """A record of a trace, and where it stands."""

    number: int  # of the line, from 1
    start: int  # byte
    record: dict[str, Any]


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a trace, but not a torn last line that a kill left. Raises FileAccessError."""
    return (line.record for line in read_lines_from(path))


def read_lines_from(path: Path, start: int = 0) -> Iterator[TraceLine]:
    """Yield the records of a trace with their places, as `read_trace` does. start: the byte where a line begins.

    Holds one line at a time.
    """
    with open_regular(path) as file, explain_errors(path, "read"):
        file.seek(start)
        for number, line in enumerate(iter(lambda: file.readline(_MOST_BYTES), b""), start=1):
            if not line.endswith(b"\n") and len(line) < _MOST_BYTES:
                if number == 1 and not line.startswith(b"{"):
                    raise _no_record(path, 1, "it is no JSON object")
                return
            yield TraceLine(number, start, _read_record(path, number, line))
            start += len(line)


def _read_record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise _no_record(path, number, f"it is longer than {_MOST_BYTES // 2**20} MiB")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _no_record(path, number, reason) from error
    if not isinstance(record, dict):
        raise _no_record(path, number, f"it is a {type(record).__name__}")
    return record


def _no_record(path: Path, number: int, reason: str) -> FileAccessError:
    return FileAccessError(
        f"{quote(path)}, line {number}: this is no trace record ({reason[:200]}); wanted one JSON object a line"
    )


def collect_provenance() -> dict[str, Any]:
    """Return a run's time, command, versions and, in a checkout, its commit, which is "dirty" after changes."""
    versions = {}
    for name in ("dubito", "torch", "transformers", "langgraph"):
        with suppress(PackageNotFoundError):  # nobody installed the checkout
            versions[name] = version(name)
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],  # without its folder, which is private
        "python": platform.python_version(),
        "versions": versions,
        "commit": _commit(Path(__file__).resolve().parents[1]),
    }


def _commit(folder: Path) -> str | None:
    """Return the commit of this project's checkout; None where it is installed, even in somebody's repository."""
    project = folder / "pyproject.toml"
    if not ((folder / ".git").exists() and project.is_file() and 'name = "dubito"' in project.read_text("utf-8")):
        return None
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    # GIT_DIR and its like may name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with suppress(FileNotFoundError):  # git is not installed
        run = subprocess.run(describe, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return run.stdout.strip() or None
    return None
