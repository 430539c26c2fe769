"""`dubito editor`: let an editor run Dubito in a project."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from agent.cli.commands import plain_typer
from agent.cli.exits import report_errors
from agent.errors import FileAccessError, InvalidRequestError
from agent.files.changes import MARK
from agent.files.edits import Edit, apply_edit, read_target
from agent.files.jsonc import add_entries, read_json, write_readable
from agent.messages import quote
from agent.views.editor_setup import write_neovim_settings, write_vscode_tasks, write_zed_tasks
from agent.views.say import say, write_data

editor = plain_typer(
    name="editor", help="Let VS Code, Neovim or Zed run Dubito.\n\nExample: dubito editor install --vscode"
)


@editor.callback()
def _group() -> None:
    """Keep this a group although it has one command."""


@editor.command("install")
def install(
    vscode: Annotated[bool, typer.Option("--vscode", help="Add tasks to .vscode/tasks.json.")] = False,
    neovim: Annotated[bool, typer.Option("--neovim", help="Write .nvim.lua, if there is none.")] = False,
    zed: Annotated[bool, typer.Option("--zed", help="Add tasks to .zed/tasks.json.")] = False,
    folder: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write what an editor needs to score, complete, fill and run a project's files.

    What is there stays to the byte: tasks of yours, comments, the order. A task that is there already is left as it is.

    Example: dubito editor install --vscode
    """
    with report_errors(as_json=False):
        chosen = [name for name, wanted in (("vscode", vscode), ("neovim", neovim), ("zed", zed)) if wanted]
        if not chosen:
            raise InvalidRequestError("no editor was named; choose --vscode, --neovim or --zed, or several of them")
        if not folder.is_dir():
            raise InvalidRequestError(f"{quote(folder)} is no folder; wanted that of a project")
        for name in chosen:
            _EDITORS[name](folder)


class _TaskFile(NamedTuple):
    """An editor's file of tasks, below the project's folder."""

    place: str
    key: str | None  # of the list of tasks; None where the file is the list
    outside: dict[str, Any]  # what a new file holds beside the list
    write: Callable[[str], list[dict[str, Any]]]
    command: Callable[[Path], str]


def _install_tasks(folder: Path, file: _TaskFile) -> None:
    """Add the tasks that are not there yet. Raises InvalidRequestError with the text to paste where it cannot."""
    path, tasks = folder / file.place, file.write(file.command(folder))
    old = _read(path)
    if old is None or not old.strip():
        whole = tasks if file.key is None else {**file.outside, file.key: tasks}
        _write(path, old, write_readable(whole) + "\n", len(tasks))
        return
    mark = MARK if old.startswith(MARK) else ""
    try:
        text = old.removeprefix(MARK)
        content = read_json(text)
        present = content if file.key is None else content[file.key]
        labels = {each.get("label") for each in present}
        missing = [each for each in tasks if each["label"] not in labels]
        new = mark + add_entries(text, missing, file.key) if missing else old
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        write_data(write_readable(tasks))
        where = f"its list {file.key!r}" if file.key else "a list of tasks"
        raise InvalidRequestError(
            f"{quote(path)} is no JSON with {where}, so it stays as it is; put the tasks above into it yourself"
        ) from error
    _write(path, old, new, len(missing))


def _install_neovim(folder: Path) -> None:
    """Write `.nvim.lua`. Raises InvalidRequestError with the text to paste where another one is there."""
    path, text = folder / ".nvim.lua", write_neovim_settings(_find_command(folder, None))
    old = _read(path)
    if old is not None and old.strip() and old != text:
        write_data(text, nl=False)
        raise InvalidRequestError(f"{quote(path)} is there already, so it stays as it is; put the text above into it")
    _write(path, old, text, 0 if old == text else 1)


def _read(path: Path) -> str | None:
    """Return the text of a file; None where there is none. Raises FileAccessError."""
    if not path.parent.is_dir():
        if os.path.lexists(path.parent):
            raise FileAccessError(f"{quote(path.parent)} is no folder, and one was wanted there; move it away")
        return None
    data = read_target(path)
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileAccessError(f"{quote(path)} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _write(path: Path, old: str | None, new: str, added: int) -> None:
    """Write a file, and say so; say that it stays as it is where nothing was to be added."""
    if not added:
        say(f"{path} has it all already", err=True)
        return
    path.parent.mkdir(exist_ok=True)
    kept = apply_edit(Edit(path, None if old is None else old.encode(), new.encode()))
    say(f"wrote {path}" + (f"; what it held before is in {kept}" if kept else ""), err=True)


def _find_command(folder: Path, variable: str | None) -> str:
    """Return what starts dubito: by its place in the project's folder, by its name, or by its whole path.

    variable: the editor's own for the project's folder.
    """
    script = Path(sys.executable).parent / "dubito"
    if variable and script.exists() and script.is_relative_to(folder.absolute()):
        return f"{variable}/{script.relative_to(folder.absolute()).as_posix()}"
    command, in_environment = shutil.which("dubito"), sys.prefix != sys.base_prefix
    if command is None or (in_environment and Path(command).parent == script.parent):
        return str(script)  # an editor does not see the PATH of a shell with a virtual environment
    return "dubito"


_EDITORS: dict[str, Callable[[Path], None]] = {
    "vscode": lambda folder: _install_tasks(
        folder,
        _TaskFile(
            ".vscode/tasks.json", "tasks", {"version": "2.0.0"}, write_vscode_tasks,
            lambda folder: _find_command(folder, "${workspaceFolder}"),
        ),
    ),
    "neovim": _install_neovim,
    "zed": lambda folder: _install_tasks(
        folder,
        _TaskFile(
            ".zed/tasks.json", None, {}, write_zed_tasks, lambda folder: _find_command(folder, "$ZED_WORKTREE_ROOT")
        ),
    ),
}  # fmt: skip
