"""Send bytes to a fork server and receive bytes, with deadlines. Knows nothing of programs, and trusts no byte."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import Protocol

from sandbox.base import SandboxError

CHUNK_BYTES = 1 << 20


class Closed(SandboxError):  # noqa: N818 - "the channel is closed" is the sentence
    """The fork server has ended."""


class Channel(Protocol):
    """A running fork server."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all the data. Raises Closed, or TimeoutError past the deadline (of time.monotonic)."""

    def receive(self, count: int, deadline: float) -> bytes:
        """Receive exactly `count` bytes. Raises Closed, or TimeoutError past the deadline."""

    def close(self) -> None:
        """End the server and all its processes. Never raises."""


class PipeChannel:
    """The channel to a fork server that runs as a process of this machine."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # the terminal's Ctrl-C must not reach the server
            cwd="/",
            env=environment,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._stdin.fileno(), False)

    def send(self, data: bytes, deadline: float) -> None:
        """Send all the data."""
        rest = memoryview(data)
        while rest:
            _wait(self._stdin.fileno(), selectors.EVENT_WRITE, deadline)
            try:
                rest = rest[os.write(self._stdin.fileno(), rest[:CHUNK_BYTES]) :]
            except BrokenPipeError:
                raise Closed(self._last_words()) from None

    def receive(self, count: int, deadline: float) -> bytes:
        """Receive exactly `count` bytes."""
        parts = []
        while count:
            _wait(self._stdout.fileno(), selectors.EVENT_READ, deadline)
            part = os.read(self._stdout.fileno(), min(count, CHUNK_BYTES))
            if not part:
                raise Closed(self._last_words())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the server's stdin, which makes it end; kill it where it does not."""
        self._stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._stderr.close()

    def _last_words(self) -> str:
        self._process.wait()
        words = self._stderr.read(CHUNK_BYTES).decode("utf-8", "replace").strip()
        return f"the fork server has ended with exit code {self._process.returncode}: {words or 'no message'}"


def _wait(fd: int, event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError("the fork server has not answered in time")
