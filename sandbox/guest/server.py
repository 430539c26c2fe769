"""The fork server: a warm interpreter that forks a supervisor for each request. It never reads a request itself."""

from __future__ import annotations

import gc
import json
import os
import platform
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from . import child, family, kernel, seccomp, supervisor, wire
from .landlock import Confinement
from .traces import Finder, Traces

_FIRST_USER, _LAST_USER = 1 << 20, 1 << 30  # far from any account; each run gets the next one
_SERVED, _CLOSED, _BROKEN = 0, 10, 11  # exit codes of a supervisor
_WARM = (  # modules that programs import most: imported once, before a program is forked
    *("bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"),
    *("hashlib", "heapq", "itertools", "json", "math", "operator", "random", "re", "statistics", "string", "typing"),
)


def main(place: str, separate_users: bool) -> int:
    """Serve the requests on descriptor 0 until it is closed; return the exit code."""
    os.environ.clear()
    os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", LANG="C.UTF-8", MALLOC_ARENA_MAX="1")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads when it is imported
    for name in _WARM:
        __import__(name)
    while os.open(os.devnull, os.O_RDONLY) < child.RESULTS:
        pass  # the child's descriptors stay taken, so that no pipe gets their numbers
    kernel.harden()
    seccomp.install_filter()
    kernel.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # else the times of dead children add up in /proc
    guard = Guard(Confinement(place), Finder(Path(place))) if separate_users else None
    wire.write_all(1, wire.frame(wire.pack({"python": platform.python_version(), "users": separate_users})))
    gc.freeze()  # a collection in a child would touch, and so copy, every page it shares with the server
    user = random.SystemRandom().randrange(_FIRST_USER, _LAST_USER)
    before: Traces | None = None
    while True:
        served = _serve_one(user if separate_users else None, Path(place), guard, before)
        if served.code != _SERVED:
            family.end(None)  # a supervisor that was killed has left us its child
            return 0 if served.code == _CLOSED else 1
        user, before = user + 1, served.traces


class Guard(NamedTuple):
    """Keeps programs with user ids of their own from leaving notes for each other."""

    confinement: Confinement
    finder: Finder


class Served(NamedTuple):
    """How a supervisor ended, and the traces it found before its program ran."""

    code: int
    traces: Traces | None


def _serve_one(user: int | None, place: Path, guard: Guard | None, before: Traces | None) -> Served:
    """Fork a supervisor and read what it writes at its end. A broken supervisor writes nothing."""
    reading_end, writing_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing_end)
        with os.fdopen(reading_end, "rb") as pipe:
            words = pipe.readline()
        with suppress(ChildProcessError):  # SIGCHLD is ignored, so this raises once the supervisor is gone
            os.waitpid(pid, 0)
        return _parse_served(words)
    code, traces = _BROKEN, None
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        traces = guard.finder.find() if guard else None
        worn = bool(before and traces and not traces.follow(before))
        supervisor.serve(user, place, guard.confinement if guard else None, worn=worn)
        code = _SERVED
    except EOFError:
        code = _CLOSED
    except BaseException:  # noqa: BLE001 - a broken supervisor says why before it ends
        sys.excepthook(*sys.exc_info())
    finally:
        os.write(writing_end, json.dumps([code, traces]).encode("ascii") + b"\n")
        os._exit(code)


def _parse_served(words: bytes) -> Served:
    if not words:
        return Served(_BROKEN, None)
    code, traces = json.loads(words)
    if traces is None:
        return Served(code, None)
    process, file, entry, times = traces
    return Served(code, Traces(process, file, entry, tuple(times)))
