"""Answer every request of a client with one sentence, where a server cannot be what it was started as."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import DubitoError
from agent.views.say import write_json

_INVALID_PARAMS = -32602  # of JSON-RPC
_MOST_BYTES = 2**24  # of a line


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
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(request, dict) and "method" in request and "id" in request:
            error = {"code": _INVALID_PARAMS, "message": sentence}
            write_json({"jsonrpc": "2.0", "id": request["id"], "error": error})
