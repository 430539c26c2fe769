"""Read and write length-prefixed frames over file descriptors, for host and guest. Decides nothing about trust."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

LENGTH = struct.Struct(">I")
LARGEST_FRAME = 1 << 28  # bytes of one frame; no peer can make the reader allocate more


class WireError(ValueError):
    """The bytes are not a frame, or end within one."""


def frame(payload: bytes) -> bytes:
    """Put the length before the payload."""
    if len(payload) > LARGEST_FRAME:
        raise WireError(f"a frame of {len(payload)} bytes; the largest is {LARGEST_FRAME}")
    return LENGTH.pack(len(payload)) + payload


def pack(header: dict[str, Any], *blobs: bytes) -> bytes:
    """Build a payload: a JSON header, which holds the sizes of the blobs, and the raw blobs behind it."""
    text = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode("ascii")
    return b"".join((frame(text), *blobs))


def unpack(payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Split a packed payload into header and blobs. Raises WireError."""
    text = next(frames(payload), b"")
    start = LENGTH.size + len(text)
    try:
        header = json.loads(text)
        sizes = header.pop("sizes")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"a header that cannot be read: {text[:80]!r}") from error
    if type(sizes) is not list or not all(type(size) is int and size >= 0 for size in sizes):
        raise WireError(f"a header without the sizes of its blobs: {text[:80]!r}")
    blobs = []
    for size in sizes:
        blobs.append(payload[start : start + size])
        start += size
    if start != len(payload):
        raise WireError(f"{len(payload)} bytes where the header announces {start}")
    return header, blobs


def frames(data: bytes) -> Iterator[bytes]:
    """Yield the payload of each frame. Raises WireError where the data end within one."""
    start = 0
    while start < len(data):
        end = start + LENGTH.size
        if end > len(data):
            raise WireError("the data end within a length")
        end += LENGTH.unpack_from(data, start)[0]
        if end > len(data):
            raise WireError("the data end within a frame")
        yield data[start + LENGTH.size : end]
        start = end


def read_frame(fd: int) -> bytes:
    """Read the next frame and return its payload. Raises EOFError where the peer has closed."""
    (length,) = LENGTH.unpack(read_exactly(fd, LENGTH.size))
    if length > LARGEST_FRAME:
        raise WireError(f"a frame of {length} bytes; the largest is {LARGEST_FRAME}")
    return read_exactly(fd, length)


def read_exactly(fd: int, count: int) -> bytes:
    """Read exactly `count` bytes. Raises EOFError where fewer come."""
    parts = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            raise EOFError(f"the peer closed with {count} bytes to come")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(fd: int, data: bytes) -> None:
    """Write all of the data, however many writes it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
