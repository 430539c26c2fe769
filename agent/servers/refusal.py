"""Answer every request of a client with one sentence, where a server cannot be what it was started as."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import DubitoError
from agent.views.say import write_data

_INVALID_PARAMS = -32602  # of JSON-RPC
_MOST_BYTES = 2**24  # of a line, or a body
_LENGTH = re.compile(rb"Content-Length: *(\d{1,18})\s*$", re.IGNORECASE)


@contextmanager
def refusing_requests() -> Iterator[None]:
    """Answer the client with an error that comes, until it closes its side, and raise the error then.

    Editors show what a protocol says, and seldom what a process writes on stderr before it ends. A terminal is no
    client.
    """
    try:
        yield
    except DubitoError as error:
        if sys.stdin is not None and not sys.stdin.isatty():
            _refuse_requests(str(error))
        raise


def _refuse_requests(sentence: str) -> None:
    while line := sys.stdin.buffer.readline(_MOST_BYTES):
        length = _LENGTH.match(line)  # of the body behind a header, as the Language Server Protocol has them
        try:
            request = json.loads(_read_body(int(length[1])) if length else line)
        except (ValueError, RecursionError):
            continue
        if isinstance(request, dict) and "method" in request and "id" in request:
            error = {"code": _INVALID_PARAMS, "message": sentence}
            answer = json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error})
            write_data(f"Content-Length: {len(answer)}\r\n\r\n{answer}" if length else answer, nl=not length)


def _read_body(length: int) -> bytes:
    """Read the rest of a header, and the body behind it."""
    while sys.stdin.buffer.readline(_MOST_BYTES).strip():
        pass
    return sys.stdin.buffer.read(min(length, _MOST_BYTES))
