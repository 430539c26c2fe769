"""Change a file of a person's: plan it, write it whole, and take it back. Asks nobody and prints nothing.

What a file held before is kept in the user's state folder, so that the last change can be taken back at any later time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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
_MOST_KEPT = 50  # changes that can be taken back
_RECORD, _ORIGINAL = ".json", ".orig"


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
        place = follow_links(edit.path)
        record = _keep(edit, Path(os.path.realpath(place)))
        try:
            with replace_file(place) as file:
                file.write(edit.new)
        except BaseException:
            _forget(record)
            raise
    _prune(record.parent)
    return None if edit.old is None else record.with_suffix(_ORIGINAL)


class Undone(NamedTuple):
    """A change that was taken back: of this file, which is gone where the change had made it."""

    path: Path
    is_gone: bool


def undo_last() -> Undone:
    """Take back the last change that `apply_edit` made, in this process or an earlier one.

    Raises InvalidRequestError where there is none, or the file was changed since, and StorageError.
    """
    records = sorted(_changes_folder().glob(f"*{_RECORD}"))
    if not records:
        raise InvalidRequestError("there is no change of a file that could be taken back")
    path, digest, original = _read_record(records[-1])
    current = read_target(path)
    if current is None or _digest(current) != digest:
        kept = f"; what it held before is in {records[-1].with_suffix(_ORIGINAL)}" if original is not None else ""
        raise InvalidRequestError(f"{quote(path)} was changed since it was written, so it stays as it is{kept}")
    with explain_errors(path, "write"):
        if original is None:
            path.unlink()
        else:
            with replace_file(path) as file:
                file.write(original)
    _forget(records[-1])
    return Undone(path, original is None)


class _Record(NamedTuple):
    path: Path
    digest: str  # of what was written
    original: bytes | None


def _read_record(record: Path) -> _Record:
    with _explain_storage():
        try:
            values = json.loads(record.read_text(encoding="utf-8"))
            original = None if values["is_new"] else record.with_suffix(_ORIGINAL).read_bytes()
            return _Record(Path(values["path"]), values["digest"], original)
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{quote(record)} is damaged, so the last change cannot be taken back") from error


def _keep(edit: Edit, place: Path) -> Path:
    """Store what a file holds before it is changed; return the record."""
    values = {"path": str(place), "digest": _digest(edit.new), "is_new": edit.old is None}
    with _explain_storage():
        folder = _changes_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = _new_record(folder)
        try:
            if edit.old is not None:
                _write_private(record.with_suffix(_ORIGINAL), edit.old)
            _write_private(record, json.dumps(values).encode())
        except BaseException:
            _forget(record)
            raise
    return record


def _new_record(folder: Path) -> Path:
    """Return a name for a record that sorts behind those that exist."""
    number = time.time_ns()
    last = max((path.stem for path in folder.glob(f"*{_RECORD}")), default="")
    if last.isdecimal():
        number = max(number, int(last) + 1)
    return folder / f"{number:020d}{_RECORD}"


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _prune(folder: Path) -> None:
    """Forget all but the newest changes."""
    for record in sorted(folder.glob(f"*{_RECORD}"))[:-_MOST_KEPT]:
        _forget(record)


def _forget(record: Path) -> None:
    for path in (record, record.with_suffix(_ORIGINAL)):
        with suppress(OSError):
            path.unlink()


def _changes_folder() -> Path:
    return user_state_path("dubito") / "changes"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def _explain_storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot keep what a file held before in {quote(_changes_folder())}: {reason_of(error)}; make room there "
            "and let it be written, or set XDG_STATE_HOME to another folder"
        ) from error
