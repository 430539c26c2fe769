"""How a command ends: an exit code, and one sentence, or with --json one object, where something went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from agent.cli.interrupts import came
from agent.errors import AgentError, InfrastructureError, UsageError
from agent.views.say import complain, give_json, say, watched

OK, ABSTAINED, USAGE, INFRASTRUCTURE, INTERRUPTED = 0, 1, 2, 3, 130
DEBUG = "DUBITO_DEBUG"  # set to print the traceback of what nobody expected


class Commands(TyperGroup):
    """All commands as one: whatever happens, the process ends with one of the exit codes above."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run a command line, and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, "dubito", standalone_mode=False)
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - this is where the process ends
            code = failed(error, as_json="--json" in arguments)
        sys.exit(code if isinstance(code, int) else OK)


@contextmanager
def reported(as_json: bool, *, resumes: str = "") -> Iterator[None]:
    """End a command that fails with one sentence and an exit code.

    resumes: what goes on after an interrupt, and how, as in "a run with --thread NAME".
    """
    try:
        _check_current_folder()
        yield
    except (typer.Exit, typer.TyperException, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - also KeyboardInterrupt, and panics of Rust, which are no Exception
        raise typer.Exit(failed(error, as_json=as_json, resumes=resumes)) from None


def _check_current_folder() -> None:
    """Raise InfrastructureError where the current folder was removed: torch's libraries would end the process."""
    try:
        Path.cwd()
    except OSError as error:
        raise InfrastructureError("the current folder is gone; change to one that exists, as in: cd ~") from error


def failed(error: BaseException, *, as_json: bool, resumes: str = "") -> int:
    """Say in one sentence what ended a command. Return the exit code."""
    sentence, code = _told(error, resumes)
    if sentence and as_json:
        try:
            give_json({"error": sentence, "exit_code": code})
        except Exception as second:  # noqa: BLE001 - stdout may be full or closed, too
            sentence, code = _told(second, resumes)
    if sentence:
        if code == INTERRUPTED and watched(err=True):
            say(err=True)  # the terminal has written ^C
        complain(sentence)
    return code


def _told(error: BaseException, resumes: str) -> tuple[str, int]:
    """Return the sentence and the exit code of what went wrong."""
    if isinstance(error, EOFError) or _interrupted(error):  # a question got no answer
        return "interrupted" + (f"; {resumes} goes on when started again" if resumes else ""), INTERRUPTED
    if hasattr(error, "format_message"):  # the parser's; its class has no public name
        return _usage(error), USAGE
    if isinstance(error, UsageError):
        return str(error), USAGE
    if _machine_failed(error):
        return str(error.args[0] if error.args else error), INFRASTRUCTURE
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; give smaller input or bounds, or more memory", INFRASTRUCTURE
    return _unexpected(error), INFRASTRUCTURE


def _interrupted(error: BaseException | None) -> bool:
    """Whether an interrupt is behind an error: libraries turn it into errors of their own, an import's above all."""
    if came():
        return True
    while error is not None and not isinstance(error, KeyboardInterrupt | typer.Abort | AgentError):
        error = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt | typer.Abort)


def _usage(error: Any) -> str:
    """Return the parser's message as a sentence; empty where it has shown the help instead."""
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if getattr(error, "ctx", None) else "dubito"
    return message and f"{message} (try: {command} --help)"


def _machine_failed(error: BaseException) -> bool:
    from sandbox.base import SandboxError

    if type(error).__name__ == "OutOfMemoryError":  # torch's; naming it here would import torch
        return True
    return isinstance(error, InfrastructureError | SandboxError)


def _unexpected(error: BaseException) -> str:
    """Return the sentence about an error that nobody expected; keep or print its traceback."""
    text = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}"[:300].rstrip(": ")
    whose = "the machine refused something" if isinstance(error, OSError) else "this is a bug in dubito"
    if os.environ.get(DEBUG):
        say(text, err=True)
        return f"{whose}: {what}; the traceback is above"
    try:
        file = _place()
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"{whose}: {what}; set {DEBUG}=1 to see the traceback"
    return f"{whose}: {what}; the traceback is in {file}"


def _place() -> Path:
    """Return the file of the last traceback; one is kept."""
    from platformdirs import user_state_path

    folder = user_state_path("dubito")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "traceback.txt"
