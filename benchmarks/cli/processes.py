"""Run commands of dubito at once, each in a process and thread of its own, with a log. Judges no result."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.errors import InvalidRequestError
from agent.files.access import reason_of
from agent.messages import quote
from agent.views.say import complain, say


def make_folder(folder: Path) -> None:
    """Make a folder for files of runs. Raises InvalidRequestError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequestError(
            f"cannot make the folder {quote(folder)}: {reason_of(error)}; choose another --out"
        ) from error


def run_in_processes(commands: Mapping[str, Sequence[str]], folder: Path, workers: int) -> int:
    """Run all commands, at most `workers` at once; a log of each, by its name, goes into the folder.

    A command that fails does not keep the others from running. Returns the first exit code that is not 0, else 0.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        codes = list(pool.map(lambda name: _run(name, commands[name], folder), commands))
    finally:
        pool.shutdown(cancel_futures=True)
    return next((code for code in codes if code), 0)


def _run(name: str, words: Sequence[str], folder: Path) -> int:
    """Run one command with one thread, because two processes use two cores better than two threads do."""
    log = folder / f"{name}.log"
    with log.open("w") as written:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "agent", *words], env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        reason = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        complain(f"{name} failed: {reason.removeprefix('dubito: ')} (its log is {log})")
    else:
        say(f"{name}: done", err=True)
    return done.returncode
