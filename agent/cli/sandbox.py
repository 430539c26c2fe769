"""The commands of the sandbox by itself: anybody's program, and what was left behind. Heavy imports wait inside."""

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

from agent.cli.exits import ExitCode, report_errors
from agent.views.say import say, write_data, write_json
from sandbox import SANDBOXES

if TYPE_CHECKING:
    from sandbox.base import Execution

sandbox = typer.Typer(name="sandbox", help="Run anybody's program where it can do no harm.", no_args_is_help=True)
EXIT_CODES = {  # of a verdict; 2 and 3 are kept for bad requests and missing parts
    "passed": 0,
    "failed": 1,
    "syntax error": 4,
    "timed out (cpu)": 5,
    "timed out (wall)": 5,
    "out of memory": 6,
    "output limit": 7,
    "forbidden": 8,
}


@sandbox.command("run")
def sandbox_run(
    file: Annotated[Path, typer.Argument(help="A Python program; `-` reads it from standard input.")],
    stdin: Annotated[
        Path | None,
        typer.Option(
            help="A file that the program reads as its standard input; `-`, or nothing, passes on what is piped."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="The most cpu seconds, from 0.01 to 86400; the wall clock may take twice that.")
    ] = 5,
    memory_mib: Annotated[int, typer.Option(min=1, max=2**20, help="The most MiB of memory of a process.")] = 512,
    name: Annotated[
        str | None,
        typer.Option(
            "--sandbox", "--name", help=f"{', '.join(SANDBOXES)} (no isolation); the safest there is by default."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run a program as a script, for example: dubito sandbox run main.py --seconds 10

    Exit codes: 0 the program passed, or left with exit code 0; 1 it failed; 4 syntax error; 5 timed out;
    6 out of memory; 7 too much output; 8 forbidden; 2 the request is wrong; 3 the machine or the sandbox failed.
    """
    with report_errors(as_json=as_json):
        from agent.cli import components
        from agent.errors import InvalidRequestError
        from sandbox import Limits

        if not 0.01 <= seconds <= 86_400:
            raise InvalidRequestError(f"--seconds is {seconds:g}; give a number from 0.01 to 86400, as in --seconds 5")
        if stdin is not None and str(file) == str(stdin) == "-":
            raise InvalidRequestError(
                "both the program and its input should come from standard input; give one of them as a file"
            )
        program = source_of(file)
        text = components.text_of(stdin, "standard input") if stdin else ""
        if stdin is None and str(file) != "-" and _is_piped(sys.stdin):
            text = _peeked(sys.stdin)
        limits = Limits(cpu_seconds=seconds, wall_seconds=2 * seconds, memory_mib=memory_mib)
        with closing(components.sandbox_named(name)) as box:
            execution = box.run(program, stdin=text, limits=limits)
        left_well = execution.verdict.value == "failed" and execution.exit_code == 0
        _tell(execution, "left with exit code 0" if left_well else execution.verdict.value, as_json=as_json)
        raise typer.Exit(ExitCode.OK if left_well else EXIT_CODES[execution.verdict.value])


def source_of(file: Path) -> str:
    """Read a program as Python does: a coding line is heeded, and UTF-8 is the default. Raises InvalidRequestError."""
    from agent.cli import components
    from agent.errors import InvalidRequestError
    from agent.files.access import read_bounded
    from agent.messages import quoted

    if str(file) == "-":
        return components.text_of_stdin("the program")
    if not os.path.lexists(file):
        raise InvalidRequestError(
            f"the program should come from {quoted(file)}, and there is no such file; check the path"
        )
    try:
        return decode_source(read_bounded(file))
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise InvalidRequestError(f"{quoted(file)} is no Python text: {error}; save it as UTF-8") from error


def _peeked(stream: TextIO) -> str:
    """Return what is on standard input; a file is left where it was, for whoever reads it next."""
    from agent.cli import components

    place = os.lseek(stream.fileno(), 0, os.SEEK_CUR) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else None
    text = components.text_of_stdin("standard input")
    if place is not None:
        os.lseek(stream.fileno(), place, os.SEEK_SET)
    return text


def _is_piped(stream: TextIO | None) -> bool:
    """Say whether a pipe or a file is on standard input: a terminal, or nothing, gives a program no input."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
    except (OSError, ValueError):  # it is closed, or no file at all
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


@sandbox.command("gc")
def sandbox_gc(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are in use now.")] = False,
) -> None:
    """Remove containers whose owner is gone. They end by themselves, but not where the engine was killed too."""
    with report_errors(as_json=False):
        from sandbox.docker.client import connect, sweep

        with closing(connect()) as client:
            removed = sweep(client, everything=everything)
        say(f"{len(removed)} removed{': ' if removed else ''}{' '.join(removed)}")


def _tell(execution: Execution, ending: str, *, as_json: bool) -> None:
    if as_json:
        record = asdict(execution)
        del record["outcomes"]  # of calls, and there are none
        write_json(record)
        return
    write_data(execution.stdout, nl=False)
    write_data(execution.stderr, nl=False, err=True)
    cut = ", output cut" if execution.truncated else ""
    used = (
        f"{execution.cpu_seconds:.2f} s cpu, {execution.wall_seconds:.2f} s, {execution.peak_memory_mib:.0f} MiB{cut}"
    )
    say(f"{ending} ({used})", err=True)
