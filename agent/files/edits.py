"""Change a file of a person's: plan it, write it whole, and take it back. Asks nobody and prints nothing.

What a file held before is kept in the user's state folder, so that no change loses it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from agent.errors import FileAccessError, InvalidRequestError, StorageError
from agent.files.access import (
    check_writable,
    explain_errors,
    follow_links,
    is_stream,
    read_bounded,
    reason_of,
    replace_file,
)
from agent.files.changes import write_diff
from agent.messages import quote

_MOST_BYTES = 2**24  # of a file that is changed
_MOST_KEPT = 50  # changes of which it is kept what the file held before
_ORIGINAL = ".orig"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file: what it holds, and what it is to hold."""

    path: Path  # as a person named it
    old: bytes | None  # None where there is no such file
    new: bytes

    @property
    def changes(self) -> bool:
        """It makes a difference."""
        return self.old != self.new

    @property
    def replaces(self) -> bool:
        """It changes a file that holds something."""
        return bool(self.old) and self.changes

    @property
    def diff(self) -> str:
        """The unified diff; its lines end as those of the file do."""
        old = (self.old or b"").decode("utf-8", "replace")
        return write_diff(old, self.new.decode("utf-8", "replace"), str(self.path), is_new=self.old is None)


def read_target(path: Path) -> bytes | None:
    """Return what a file holds that is to be changed; None where it is to be made. Follows symbolic links.

    Raises FileAccessError for what is no file, or cannot be written.
    """
    with explain_errors(path, "write"):
        if is_stream(path):
            raise FileAccessError(f"{quote(path)} is no file that could be changed; wanted a file, old or new")
    check_writable(path, is_ours=lambda head: True)
    return read_bounded(path, _MOST_BYTES) if path.exists() else None


def lies_outside(path: Path, folder: Path) -> bool:
    """Decide whether a file lies outside of a folder, with all links followed."""
    return Path(os.path.realpath(folder)) not in Path(os.path.realpath(path)).parents


def apply_edit(edit: Edit) -> Path | None:
    """Write a file whole, and return the file that keeps what it held before; None for a new one.

    Its permissions stay. Raises InvalidRequestError where it was changed since the edit was planned, FileAccessError
    where it cannot be written, and StorageError where the disk is full or nothing can be kept; it is then as it was.
    """
    if read_target(edit.path) != edit.old:
        raise InvalidRequestError(f"{quote(edit.path)} was changed meanwhile, so nothing was written; try again")
    with explain_errors(edit.path, "write"):
        kept = None if edit.old is None else _keep(edit.old)
        try:
            with replace_file(follow_links(edit.path)) as file:
                file.write(edit.new)
        except BaseException:
            if kept:
                _forget(kept)
            raise
    _prune()
    return kept


def undo_edit(edit: Edit) -> None:
    """Take back a change that `apply_edit` made: the file is as it was before, or gone where the change had made it.

    Raises what `apply_edit` raises, and changes nothing then.
    """
    if edit.old is not None:
        apply_edit(Edit(edit.path, edit.new, edit.old))
        return
    if read_target(edit.path) != edit.new:
        raise InvalidRequestError(f"{quote(edit.path)} was changed since it was written, so it stays as it is")
    with explain_errors(edit.path, "write"):
        follow_links(edit.path).unlink()


def _keep(data: bytes) -> Path:
    """Store what a file holds before it is changed; return the file that keeps it."""
    with _explain_storage():
        folder = _changes_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = _new_place(folder)
        try:
            _write_private(kept, data)
        except BaseException:
            _forget(kept)
            raise
    return kept


def _new_place(folder: Path) -> Path:
    """Return a name that sorts behind those that exist."""
    number = time.time_ns()
    last = max((path.stem for path in folder.glob(f"*{_ORIGINAL}")), default="")
    if last.isdecimal():
        number = max(number, int(last) + 1)
    return folder / f"{number:020d}{_ORIGINAL}"


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _prune() -> None:
    """Forget all but the newest of what is kept."""
    for kept in sorted(_changes_folder().glob(f"*{_ORIGINAL}"))[:-_MOST_KEPT]:
        _forget(kept)


def _forget(kept: Path) -> None:
    with suppress(OSError):
        kept.unlink()


def _changes_folder() -> Path:
    return user_state_path("dubito") / "changes"


@contextmanager
def _explain_storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot keep what a file held before in {quote(_changes_folder())}: {reason_of(error)}; make room there "
            "and let it be written, or set XDG_STATE_HOME to another folder"
        ) from error
