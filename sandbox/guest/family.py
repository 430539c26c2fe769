"""Measure and kill all descendants of a process. Orphans are among them, because the guest adopts them (kernel.py)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from . import kernel

_TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 10.0


class Member(NamedTuple):
    """One living process."""

    pid: int
    parent: int
    cpu_seconds: float  # its own and that of the children it has waited for


class StillAlive(Exception):  # noqa: N818 - "processes are still alive" is the sentence
    """Processes survived SIGKILL for longer than the guest waits."""


def descendants(ancestor: int) -> list[Member]:
    """Return every process below this one."""
    members = [member for member in map(_member, Path("/proc").glob("[0-9]*/stat")) if member]
    children: dict[int, list[Member]] = {}
    for member in members:
        children.setdefault(member.parent, []).append(member)
    below: list[Member] = []
    waiting = [ancestor]
    while waiting:
        own = children.get(waiting.pop(), [])
        below += own
        waiting += [member.pid for member in own]
    return below


def end(user: int | None, seconds: float = PATIENCE_SECONDS) -> None:
    """Kill and reap every descendant of this process, or raise StillAlive. Returns at once when there is none.

    user: where the descendants have a user id of their own, one kill(-1) takes them all. No fork bomb outruns that.
    """
    deadline = time.monotonic() + seconds
    while reap():
        if time.monotonic() > deadline:
            raise StillAlive(f"processes {[member.pid for member in descendants(os.getpid())]} outlived SIGKILL")
        if user is None:
            _kill_each()
        else:
            _kill_user(user)
        time.sleep(0.0005)


def reap() -> bool:
    """Collect the dead children; return whether any child is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def _kill_each() -> None:
    for member in descendants(os.getpid()):
        with suppress(ProcessLookupError):  # it died by itself
            os.kill(member.pid, signal.SIGKILL)


def _kill_user(user: int) -> None:
    try:
        pid = os.fork()
    except OSError:  # the program has taken every process number
        return _kill_each()
    if pid == 0:
        try:
            kernel.act_as(user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return None


def _member(stat: Path) -> Member | None:
    try:
        after_name = stat.read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None  # the process has ended meanwhile
    ticks = sum(map(int, after_name[11:15]))
    return Member(int(stat.parent.name), int(after_name[1]), ticks / _TICKS)
