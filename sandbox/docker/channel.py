"""Talk to a container's fork server over its standard streams, through the engine's attach socket."""

from __future__ import annotations

import socket
import struct
import time
import weakref
from typing import Any

from sandbox.base import SandboxError
from sandbox.channel import CHUNK_BYTES, Closed
from sandbox.docker.client import create_container, remove_container

STREAM_HEADER = struct.Struct(">BxxxI")  # of docker's multiplexed stream: which (1 stdout, 2 stderr), how many bytes


class DockerChannel:
    """The channel to a fork server in a container of its own."""

    def __init__(self, client: Any, image: str, options: dict[str, Any]) -> None:
        from docker.errors import DockerException

        self._buffer = bytearray()
        self._errors = bytearray()
        self._attached: Any = None
        try:
            container = create_container(client, image, options)
            self._remove = weakref.finalize(self, remove_container, client, container)
            streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self._attached = client.api.attach_socket(container, params=streams)
            self._socket: socket.socket = getattr(self._attached, "_sock", self._attached)  # over TLS: itself
            client.api.start(container)
        except (DockerException, OSError) as error:
            self._detach()
            raise SandboxError(f"the container does not start: {error}") from error

    def send(self, data: bytes, deadline: float) -> None:
        """Send all the data."""
        try:
            self._socket.settimeout(_seconds_left(deadline))
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionError) as error:
            raise Closed(self._last_words()) from error

    def receive(self, count: int, deadline: float) -> bytes:
        """Receive exactly `count` bytes of the server's stdout."""
        while len(self._buffer) < count:
            stream, size = STREAM_HEADER.unpack(self._read(STREAM_HEADER.size, deadline))
            (self._errors if stream == 2 else self._buffer).extend(self._read(size, deadline))
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def close(self) -> None:
        """Remove the container, and wait until it is gone."""
        self._detach()
        self._remove()

    def _detach(self) -> None:
        response = getattr(self._attached, "_response", None)
        if response is not None:
            response.close()  # it flushes, so it is closed before its socket
        if self._attached is not None:
            self._attached.close()

    def _read(self, count: int, deadline: float) -> bytes:
        parts = []
        while count:
            try:
                self._socket.settimeout(_seconds_left(deadline))
                part = self._socket.recv(min(count, CHUNK_BYTES))
            except ConnectionError as error:
                raise Closed(self._last_words()) from error
            if not part:
                raise Closed(self._last_words())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _last_words(self) -> str:
        words = self._errors.decode("utf-8", "replace").strip()
        return f"the container has ended: {words or 'no message'} (try: docker version)"


def _seconds_left(deadline: float) -> float:
    """Return the seconds until the deadline, never zero: a socket with time-out zero does not block at all."""
    return max(0.001, deadline - time.monotonic())
