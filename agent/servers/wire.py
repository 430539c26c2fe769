"""One JSON object a line over stdin and stdout, as the protocols of assistants write it. Knows none of them.

What is no such line is answered with the error of JSON-RPC, and the next line is read: nonsense ends no server.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import queue
import re
import sys
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, NoReturn

MOST_BYTES = 2**24  # of a message
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600  # of JSON-RPC 2.0
_AHEAD = 4  # messages that are read before they are wanted
_CHUNK = 2**16  # bytes
_LAST_SECONDS = 2.0  # in which the last messages can be read
_ID = re.compile(rb'\s*\{[^{}\[\]]*?"id"\s*:\s*(\d{1,18}|"[^"\\]{0,100}")\s*[,}]')


class _Line(NamedTuple):
    """A line, or the beginning of one that is too long."""

    data: bytes
    whole: bool


class Wire:
    """The two ends of a connection. Its threads read and write, so a peer that is slow stops nobody but itself."""

    def __init__(self, source: int, sink: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines = asyncio.Queue[_Line | None](_AHEAD)
        self._out = queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None]()
        self._source, self._sink = source, sink
        self._broken = self._closed = False
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        threading.Thread(target=self._read, daemon=True).start()

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message; None after the last one."""
        while (line := await self._lines.get()) is not None:
            if line.data.strip():
                message = _parse(line)
                if isinstance(message, dict):
                    return message
                match = _ID.match(line.data[:_CHUNK])  # where it stands before all that is long
                await self.answer(json.loads(match[1]) if match else None, *message)
        return None

    async def send(self, message: dict[str, Any]) -> None:
        """Write a message, and wait until it is written. Raises ConnectionError where nobody reads it."""
        if self._closed:
            raise ConnectionError("the connection is closed")
        data = f"{json.dumps(message, separators=(',', ':'))}\n".encode()
        written = self._loop.create_future()
        self._out.put((data, written))
        await written

    async def answer(self, number: int | str | None, code: int, sentence: str) -> None:
        """Answer what is no message, or none that can be understood, with an error. number: its id."""
        with suppress(ConnectionError):
            await self.send({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": sentence}})

    async def close(self) -> None:
        """Write what was sent before, if it is read soon."""
        self._closed = True
        self._out.put(None)
        await asyncio.to_thread(self._writer.join, _LAST_SECONDS)

    def end(self) -> None:
        """Let the messages end, as if the peer had closed its side."""
        while self._lines.full():
            self._lines.get_nowait()
        self._lines.put_nowait(None)

    def _read(self) -> None:
        with open(self._source, "rb", buffering=_CHUNK, closefd=False) as file:
            try:
                while data := file.readline(MOST_BYTES):
                    whole = data.endswith(b"\n") or len(data) < MOST_BYTES
                    self._give(_Line(data if whole else data[:_CHUNK], whole))
                    if not whole:
                        _skip_line(file)
                self._give(None)
            except (OSError, RuntimeError, CancelledError):  # the descriptor is gone, or the loop has ended
                pass

    def _give(self, line: _Line | None) -> None:
        putting = self._lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, self._loop).result()
        finally:
            putting.close()

    def _write(self) -> None:
        while (item := self._out.get()) is not None:
            data, written = item
            try:
                if self._broken:
                    raise BrokenPipeError
                left = memoryview(data)
                while left:
                    left = left[os.write(self._sink, left) :]
                error = None
            except OSError:
                self._broken, error = True, ConnectionError("nobody reads what is written any more")
            try:
                self._loop.call_soon_threadsafe(self._settle, written, error)
            except RuntimeError:  # the loop has ended
                return

    def _settle(self, written: asyncio.Future[None], error: ConnectionError | None) -> None:
        if error is not None:
            self.end()
        if written.done():
            return
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def claim_streams() -> tuple[int, int]:
    """Take stdin and stdout for a wire, and return their descriptors.

    From now on this process and its children read nothing from stdin, and what they print goes to stderr.
    """
    sys.stdout.flush()
    source, sink = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for number in (0, 1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _parse(line: _Line) -> dict[str, Any] | tuple[int, str]:
    """Return a message; for what is none, the code and the sentence of the error."""
    if not line.whole:
        return _INVALID_REQUEST, f"the message has more than {MOST_BYTES // 2**20} MiB; send less at once"
    try:
        message = json.loads(line.data)
    except (ValueError, RecursionError):
        return _PARSE_ERROR, "a line came that is no JSON; wanted one message of JSON-RPC a line"
    if not isinstance(message, dict) or not _is_message(message):
        return _INVALID_REQUEST, "JSON came that is no message of JSON-RPC; wanted an object with a method or a result"
    return message


def _is_message(message: dict[str, Any]) -> bool:
    number, method = message.get("id"), message.get("method")
    is_named = isinstance(number, int | str | None) and not isinstance(number, bool)
    return is_named and isinstance(method, str) if "method" in message else is_named and "id" in message


def _skip_line(file: BinaryIO) -> None:
    """Read up to the end of a line, and keep nothing of it."""
    while (data := file.readline(_CHUNK)) and not data.endswith(b"\n"):
        pass


def end_process(code: int = 0) -> NoReturn:
    """End the process at once. Python's own end would wait for a thread in which a model works or is loaded."""
    sys.stderr.flush()
    os._exit(code)
