"""`dubito sandbox`: run any program, remove containers that were left behind. Heavy imports wait inside."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import closing
from dataclasses import asdict
from importlib.util import decode_source
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from agent.cli.commands import plain_typer
from agent.cli.completion import complete_from
from agent.cli.exits import VERDICT_CODES, ExitCode, report_errors
from agent.cli.options import SANDBOX_HELP
from agent.files.access import STANDARD_STREAM
from agent.views.say import announce_sandbox, say, write_data, write_json
from sandbox import SANDBOXES

if TYPE_CHECKING:
    from sandbox.base import Execution

sandbox = plain_typer(name="sandbox", help="Run any program in a sandbox.")
_STDIN_HELP = "Give the program this file as its standard input. By default, and with `-`, it gets what is piped."
_SECONDS_HELP = "Stop the program after this much CPU time, from 0.01 to 86400 seconds, or twice that of wall time."


@sandbox.command("run")
def sandbox_run(
    file: Annotated[Path, typer.Argument(help="A Python program. `-` reads it from standard input.")],
    stdin: Annotated[Path | None, typer.Option(help=_STDIN_HELP)] = None,
    seconds: Annotated[float, typer.Option(help=_SECONDS_HELP)] = 5,
    memory_mib: Annotated[int, typer.Option(min=1, max=2**20, help="Limit the memory of a process, in MiB.")] = 512,
    name: Annotated[
        str | None, typer.Option("--sandbox", "--name", help=SANDBOX_HELP, autocompletion=complete_from(SANDBOXES))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run a program as a script.

    Example: dubito sandbox run main.py --seconds 10

    Exit codes: 0 the program passed, or left with exit code 0; 1 it failed; 4 syntax error; 5 timed out;
    6 out of memory; 7 too much output; 8 forbidden; 2 the request is wrong; 3 the machine or the sandbox failed.
    """
    with report_errors(as_json=as_json):
        from agent.cli.components import start_sandbox
        from sandbox import Limits, Verdict

        program, text = _read_inputs(file, stdin, seconds)
        limits = Limits(cpu_seconds=seconds, wall_seconds=2 * seconds, memory_mib=memory_mib)
        announce_sandbox()
        with closing(start_sandbox(name)) as box:
            execution = box.run(program, stdin=text, limits=limits)
        left = execution.verdict is Verdict.FAILED and execution.exit_code == 0  # by sys.exit, before its end
        _print(execution, "left with exit code 0" if left else execution.verdict.value, as_json=as_json)
        raise typer.Exit(ExitCode.OK if left else VERDICT_CODES[execution.verdict])


@sandbox.command("gc")
def sandbox_gc(
    everything: Annotated[bool, typer.Option("--all", help="Remove the containers in use, too.")] = False,
) -> None:
    """Remove containers whose owner is gone: an engine that was killed leaves some.

    Example: dubito sandbox gc
    """
    with report_errors(as_json=False):
        from sandbox.docker.client import connect, sweep

        with closing(connect()) as client:
            removed = sweep(client, everything=everything)
        say(f"{len(removed)} removed{': ' if removed else ''}{' '.join(removed)}")


def _read_inputs(file: Path, stdin: Path | None, seconds: float) -> tuple[str, str]:
    """Return the program and its standard input. Raises InvalidRequestError."""
    from agent.cli.inputs import read_source
    from agent.errors import InvalidRequestError

    if not 0.01 <= seconds <= 86_400:
        raise InvalidRequestError(f"--seconds is {seconds:g}; give a number from 0.01 to 86400, as in --seconds 5")
    if stdin is not None and str(file) == str(stdin) == STANDARD_STREAM:
        raise InvalidRequestError(
            "both the program and its input should come from standard input; give one of them as a file"
        )
    program = _read_program(file)
    if stdin is not None:
        return program, read_source(stdin, "standard input")
    piped = str(file) != STANDARD_STREAM and _is_piped(sys.stdin)
    return program, _peek(sys.stdin) if piped else ""


def _read_program(file: Path) -> str:
    """Read a program as Python does: by its coding line, else as UTF-8. Raises InvalidRequestError."""
    from agent.cli.inputs import read_stdin
    from agent.errors import InvalidRequestError
    from agent.files.access import read_bounded
    from agent.messages import quote

    if str(file) == STANDARD_STREAM:
        return read_stdin("the program")
    if not os.path.lexists(file):
        raise InvalidRequestError(
            f"the program should come from {quote(file)}, and there is no such file; check the path"
        )
    try:
        return decode_source(read_bounded(file))
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise InvalidRequestError(f"{quote(file)} is no Python text: {error}; save it as UTF-8") from error


def _peek(stream: TextIO) -> str:
    """Return the content of standard input. A file keeps its position for the next reader."""
    from agent.cli.inputs import read_stdin

    position = os.lseek(stream.fileno(), 0, os.SEEK_CUR) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else None
    text = read_stdin("standard input")
    if position is not None:
        os.lseek(stream.fileno(), position, os.SEEK_SET)
    return text


def _is_piped(stream: TextIO | None) -> bool:
    """Whether standard input is a pipe or a file. A program gets no input from a terminal."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
    except (OSError, ValueError):  # it is closed, or has no descriptor
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _print(execution: Execution, ending: str, *, as_json: bool) -> None:
    if as_json:
        record = asdict(execution)
        del record["outcomes"]  # a script has no calls
        write_json(record)
        return
    write_data(execution.stdout, nl=False)
    write_data(execution.stderr, nl=False, err=True)
    cut = ", output cut" if execution.truncated else ""
    used = (
        f"{execution.cpu_seconds:.2f} s cpu, {execution.wall_seconds:.2f} s, {execution.peak_memory_mib:.0f} MiB{cut}"
    )
    say(f"{ending} ({used})", err=True)
