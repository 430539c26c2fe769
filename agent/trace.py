"""A run as JSON lines: its provenance first, then every event, appended whole. Reading skips a torn last line."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from typing import Any

from agent.errors import InfrastructureError, UsageError


class TraceWriter:
    """Appends records to a new file, or to an old one with `resume`. A line that is not whole is taken back."""

    def __init__(self, path: Path, provenance: dict[str, Any], *, resume: bool = False) -> None:
        self._path = path
        if resume and path.is_file():
            self._file = _whole_lines(path)
            if self._file.tell() == 0:  # the kill came before the first line
                self.write("provenance", provenance)
            return
        try:
            self._file = path.open(
                "ab" if path.exists() and not path.is_file() else "xb", buffering=0
            )  # a pipe may exist
        except FileExistsError:
            raise UsageError(
                f"the trace file {str(path)!r} exists and is never rewritten; choose another name"
            ) from None
        except OSError as error:
            raise UsageError(
                f"cannot write a trace to {str(path)!r}: {error.strerror}; choose another place"
            ) from error
        try:
            self.write("provenance", provenance)
        except InfrastructureError:
            self.close()
            raise

    def write(self, kind: str, record: Any) -> None:
        """Append one record. Raises InfrastructureError where the disk does not take it."""
        fields = asdict(record) if is_dataclass(record) and not isinstance(record, type) else dict(record)
        line = json.dumps({"kind": kind, **plain(fields)}, ensure_ascii=False).encode() + b"\n"
        start = self._file.tell()
        try:
            written = self._file.write(line)
        except OSError as error:
            raise self._failed(start, error.strerror or str(error)) from error
        if written != len(line):
            raise self._failed(start, "no space left on the device")

    def close(self) -> None:
        """Close the file; what stands in it is whole."""
        self._file.close()

    def _failed(self, start: int, reason: str) -> InfrastructureError:
        if self._path.is_file():
            os.truncate(self._path, start)
        whole = "its lines so far are whole; free some space, or choose another place"
        return InfrastructureError(f"cannot write the trace {str(self._path)!r}: {reason}; {whole}")


def _whole_lines(path: Path) -> FileIO:
    """Open a file to go on after its last whole line: what a kill left behind it is dropped."""
    os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    return path.open("ab", buffering=0)


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a trace; a torn last line, left by a kill, is passed over. Raises UsageError."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"cannot read the trace {str(path)!r}: {error.strerror}") from error
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise UsageError(
                f"{path}:{number}: this is no trace record ({error}); wanted one JSON object a line"
            ) from error


def provenance_of() -> dict[str, Any]:
    """Return what a run came from: time, command, versions and, in a checkout, the commit (dirty: and more)."""
    versions = {name: version(name) for name in ("torch", "transformers", "langgraph")}
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    commit = ""
    with suppress(FileNotFoundError):  # no git here
        commit = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],  # where it lies on this machine is nobody's business
        "python": platform.python_version(),
        "versions": versions,
        "commit": commit.strip() or None,
    }


def plain(value: Any) -> Any:
    """Return the value as JSON has it: what is infinite or no number becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
