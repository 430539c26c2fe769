"""Feed, read and bound the pipes of a running program, without ever blocking on it."""

from __future__ import annotations

import os
import selectors
import signal
from contextlib import suppress

_CHUNK = 1 << 16


class HeadAndTail:
    """Keeps the head and the tail of a stream, half of `most` bytes each. It overflows beyond `limit` bytes."""

    def __init__(self, most: int, limit: int) -> None:
        self.half = max(1, most // 2)
        self.limit = limit
        self.total = 0
        self.head = bytearray()
        self.tail = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        del self.tail[: -self.half]

    @property
    def truncated(self) -> bool:
        """Bytes between head and tail were dropped."""
        return self.total > len(self.head) + len(self.tail)

    @property
    def overflowed(self) -> bool:
        """The stream is longer than the limit."""
        return self.total > self.limit

    def joined(self) -> bytes:
        """Return head and tail, with a line between them that counts the dropped bytes."""
        missing = self.total - len(self.head) - len(self.tail)
        between = b"\n... %d bytes left out ...\n" % missing if missing else b""
        return bytes(self.head + between + self.tail)


class Feed:
    """Bytes on their way into a pipe."""

    def __init__(self, data: bytes) -> None:
        self.rest = memoryview(data)

    def write(self, fd: int) -> bool:
        """Write what the pipe takes; return whether more is to be written. Stop where the reader has gone."""
        try:
            self.rest = self.rest[os.write(fd, self.rest[:_CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self.rest)


class Pump:
    """Moves bytes through all pipes, and wakes when a child of this process ends."""

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
        """A stream is longer than its limit."""
        return any(sink.overflowed for sink in self.sinks.values())

    @property
    def truncated(self) -> bool:
        """Bytes of a stream were dropped."""
        return any(sink.truncated for sink in self.sinks.values())

    def turn(self, seconds: float) -> None:
        """Move what can be moved; wait at most this long for something to happen."""
        for key, _ in self.selector.select(max(0.0, seconds)):
            if key.fd == self.bell:
                with suppress(BlockingIOError):
                    os.read(self.bell, _CHUNK)
            elif not self._move(key.fd):
                self.selector.unregister(key.fd)
                os.close(key.fd)

    def drain(self) -> None:
        """Read what a dead program left in its pipes. Where a pipe has no end yet, its writer is in flight."""
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
