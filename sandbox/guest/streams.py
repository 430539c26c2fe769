"""Pipes of a running program: fed, read and bounded without ever blocking on it."""

from __future__ import annotations

import os
import selectors
import signal
from contextlib import suppress

_CHUNK = 1 << 16


class HeadAndTail:
    """What is kept of a stream: its head and its tail, half of `most` bytes each; it overflows beyond `limit`."""

    def __init__(self, most: int, limit: int) -> None:
        self.half = max(1, most // 2)
        self.limit = limit
        self.total = 0
        self.head = bytearray()
        self.tail = bytearray()

    def add(self, data: bytes) -> None:
        """Take more of the stream."""
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        del self.tail[: -self.half]

    @property
    def truncated(self) -> bool:
        """Something between head and tail is gone."""
        return self.total > len(self.head) + len(self.tail)

    @property
    def overflowed(self) -> bool:
        """More came than the limit allows."""
        return self.total > self.limit

    def kept(self) -> bytes:
        """Head and tail, with a line between them that counts what is missing."""
        missing = self.total - len(self.head) - len(self.tail)
        between = b"\n... %d bytes left out ...\n" % missing if missing else b""
        return bytes(self.head + between + self.tail)


class Feed:
    """Bytes on their way into a pipe."""

    def __init__(self, data: bytes) -> None:
        self.rest = memoryview(data)

    def write(self, fd: int) -> bool:
        """Write what the pipe takes; whether more is to come. A reader that has gone wants no more."""
        try:
            self.rest = self.rest[os.write(fd, self.rest[:_CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self.rest)


class Pump:
    """Moves bytes until told otherwise, and wakes when a child of this process ends."""

    def __init__(self, sinks: dict[int, HeadAndTail], feeds: dict[int, Feed]) -> None:
        self.sinks = sinks
        self.feeds = feeds
        self.selector = selectors.DefaultSelector()
        self.bell, ring = os.pipe()
        for fd in (self.bell, ring, *sinks, *feeds):
            os.set_blocking(fd, False)
        for fd in (self.bell, *sinks):
            self.selector.register(fd, selectors.EVENT_READ)
        for fd in feeds:
            self.selector.register(fd, selectors.EVENT_WRITE)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # an ignored signal would not ring the bell

    @property
    def overflowed(self) -> bool:
        """Any stream is beyond its limit."""
        return any(sink.overflowed for sink in self.sinks.values())

    @property
    def truncated(self) -> bool:
        """Something of any stream is gone."""
        return any(sink.truncated for sink in self.sinks.values())

    def turn(self, seconds: float) -> None:
        """Move what can be moved, waiting at most so long for something to happen."""
        for key, _ in self.selector.select(max(0.0, seconds)):
            if key.fd == self.bell:
                with suppress(BlockingIOError):
                    os.read(self.bell, _CHUNK)
            elif not self._move(key.fd):
                self.selector.unregister(key.fd)
                os.close(key.fd)

    def drain(self) -> None:
        """Read what a dead program has left in its pipes. A pipe without an end is empty: its writer is in flight."""
        for fd in self.sinks.keys() & set(self.selector.get_map()):
            with suppress(BlockingIOError):
                while self._read(fd):
                    pass

    def _move(self, fd: int) -> bool:
        if fd in self.feeds:
            return self.feeds[fd].write(fd)
        try:
            return self._read(fd)
        except BlockingIOError:
            return True

    def _read(self, fd: int) -> bool:
        data = os.read(fd, _CHUNK)
        self.sinks[fd].add(data)
        return bool(data)
