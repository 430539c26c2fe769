"""Set process attributes and resource limits, and read counters of Linux. Decides no policy."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_MOST_SIGNALS = 256  # queued for a program's user; each takes memory of the kernel that no other limit counts
_OOM_COUNTERS = ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events")  # cgroup v1, v2
_SIGPENDING = 11  # RLIMIT_SIGPENDING, which Python's `resource` does not name
_NOBODY = 65534  # no process of a container has this user id
_MEMORY = (  # in use, the most that was ever in use, the limit
    tuple(
        f"/sys/fs/cgroup/memory/memory.{name}" for name in ("usage_in_bytes", "max_usage_in_bytes", "limit_in_bytes")
    ),
    tuple(f"/sys/fs/cgroup/memory.{name}" for name in ("current", "peak", "max")),
)
_LIBC = ctypes.CDLL(None, use_errno=True)


def harden() -> None:
    """Give up gaining privileges for good, and forbid other processes of this user to look into this one."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent dies, so that none can hide by forking twice."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Die when the parent dies, so that a killed server leaves no process. Taking another user id undoes this."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def become(user: int) -> None:
    """Take this user and group id for good."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def act_as(user: int) -> None:
    """Take the user's right to signal, while the user's processes may not signal, and so not stop, this one."""
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, user, _NOBODY)


def free_sockets_in_flight() -> None:
    """Close a unix socket. The kernel then frees dead sockets that hold each other and descriptors in their queues."""
    socket.socket(socket.AF_UNIX).close()


def die_first() -> None:
    """Make the kernel kill this process, not the server, when memory runs out."""
    with suppress(OSError):  # where the file belongs to somebody else, the other limits still hold
        Path("/proc/self/oom_score_adj").write_text("1000")


def restrict(limits: dict[str, float], *, alone: bool) -> None:
    """Set this process's resource limits. alone: its user id has no other processes."""
    cpu = math.ceil(limits["cpu_seconds"]) + 1  # a second line of defence: the supervisor measures more finely
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _limit(resource.RLIMIT_AS, address_space() + int(limits["memory_mib"] * 2**20))
    _limit(resource.RLIMIT_FSIZE, int(limits["file_mib"] * 2**20))
    _limit(resource.RLIMIT_NOFILE, int(limits["open_files"]))
    for nothing in ("RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE"):
        _limit(getattr(resource, nothing, resource.RLIMIT_CORE), 0)
    if alone:
        _limit(resource.RLIMIT_NPROC, int(limits["processes"]))
        _limit(_SIGPENDING, _MOST_SIGNALS)


def address_space() -> int:
    """Return the bytes that this process has mapped; a forked process starts with its parent's."""
    return int(_read("/proc/self/statm").split()[0]) * resource.getpagesize()


def memory_kills() -> int:
    """Return how often the kernel has killed for memory in this cgroup; 0 where it does not say."""
    for counter in _OOM_COUNTERS:
        try:
            lines = _read(counter).splitlines()
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


class MemoryShares(NamedTuple):
    """The share of its memory limit that this cgroup uses, from 0 to 1."""

    now: float
    highest: float | None  # since the cgroup was made; None where the kernel does not say (version 2 before Linux 5.19)


def memory_shares() -> MemoryShares | None:
    """Return the shares; None where the kernel does not say them, or memory is not limited."""
    for used, highest, most in _MEMORY:
        try:
            limit, known = int(_read(most)), os.access(highest, os.R_OK)
            return MemoryShares(int(_read(used)) / limit, int(_read(highest)) / limit if known else None)
        except (OSError, ValueError):  # "max" is no number
            continue
    return None


def _read(path: str) -> str:
    """Read a short file. In a freshly forked process this is several times quicker than pathlib."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096).decode("ascii")
    finally:
        os.close(fd)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(which)
    limits = [soft, soft if hard is None else hard]
    if most != resource.RLIM_INFINITY:
        limits = [min(value, most) for value in limits]
    resource.setrlimit(which, (limits[0], limits[1]))


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")
