"""Write an answer into a file: plan where it goes, show the difference, ask, and write it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.files.edits import Edit, apply_edit, lies_outside, read_target
from agent.messages import quote
from agent.views.say import is_watched, say, write_data

if TYPE_CHECKING:
    from agent.program.modules.opened import OpenedFile
    from agent.program.task import Task

Confirm = Callable[[str], bool]  # asks a person a question, and returns whether the answer is yes


def plan_answer(path: Path, task: Task, program: str) -> Edit:
    """Plan to write the program that answers a task into a file, old or new.

    A new file gets the program, with the module around it if the task has one. The module's own file gets the function
    in its place. Any other file gets the function or class that was asked for: in the place of its own one, else at its
    end. `-` stands for the text from stdin, which can only be compared. Raises InvalidRequestError and FileAccessError.
    """
    from agent.program.modules.answers import write_program

    if str(path) == STANDARD_STREAM:
        written = task.module.written if task.module else task.request
        return Edit(Path("stdin"), written.encode(), _change(path, written, task, program).encode())
    old = read_target(path)
    if (not old or not old.strip()) and not _is_own(path, task):
        return Edit(path, old, write_program(task, program).encode())
    return Edit(path, old, _change(path, _decode(path, old or b""), task, program).encode())


def plan_opened(path: Path, opened: OpenedFile) -> Edit:
    """Plan to write what a conversation changed in a file into that file as it is now.

    Raises InvalidRequestError where it does not fit any more, and FileAccessError.
    """
    old = read_target(path)
    return Edit(path, old, (opened.text if old is None else opened.merge(_decode(path, old))).encode())


def _change(path: Path, written: str, task: Task, program: str) -> str:
    from agent.program.modules.answers import put_answer, write_program

    module, file = task.module, str(path)
    if module is not None and _is_own(path, task):
        now = replace(module, written=written)
        if not now.has_head_of(module):
            raise InvalidRequestError(
                f"{quote(file)} was changed meanwhile, and the head of {module.function} is not as it was, so "
                "nothing was written; read the file again"
            )
        return write_program(replace(task, module=now), program)
    if module is not None and task.entry_point is None:
        raise InvalidRequestError(
            f"{module.function} belongs into {quote(module.file)}, and {quote(file)} came; write it there, or choose a "
            "new file"
        )
    return put_answer(written, task, program, file)


def _is_own(path: Path, task: Task) -> bool:
    """Decide whether a path leads to the module that a task is of."""
    module = task.module
    return module is not None and (str(path) == STANDARD_STREAM or is_same_file(path, Path(module.file)))


def is_same_file(path: Path, other: Path) -> bool:
    """Decide whether two paths lead to one file, with all links followed."""
    return os.path.realpath(path) == os.path.realpath(other)


def check_write(path: Path, *, yes: bool, asks: bool) -> None:
    """Refuse a file that an answer could not be written into, before there is an answer.

    yes: the person agrees to any change. asks: the person can be asked. Raises InvalidRequestError, FileAccessError.
    """
    from agent.files.changes import plain_text
    from agent.program.modules.functions import read_file_tree

    old = read_target(path)
    if old and old.strip():
        read_file_tree(plain_text(_decode(path, old)), str(path))
    if not (yes or asks) and (question := _find_question(path, replaces=bool(old))):
        raise InvalidRequestError(f"{question}, and nobody can be asked here; agree to it with --yes")


def write_edit(
    edit: Edit,
    *,
    yes: bool = False,
    confirm: Confirm | None = None,
    shows: bool = True,
    caution: str = "",
    quiet: bool = False,
) -> bool:
    """Write an edit, and say so on stderr unless `quiet`; return whether it was written.

    A change of a file that holds something, or of one outside of the current folder, is shown first, and needs a yes.
    confirm: asks the person for it; None where nobody can be asked. shows: the difference is not known yet.
    caution: what the person must agree to besides, as a sentence without its end.
    """
    name = quote(edit.path)
    if not edit.changes:
        _say_unless(quiet, f"{name} stays as it was: it holds the answer already")
        return False
    if edit.replaces and shows:
        write_data(edit.diff, err=True, nl=False)
    question = "; ".join(filter(None, (caution, _find_question(edit.path, replaces=edit.replaces))))
    if question and not yes:
        if confirm is None:
            raise InvalidRequestError(f"{question}, and nobody can be asked here; agree to it with --yes")
        if not confirm(f"{question}. Write it?"):
            _say_unless(quiet, "nothing was written")
            return False
    kept = apply_edit(edit)
    _say_unless(quiet, f"wrote {name}{f'; what it held before is in {str(kept)!r}' if kept else ''}")
    return True


def _say_unless(quiet: bool, sentence: str) -> None:
    if not quiet:
        say(sentence, err=True)


def find_confirm() -> Confirm | None:
    """Return the way to ask a person; None where nobody is there."""
    import typer

    asks = sys.stdin is not None and sys.stdin.isatty() and is_watched(err=True)
    return partial(typer.confirm, err=True) if asks else None


def _find_question(path: Path, *, replaces: bool) -> str:
    """Return what a person has to agree to, as a sentence without its end; empty where it is nothing."""
    if lies_outside(path, Path()):
        return f"{quote(path)} lies outside of the current folder"
    return f"{quote(path)} exists and would be changed" if replaces else ""


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{quote(path)} is not UTF-8 text (byte {error.start}); choose another file"
        ) from error
