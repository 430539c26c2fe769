"""End a command: set its exit code, and say in one sentence (with --json in one object) what went wrong."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import typer

from agent import errors
from agent.cli.choices import ACCEPTED_CLAIMS
from agent.cli.interrupts import is_pending
from agent.views.say import complain, is_watched, say, write_json
from sandbox.base import SandboxError, Verdict

DEBUG = "DUBITO_DEBUG"  # set to print the traceback of an unexpected error


class ExitCode(IntEnum):
    """The exit codes of every command but `sandbox run`, which has VERDICT_CODES."""

    OK = 0
    NOT_PASSED = 1  # a run abstained, a record was not judged, or a program failed
    BAD_REQUEST = 2
    MACHINE_FAILED = 3
    AGREED = 4
    UNVERIFIED = 5
    INTERRUPTED = 130


EXIT_CODES: dict[type[BaseException], ExitCode] = {
    errors.InvalidRequestError: ExitCode.BAD_REQUEST,
    errors.ModelLoadError: ExitCode.BAD_REQUEST,
    errors.ProfileError: ExitCode.BAD_REQUEST,
    errors.FileAccessError: ExitCode.BAD_REQUEST,
    errors.InvalidLogitsError: ExitCode.MACHINE_FAILED,
    errors.DeviceError: ExitCode.MACHINE_FAILED,
    errors.StorageError: ExitCode.MACHINE_FAILED,
    SandboxError: ExitCode.MACHINE_FAILED,
}
STANDING_CODES: dict[str, ExitCode] = {  # by the claims of agent.workflow.standing, which a help need not import
    "verified": ExitCode.OK,
    "agreed": ExitCode.AGREED,
    "unverified": ExitCode.UNVERIFIED,
    "abstained": ExitCode.NOT_PASSED,
}
VERDICT_CODES: dict[Verdict, int] = {
    Verdict.PASSED: ExitCode.OK,
    Verdict.FAILED: ExitCode.NOT_PASSED,
    Verdict.SYNTAX_ERROR: 4,
    Verdict.TIMED_OUT_CPU: 5,
    Verdict.TIMED_OUT_WALL: 5,
    Verdict.OUT_OF_MEMORY: 6,
    Verdict.OUTPUT_LIMIT: 7,
    Verdict.FORBIDDEN: 8,
}


def exit_code_of(standing: str, accept: str) -> ExitCode:
    """Return the exit code of an answer. standing: a key of STANDING_CODES. accept: a key of ACCEPTED_CLAIMS."""
    return ExitCode.OK if standing in ACCEPTED_CLAIMS[accept] else STANDING_CODES[standing]


@contextmanager
def report_errors(as_json: bool, *, resumes: str = "") -> Iterator[None]:
    """End a command that fails with one sentence and an exit code.

    resumes: what goes on after an interrupt when it is started again, as in "a run with --thread NAME".
    """
    try:
        _check_current_folder()
        yield
    except (typer.Exit, typer.TyperException, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - also KeyboardInterrupt, and panics of Rust, which are no Exception
        raise typer.Exit(report_error(error, as_json=as_json, resumes=resumes)) from None


@contextmanager
def advise(kind: type[errors.DubitoError], advice: str) -> Iterator[None]:
    """Add to errors of a kind what a user of the command line can do about them."""
    try:
        yield
    except kind as error:
        raise type(error)(f"{error}; {advice}") from error


def report_error(error: BaseException, *, as_json: bool, resumes: str = "") -> int:
    """Print one sentence about what ended a command. Return the exit code."""
    sentence, code = explain_error(error, resumes)
    if sentence and as_json:
        try:
            write_json({"error": sentence, "exit_code": code})
        except Exception as second:  # noqa: BLE001 - stdout may be full or closed, too
            sentence, code = explain_error(second, resumes)
    if sentence:
        if code == ExitCode.INTERRUPTED and is_watched(err=True):
            say(err=True)  # the terminal has written ^C
        complain(sentence)
    return code


def _check_current_folder() -> None:
    """Raise StorageError where the current folder was removed: torch's libraries would end the process."""
    try:
        Path.cwd()
    except OSError as error:
        raise errors.StorageError("the current folder is gone; change to one that exists, as in: cd ~") from error


def explain_error(error: BaseException, resumes: str = "") -> tuple[str, ExitCode]:
    """Return the sentence and the exit code of an error."""
    if isinstance(error, EOFError) or _was_interrupted(error):  # a question got no answer
        return "interrupted" + (f"; {resumes} goes on when started again" if resumes else ""), ExitCode.INTERRUPTED
    if isinstance(error, typer.TyperException):
        return _explain_parser_error(error), ExitCode.BAD_REQUEST
    code = next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), None)
    if code is not None or type(error).__name__ == "OutOfMemoryError":  # torch's; its name here would import torch
        sentence = str(error.args[0] if error.args else error)
        return ": ".join([*getattr(error, "__notes__", ()), sentence]), code or ExitCode.MACHINE_FAILED
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; give smaller input or bounds, or more memory", (
            ExitCode.MACHINE_FAILED
        )
    return _explain_unexpected(error), ExitCode.MACHINE_FAILED


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether an interrupt caused an error: libraries turn it into errors of their own, an import's above all."""
    if is_pending():
        return True
    while error is not None and not isinstance(error, KeyboardInterrupt | typer.Abort | errors.DubitoError):
        error = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt | typer.Abort)


def _explain_parser_error(error: typer.TyperException) -> str:
    """Return the parser's message as a sentence; an empty one where the help is printed instead."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command; typer does not export the class
        say(error.format_message(), err=True)
        return ""
    nearest = next(iter(getattr(error, "possibilities", None) or ()), None)  # of the options; parsers list the rest
    message = f"{error.message}; did you mean {nearest}?" if nearest else error.format_message()
    message = " ".join(message.split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "dubito"
    return message and f"{message} (try: {command} --help)"


def _explain_unexpected(error: BaseException) -> str:
    """Return the sentence about an error that nobody expected. Store or print its traceback."""
    text = "".join(traceback.format_exception(error))
    notes = getattr(error, "__notes__", ())
    message = ": ".join([*notes, type(error).__name__, str(error)])[:300].rstrip(": ")
    cause = "the machine refused something" if isinstance(error, OSError) else "this is a bug in dubito"
    if os.environ.get(DEBUG):
        say(text, err=True)
        return f"{cause}: {message}; the traceback is above"
    try:
        file = _traceback_file()
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"{cause}: {message}; set {DEBUG}=1 to see the traceback"
    return f"{cause}: {message}; the traceback is in {file}"


def _traceback_file() -> Path:
    """Return the file that holds the last traceback."""
    from platformdirs import user_state_path

    folder = user_state_path("dubito")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "traceback.txt"
