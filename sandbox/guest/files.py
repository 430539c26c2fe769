"""Remove a program's files, however deep and hostile their folders are. Knows nothing of mounts."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PROBE = "probe"
_OFFSET = 8  # of d_off in a struct dirent of 64 bits, in bytes
_LAST = (1 << 31) - 1  # from here on a position marks the end of a folder, or is a hash and no counter
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.opendir.restype = _LIBC.readdir.restype = ctypes.c_void_p


def empty(place: Path, user: int | None) -> None:
    """Remove everything below the place, as the user who made it. Raises OSError where something cannot be removed."""
    if user is not None:
        os.setegid(user)
        os.seteuid(user)
    names = iter(lambda: place / os.urandom(16).hex(), None)  # names that no program can have taken before
    while entries := list(place.iterdir()):
        for entry in entries:
            if _is_directory(entry):
                _flatten(entry, names)
            else:
                entry.unlink()


def _flatten(directory: Path, names: Iterator[Path]) -> None:
    """Move the directories in a directory up, and remove the rest. This needs no recursion and no long path."""
    directory.chmod(0o700)
    for entry in list(directory.iterdir()):
        if _is_directory(entry):
            entry.chmod(0o700)
            entry.rename(next(names))
        else:
            entry.unlink()
    directory.rmdir()


class Counters(NamedTuple):
    """Numbers that a file system gives out one by one and never again."""

    file: int  # of a new file
    entry: int  # of a new entry in the folder; 0 where the file system counts none


def counters(place: Path) -> Counters:
    """Make a file in the place, read the numbers it gets, and remove it."""
    path = place / _PROBE
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        return Counters(os.fstat(fd).st_ino, _highest_offset(os.fsencode(place)))
    finally:
        os.close(fd)
        path.unlink()


def _highest_offset(place: bytes) -> int:
    """Return the highest position of an entry in the folder, as `readdir` gives it; renaming an entry moves it."""
    directory = _LIBC.opendir(place)
    if not directory:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    highest = 0
    try:
        while entry := _LIBC.readdir(ctypes.c_void_p(directory)):
            offset = ctypes.c_int64.from_address(entry + _OFFSET).value
            highest = max(highest, offset if offset < _LAST else 0)
        return highest
    finally:
        _LIBC.closedir(ctypes.c_void_p(directory))


def _is_directory(path: Path) -> bool:
    """Look at the entry itself, not at what a link leads to: this user may not be allowed to enter that."""
    return stat.S_ISDIR(path.lstat().st_mode)
