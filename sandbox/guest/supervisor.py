"""Serve one request: fork the child, read the request, watch the program, end it, clean up and answer.

The child is forked before the request is read, so its memory holds no nonce and no other program. A supervisor serves
once and exits, so no second child can inherit the first one's request.
"""

from __future__ import annotations

import os
import platform
import resource
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import child, family, files, kernel, wire
from .landlock import Confinement
from .request import Request
from .streams import Feed, HeadAndTail, Pump

IDLE_SECONDS = 3600.0
POLL_SECONDS = 0.1  # how often a running program's cpu time is looked at
NEAR_LIMIT = 0.8  # of a container's memory: below it, the container's own limit is not why the kernel kills
MOST_HELD = 0.5  # of a container's memory that may stay in use when all processes of a program have ended


@dataclass(frozen=True)
class Ends:
    """The supervisor's ends of the child's five pipes."""

    stdin: int
    stdout: int
    stderr: int
    job: int
    results: int


@dataclass(frozen=True)
class End:
    """How a run ended: with a wait status, or by the limit that struck."""

    status: int | None
    struck: str | None
    wall_seconds: float


def serve(user: int | None, place: Path, confinement: Confinement | None, *, worn: bool) -> None:
    """Answer the next request on descriptor 0. Raises EOFError where none will come.

    worn: an earlier program changed a trace that this one could read, so the answer asks for another server.
    """
    kernel.die_with_parent()
    kernel.adopt_orphans()
    if worn:
        _await(0)
        return wire.write_all(1, wire.frame(wire.pack({"nonce": Request.read(0).nonce, "another": True})))
    pid, ends = _fork(user, place, confinement)
    try:
        _await(0)
        header, streams = _run(Request.read(0), pid, ends, user)
    finally:
        family.end(user)
    try:
        files.empty(place, user)
    except OSError:  # the sandbox is replaced with its files, and the program has failed
        header |= {"worn": True, "struck": header["struck"] or "files"}
    return wire.write_all(1, wire.frame(wire.pack(header, *streams)))


def _await(fd: int) -> None:
    """Wait for a request. Raises EOFError after IDLE_SECONDS: a server that nobody asks is not there for ever."""
    if not select.select([fd], [], [], IDLE_SECONDS)[0]:
        raise EOFError("nobody has asked for anything")


def _fork(user: int | None, place: Path, confinement: Confinement | None) -> tuple[int, Ends]:
    stdin, stdout, stderr, job, results = (os.pipe() for _ in range(5))
    theirs = (stdin[0], stdout[1], stderr[1], job[0], results[1])
    pid = os.fork()
    if pid == 0:
        _child(theirs, user, place, confinement)
    for fd in theirs:
        os.close(fd)
    return pid, Ends(stdin[1], stdout[0], stderr[0], job[1], results[0])


def _child(fds: tuple[int, ...], user: int | None, place: Path, confinement: Confinement | None) -> None:
    """Run as the child; never return."""
    code = 1
    try:
        _separate(fds, user, place, confinement)
        job, _ = wire.unpack(wire.read_frame(child.JOB))
        kernel.restrict(job["limits"], alone=user is not None)
        if seed := int(job["limits"]["hash_seed"]):
            child.start_anew(seed, answering=job["answering"])
        code = child.run_program(
            wire.read_frame(child.JOB).decode("utf-8", "surrogatepass"), answering=job["answering"]
        )
    except EOFError:
        pass  # the host has closed; there is nothing to run
    except BaseException:  # noqa: BLE001 - it is printed to the program's stderr, which the host returns
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _separate(fds: tuple[int, ...], user: int | None, place: Path, confinement: Confinement | None) -> None:
    os.setsid()
    for target, fd in enumerate(fds):  # the server holds 3 and 4, so no pipe has these numbers and is overwritten
        os.dup2(fd, target, inheritable=target < child.JOB)
    kernel.die_first()
    if user is not None:
        kernel.become(user)
    kernel.die_with_parent()
    home = place / "run"
    home.mkdir(0o700)
    os.chdir(home)
    if confinement:
        confinement.enter()
    os.closerange(len(fds), 256)
    os.environ.update(HOME=str(home), TMPDIR=str(home))


def _run(request: Request, pid: int, ends: Ends, user: int | None) -> tuple[dict[str, object], list[bytes]]:
    output, written = request.size("output_kib", 1 << 10), request.size("written_mib", 1 << 20)
    values = request.size("values_mib", 1 << 20)
    stdout, stderr, results = (
        HeadAndTail(output, written),
        HeadAndTail(output, written),
        HeadAndTail(2 * values, values),
    )
    pump = Pump(
        sinks={ends.stdout: stdout, ends.stderr: stderr, ends.results: results},
        feeds={ends.stdin: Feed(request.stdin), ends.job: Feed(request.job())},
    )
    kills = kernel.memory_kills()
    end = _until_end(pid, pump, request.limits)
    family.end(user)
    kernel.free_sockets_in_flight()
    pump.drain()
    header = _measured(end, pump, request)
    header["memory_kills"] = kernel.memory_kills() - kills
    shares = kernel.memory_shares() if user is not None else None
    if shares:
        highest = NEAR_LIMIT if shares.highest is None else shares.highest  # unknown counts as neither below nor above
        header["starved"] = highest < NEAR_LIMIT and bool(header["memory_kills"])  # killed for memory held elsewhere
        header["worn"] = highest > NEAR_LIMIT or shares.now > MOST_HELD
    return header, [stdout.joined(), stderr.joined(), results.joined()]


def _until_end(pid: int, pump: Pump, limits: dict[str, float]) -> End:
    start = time.monotonic()
    deadline, look = start + limits["wall_seconds"], start + POLL_SECONDS
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        now = time.monotonic()
        if done:
            return End(status, None, now - start)
        struck = "output" if pump.overflowed else "wall" if now > deadline else None
        if now > look:
            struck = struck or ("cpu" if _cpu_seconds() > limits["cpu_seconds"] else None)
            look = now + POLL_SECONDS
        if struck:
            return End(None, struck, now - start)
        pump.turn(min(look, deadline) - now)


def _cpu_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = family.descendants(os.getpid())
    return ended.ru_utime + ended.ru_stime + sum(member.cpu_seconds for member in living)


def _measured(end: End, pump: Pump, request: Request) -> dict[str, object]:
    """Measure the run. All processes have died, so the cpu time is that of all of them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    late = "output" if pump.overflowed else "cpu" if cpu > request.limits["cpu_seconds"] else None
    return {
        "nonce": request.nonce,
        "status": end.status,
        "struck": end.struck or late,
        "memory_kills": 0,
        "starved": False,
        "worn": False,
        "truncated": pump.truncated,
        "cpu_seconds": cpu,
        "wall_seconds": end.wall_seconds,
        "peak_memory_mib": used.ru_maxrss / 1024,
        "python": platform.python_version(),
    }
