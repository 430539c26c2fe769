"""A file of lines. One process at a time appends to it; each line is there whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from agent.errors import FileAccessError, StorageError
from agent.files.access import (
    HEAD_BYTES,
    check_regular,
    close_stream,
    explain_errors,
    follow_links,
    is_stream,
    open_stream,
    reason_of,
    replace_file,
    write_fully,
)
from agent.messages import quote


class AppendedFile:
    """Append lines to a new file, or with `resume` to an old one of the same kind. Locks the file while it is open.

    begins: the first bytes of every file of this kind; any other file is refused and left as it is. The next line
    replaces a piece of one that a kill left. Streams (see `access`) are written through.
    """

    _torn_at: int | None  # where the whole lines end, if a piece of a line follows

    def __init__(self, path: Path, *, begins: bytes, resume: bool) -> None:
        self._path, self._created, self._torn_at = path, False, None
        with explain_errors(path, "write"):
            self._keeps = not is_stream(path)
            if not self._keeps:
                self._file = open_stream(path)
                return
            self._place = follow_links(path)
            create = 0 if self._place.exists() else os.O_CREAT | os.O_EXCL
            descriptor = os.open(self._place, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | create, 0o666)
            self._file = os.fdopen(descriptor, "r+b", 0)
            try:
                self._claim(begins, resume)
            except BaseException:
                self.close()
                raise
            self._created = bool(create)

    @property
    def empty(self) -> bool:
        """It holds nothing yet."""
        return not self._keeps or self._size() == 0

    @property
    def keeps(self) -> bool:
        """It is a file, so its lines can be read again; those of a stream cannot."""
        return self._keeps

    def first_line(self) -> bytes:
        """Return the first line if it is whole and not too long, else nothing."""
        head = b"" if self.empty else os.pread(self._file.fileno(), min(HEAD_BYTES, self._size()), 0)
        return head[: head.find(b"\n") + 1]

    def last_line(self) -> bytes:
        """Return the last whole line, or nothing."""
        if self.empty:
            return b""
        descriptor, end = self._file.fileno(), self._size()
        start = _end_of_last_line(descriptor, end - 1)
        return os.pread(descriptor, end - start, start)

    def append(self, line: bytes) -> None:
        """Append one whole line. Raises StorageError where that fails, and leaves the file as it was."""
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
            raise StorageError(f"cannot write {quote(self._path)}: {reason_of(error)}; {whole}") from error

    def sort(self, order: Callable[[bytes], Any]) -> None:
        """Put the lines behind the first one in order, by replacing the file at once. Then it can only be closed.

        A stream, and a file that is in order, stay as they are. Holds one line at a time. Raises StorageError.
        """
        if self.empty:
            return
        try:
            with os.fdopen(os.dup(self._file.fileno()), "rb") as file:
                lines = list(self._place_lines(file, order))
                if (in_order := sorted(lines)) != lines:
                    self._copy_lines(file, [0, *(start for _, start in in_order)])
        except OSError as error:
            raise StorageError(
                f"cannot put {quote(self._path)} in order: {reason_of(error)}; it has all its lines, and can be read "
                "as it is"
            ) from error

    def close(self) -> None:
        """Close the file. Remove a new one that is still empty."""
        if self._created and self.empty:
            with suppress(OSError):
                self._place.unlink()
        self._created = False
        close_stream(self._file)

    def _place_lines(self, file: BinaryIO, order: Callable[[bytes], Any]) -> Iterator[tuple[Any, int]]:
        """Yield of each line behind the first one what sorts it, and where it begins."""
        file.seek(0)
        start = len(file.readline())
        while start < self._size():
            line = file.readline()
            yield order(line), start
            start += len(line)

    def _copy_lines(self, file: BinaryIO, starts: Iterable[int]) -> None:
        """Replace the file by its lines that begin there."""
        with replace_file(self._place) as target:
            for start in starts:
                file.seek(start)
                target.write(file.readline())

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size if self._torn_at is None else self._torn_at

    def _write(self, line: bytes) -> None:
        if not self._keeps:
            write_fully(self._file, line)
        elif self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, "no space left on the device")

    def _claim(self, begins: bytes, resume: bool) -> None:
        """Lock the file, check its kind, and find the end of its whole lines."""
        descriptor = self._file.fileno()
        check_regular(self._path, os.fstat(descriptor).st_mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileAccessError(
                f"another process is writing {quote(self._path)}; let it end, or choose another file"
            ) from None
        except OSError:  # this file system has no locks
            pass
        if self.empty:
            return
        if not resume:
            raise FileAccessError(f"{quote(self._path)} exists and is never rewritten; choose another name")
        head, whole = os.pread(descriptor, len(begins), 0), _end_of_last_line(descriptor, os.fstat(descriptor).st_size)
        torn_at_once = whole == 0 and begins.startswith(head)  # the first line will write these bytes again
        if head != begins and not torn_at_once:
            raise FileAccessError(
                f"{quote(self._path)} is no file of this command, and is left alone; choose another name"
            )
        self._torn_at = whole if whole < os.fstat(descriptor).st_size else None


def _end_of_last_line(descriptor: int, end: int) -> int:
    """Return where the last whole line ends, in a file's first `end` bytes."""
    while end > 0:
        start = max(0, end - HEAD_BYTES)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
