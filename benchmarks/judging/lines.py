"""Read JSON lines from a file, gzipped or not, or from standard input, in bounds."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, cast

from agent.errors import InvalidRequestError
from agent.files.access import open_regular
from agent.messages import quote

LONGEST_LINE = 1 << 25  # bytes; a few bytes of gzip can unpack to any length
STANDARD_INPUT = Path("-")
_GZIPPED = b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number, from 1, and the bytes of each line that is not blank.

    A line longer than LONGEST_LINE is cut one byte behind that, and is the last. Where a gzipped file breaks off, the
    last line is a brace, which is no JSON. Raises InvalidRequestError for a file that cannot be read.
    """
    number = 0
    try:
        with ExitStack() as closing:
            lines = _open(path, closing)
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                if line.strip():
                    yield number, line
                if len(line) > LONGEST_LINE:
                    return
    except (OSError, EOFError, zlib.error) as error:
        if number == 0:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            raise InvalidRequestError(
                f"cannot read {display_name(path)}: {reason}; wanted JSON lines, in .gz gzipped"
            ) from error
        yield number + 1, b"{"  # gzip does not give the bytes of the record that is cut off


def parse_record(line: bytes) -> dict[str, Any]:
    """Parse a line as a JSON object. Raises ValueError with what is wrong."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"this line is longer than {LONGEST_LINE >> 20} MiB; it and what follows are not read")
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        what = "this is not JSON" if line.endswith(b"\n") else "the last record is cut off, or not JSON"
        raise ValueError(f"{what} ({getattr(error, 'msg', error)})") from error
    if not isinstance(record, dict):
        raise ValueError(f"this is not a JSON object but a {type(record).__name__}")
    return record


def display_name(path: Path) -> str:
    """Return the name of the file in messages."""
    return "standard input" if path == STANDARD_INPUT else quote(path)


def _open(path: Path, closing: ExitStack) -> IO[bytes]:
    from_stdin = path == STANDARD_INPUT
    file = cast("io.BufferedReader", io.BufferedReader(_Stdin()) if from_stdin else open_regular(path))
    closing.enter_context(file)
    gzipped = path.suffix == ".gz" or file.peek(2)[:2] == _GZIPPED
    return cast("IO[bytes]", closing.enter_context(gzip.open(file)) if gzipped else file)


class _Stdin(io.RawIOBase):
    """Standard input. It stays open when its reader is closed."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        data = sys.stdin.buffer.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
