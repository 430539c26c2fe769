"""The end of a program's files: a directory is emptied, however deep and hostile. Knows nothing of mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


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


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
