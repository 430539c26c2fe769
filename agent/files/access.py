"""Read files up to a bound, and write them whole. Never replaces a file that Dubito did not write."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from agent.errors import FileAccessError, StorageError
from agent.messages import quote

_MOST_BYTES = 64 * 2**20  # of a file that is read whole
HEAD_BYTES = 2**20  # of a file: they say whose it is
STANDARD_STREAM = "-"  # as a file's name: stdin where it is read, stdout where it is written
_MOST_LINKS = 40
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_OWN = re.compile(r"/dev/(?:std(?:out|err)|fd/\d{1,9})|/proc/self/fd/\d{1,9}")
_SINKS = [os.makedev(1, minor) for minor in (3, 5, 7)]  # Linux: /dev/null, /dev/zero, /dev/full
_TERMINALS = {4, 5, *range(136, 144)}  # Linux: consoles, /dev/tty, pseudo-terminals
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a disk"),
)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read it. Raises FileAccessError for anything else; never waits for a pipe."""
    with explain_errors(path, "read"):
        check_regular(path, path.stat().st_mode)
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")
        check_regular(path, os.fstat(file.fileno()).st_mode)
        return file


def read_bounded(path: Path, most: int = _MOST_BYTES) -> bytes:
    """Return the bytes of a regular file. Raises FileAccessError for another kind, and for more than `most` bytes."""
    with open_regular(path) as file, explain_errors(path, "read"):
        data = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
    if data is None or len(data) > most:
        size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most} bytes"
        raise FileAccessError(f"{quote(path)} is larger than {size}, the most that is read; is it the right file?")
    return data


def check_writable(path: Path, *, is_ours: Callable[[bytes], bool] | None = None) -> None:
    """Raise FileAccessError where `write_whole` would, and write nothing."""
    with explain_errors(path, "write"):
        _find_target(path, is_ours)


def write_whole(path: Path, data: bytes, *, is_ours: Callable[[bytes], bool] | None = None) -> None:
    """Write a file whole or not at all. It may replace an empty file, and one whose first bytes `is_ours` accepts.

    Writes the target of a symbolic link. Writes through `-`, the process's own descriptors, /dev/null, terminals and
    pipes. Raises FileAccessError for any other place, and StorageError where the disk is full.
    """
    with explain_errors(path, "write"):
        place = _find_target(path, is_ours)
        if place is not None:
            with replace_file(place) as file:
                file.write(data)
            return
        stream = open_stream(path)
        try:
            write_fully(stream, data)
        finally:
            close_stream(stream)


def is_stream(path: Path) -> bool:
    """Decide whether a path is written through, as a pipe is. Raises FileAccessError where it can be no file either."""
    place = follow_links(path)
    if str(path) == STANDARD_STREAM or _OWN.fullmatch(str(place)):
        return True
    try:
        status = place.stat()
    except FileNotFoundError:
        return False
    if stat.S_ISREG(status.st_mode):
        return False
    harmless = status.st_rdev in _SINKS or os.major(status.st_rdev) in _TERMINALS
    if stat.S_ISFIFO(status.st_mode) or (stat.S_ISCHR(status.st_mode) and harmless):
        return True
    raise FileAccessError(f"{quote(path)} is {_name_kind(status.st_mode)}, and a file was wanted; choose another place")


def open_stream(path: Path) -> BinaryIO:
    """Open a stream to write it. Creates and truncates nothing, and never waits for a reader. Raises OSError."""
    if str(path) == STANDARD_STREAM:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        sys.stdout.flush()
        return sys.stdout.buffer
    place = follow_links(path)
    if _OWN.fullmatch(str(place)):
        return os.fdopen(os.dup({"stdout": 1, "stderr": 2}.get(place.name) or int(place.name)), "wb", 0)
    descriptor = os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb", 0)


def write_fully(stream: BinaryIO, data: bytes) -> None:
    """Write all data to a stream, in as many pieces as it takes. Raises OSError."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]
    stream.flush()


def close_stream(stream: BinaryIO) -> None:
    """Close a stream of `open_stream`. Standard output stays open."""
    if sys.stdout is None or stream is not sys.stdout.buffer:
        stream.close()


def follow_links(path: Path) -> Path:
    """Follow symbolic links to a path that is none, whether it exists or not. Raises OSError for a loop."""
    for _ in range(_MOST_LINKS):
        if _OWN.fullmatch(str(path)) or not path.is_symlink():
            return path
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def check_regular(path: Path, mode: int) -> None:
    """Raise FileAccessError unless the mode is a regular file's."""
    if not stat.S_ISREG(mode):
        advice = "; save what it gives in a file first" if stat.S_ISFIFO(mode) else ""
        raise FileAccessError(f"{quote(path)} is {_name_kind(mode)}; wanted a regular file{advice}")


@contextmanager
def explain_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into StorageError where the disk is full, and else into FileAccessError."""
    try:
        yield
    except (OSError, ValueError) as error:
        sentence = f"cannot {doing} {quote(path)}: {reason_of(error)}"
        number = error.errno if isinstance(error, OSError) else None
        if number in _FULL and doing != "read":
            raise StorageError(f"{sentence}; free some space, or choose another place") from error
        if number == errno.ENXIO:
            raise FileAccessError(
                f"cannot {doing} {quote(path)}: nobody reads from it; start its reader first"
            ) from error
        raise FileAccessError(
            f"{sentence}; {'check the path' if doing == 'read' else 'choose another place'}"
        ) from error


def reason_of(error: OSError | ValueError) -> str:
    """Return the system's words for an error, without the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _find_target(path: Path, is_ours: Callable[[bytes], bool] | None) -> Path | None:
    """Return the regular file to write, old or new; None for a stream. Raises FileAccessError, OSError."""
    if is_stream(path):
        return None
    place = follow_links(path)
    with tempfile.TemporaryFile(dir=place.parent):  # raises where no file can be created
        pass
    if not place.exists():
        return place
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with open_regular(place) as file:
        head = file.read(HEAD_BYTES)
    if head and not (is_ours and is_ours(head)):
        reason = "was not made by this command" if is_ours else "this command replaces no file"
        raise FileAccessError(f"{quote(path)} exists and {reason}; choose another name, or remove it")
    return place


@contextmanager
def replace_file(place: Path) -> Iterator[BinaryIO]:
    """Open a file beside its place, and move it there at the end, unless an error came. Raises OSError.

    It keeps the permissions of an old one, and its owner where the process may give it away.
    """
    descriptor, name = tempfile.mkstemp(prefix=".dubito-", dir=place.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            old = place.stat() if place.exists() else None
            if old is not None:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode) if old else 0o666 & ~_umask())
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _name_kind(mode: int) -> str:
    return next((name for holds, name in _KINDS if holds(mode)), "no regular file")
