"""A file of lines that one process at a time appends to. Each line is there whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from agent.errors import FileAccessError, StorageError
from agent.files.access import (
    HEAD_BYTES,
    check_regular,
    close_stream,
    end_of_links,
    explained,
    is_stream,
    open_stream,
    pour,
    reason_of,
)
from agent.messages import quoted


class AppendedFile:
    """Append lines to a new file, or with `resume` to an old one of the same kind. The file is locked while it is open.

    begins: the bytes by which every file of this kind begins. Any other file is refused and left as it is. A piece of a
    line, which a kill left, is dropped when the next line comes. A stream (see `access`) is written through.
    """

    _torn_at: int | None  # bytes of whole lines, where more follow

    def __init__(self, path: Path, *, begins: bytes, resume: bool) -> None:
        self._path, self._created, self._torn_at = path, False, None
        with explained(path, "write"):
            self._keeps = not is_stream(path)
            if not self._keeps:
                self._file = open_stream(path)
                return
            self._place = end_of_links(path)
            fresh = 0 if self._place.exists() else os.O_CREAT | os.O_EXCL
            descriptor = os.open(self._place, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | fresh, 0o666)
            self._file = os.fdopen(descriptor, "r+b", 0)
            try:
                self._take(begins, resume)
            except BaseException:
                self.close()
                raise
            self._created = bool(fresh)

    @property
    def empty(self) -> bool:
        """Nothing stands in it yet."""
        return not self._keeps or self._size() == 0

    @property
    def keeps(self) -> bool:
        """It is a file, from which lines can be read again; a stream is none."""
        return self._keeps

    def first_line(self) -> bytes:
        """Return the first line, if it is whole and not too long; nothing where there is none, or it is not kept."""
        head = b"" if self.empty else os.pread(self._file.fileno(), min(HEAD_BYTES, self._size()), 0)
        return head[: head.find(b"\n") + 1]

    def last_line(self) -> bytes:
        """Return the last whole line; nothing where there is none, or it is not kept."""
        if self.empty:
            return b""
        descriptor, end = self._file.fileno(), self._size()
        start = _end_of_last_line(descriptor, end - 1)
        return os.pread(descriptor, end - start, start)

    def append(self, line: bytes) -> None:
        """Append one line whole. Raises StorageError where it is not taken; what stood there is as it was."""
        start = self._size() if self._keeps else 0
        try:
            if self._torn_at is not None:
                os.ftruncate(self._file.fileno(), self._torn_at)
                self._torn_at = None
            self._write(line)
        except OSError as error:
            if self._keeps:
                os.ftruncate(self._file.fileno(), start)
            whole = "its lines so far are whole; free some space, or choose another place"
            raise StorageError(f"cannot write {quoted(self._path)}: {reason_of(error)}; {whole}") from error

    def close(self) -> None:
        """Close the file, and remove it if it is new and nothing was written."""
        if self._created and self.empty:
            with suppress(OSError):
                self._place.unlink()
        self._created = False
        close_stream(self._file)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size if self._torn_at is None else self._torn_at

    def _write(self, line: bytes) -> None:
        if not self._keeps:
            pour(self._file, line)
        elif self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, "no space left on the device")

    def _take(self, begins: bytes, resume: bool) -> None:
        """Lock the file, see that it is of our kind, and where its whole lines end."""
        descriptor = self._file.fileno()
        check_regular(self._path, os.fstat(descriptor).st_mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileAccessError(
                f"another process is writing {quoted(self._path)}; let it end, or choose another file"
            ) from None
        except OSError:  # this file system knows no locks
            pass
        if self.empty:
            return
        if not resume:
            raise FileAccessError(f"{quoted(self._path)} exists and is never rewritten; choose another name")
        head, whole = os.pread(descriptor, len(begins), 0), _end_of_last_line(descriptor, os.fstat(descriptor).st_size)
        torn_at_once = whole == 0 and begins.startswith(head)  # the first line writes the same bytes again
        if head != begins and not torn_at_once:
            raise FileAccessError(
                f"{quoted(self._path)} is no file of this command, and is left alone; choose another name"
            )
        self._torn_at = whole if whole < os.fstat(descriptor).st_size else None


def _end_of_last_line(descriptor: int, end: int) -> int:
    """Return how many of a file's first bytes, up to `end`, are whole lines."""
    while end > 0:
        start = max(0, end - HEAD_BYTES)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
