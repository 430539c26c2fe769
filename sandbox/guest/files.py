"""The end of a program's files: a directory is emptied, however deep and hostile. Knows nothing of mounts."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

PROBE = "probe"


def empty(place: Path, user: int | None) -> None:
    """Remove all that is below the place, as the user who made it. Raises OSError where something resists."""
    if user is not None:
        os.setegid(user)
        os.seteuid(user)
    names = iter(lambda: place / os.urandom(16).hex(), None)  # none that a program could have taken before
    while entries := list(place.iterdir()):
        for entry in entries:
            if _is_directory(entry):
                _flatten(entry, names)
            else:
                entry.unlink()


def _flatten(directory: Path, names: Iterator[Path]) -> None:
    """Remove a directory after moving its directories up: no recursion and no long path, however deep it is."""
    directory.chmod(0o700)
    for entry in list(directory.iterdir()):
        if _is_directory(entry):
            entry.chmod(0o700)
            entry.rename(next(names))
        else:
            entry.unlink()
    directory.rmdir()


def next_number(place: Path) -> int:
    """Return the number that the file system gives to a new file. Where it counts, this counts one file more."""
    path = place / PROBE
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)
        path.unlink()


def _is_directory(path: Path) -> bool:
    """Look at the entry itself: where a link leads may be a place that this user may not enter."""
    return stat.S_ISDIR(path.lstat().st_mode)
