"""The commands of the sandbox by itself: anybody's program, and what was left behind. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli_options import SandboxOption
from agent.exits import reported
from agent.views.say import give, give_json, say

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
    file: Annotated[Path, typer.Argument(help="A Python program.")],
    stdin: Annotated[Path | None, typer.Option(help="What it may read on its standard input.")] = None,
    seconds: Annotated[
        float, typer.Option(min=0.01, help="The most cpu time; the wall clock may take twice that.")
    ] = 5,
    memory_mib: Annotated[int, typer.Option(min=1, help="The most memory of a process.")] = 512,
    name: SandboxOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object, nothing else.")] = False,
) -> None:
    """Run a program as a script. Exit codes: 0 passed, 1 failed, 4 syntax error, 5 timed out, 6 out of memory, 7 too
    much output, 8 forbidden; 2 and 3 are about the request and the machine.
    """
    with reported(as_json=as_json):
        from agent import parts
        from sandbox import Limits

        program, given = parts.text_of(file, "the program"), parts.text_of(stdin, "standard input") if stdin else ""
        limits = Limits(cpu_seconds=seconds, wall_seconds=2 * seconds, memory_mib=memory_mib)
        with closing(parts.sandbox_named(name)) as box:
            execution = box.run(program, stdin=given, limits=limits)
        _tell(execution, as_json=as_json)
        raise typer.Exit(EXIT_CODES[execution.verdict.value])


@sandbox.command("gc")
def sandbox_gc(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are in use now.")] = False,
) -> None:
    """Remove containers whose owner is gone. They end by themselves, but not where the engine was killed too."""
    with reported(as_json=False):
        from sandbox.docker import connect, sweep

        with closing(connect()) as client:
            removed = sweep(client, everything=everything)
        say(f"{len(removed)} removed{': ' if removed else ''}{' '.join(removed)}")


def _tell(execution: Execution, *, as_json: bool) -> None:
    if as_json:
        record = asdict(execution)
        del record["outcomes"]  # of calls, and there are none
        give_json(record)
        return
    give(execution.stdout, nl=False)
    give(execution.stderr, nl=False, err=True)
    cut = ", output cut" if execution.truncated else ""
    used = (
        f"{execution.cpu_seconds:.2f} s cpu, {execution.wall_seconds:.2f} s, {execution.peak_memory_mib:.0f} MiB{cut}"
    )
    say(f"{execution.verdict.value} ({used})", err=True)
