"""The fork server: a warm interpreter that forks a supervisor for each request and itself never reads one."""

from __future__ import annotations

import gc
import os
import platform
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

from . import child, family, kernel, seccomp, supervisor, wire
from .landlock import Confinement

FIRST_USER, LAST_USER = 1 << 20, 1 << 30  # far from any account; each run gets the next one
DONE, CLOSED, BROKEN = 0, 10, 11  # exit codes of a supervisor
WARM = (  # what programs import most: imported once, before they are forked
    *("bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"),
    *("hashlib", "heapq", "itertools", "json", "math", "operator", "random", "re", "statistics", "string", "typing"),
)


def main(place: str, separate_users: bool) -> int:
    """Serve the requests on descriptor 0 until it is closed; the exit code."""
    os.environ.clear()
    os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", LANG="C.UTF-8", MALLOC_ARENA_MAX="1")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads when it is imported
    for name in WARM:
        __import__(name)
    while os.open(os.devnull, os.O_RDONLY) < child.RESULTS:
        pass  # the child's descriptors stay taken, so that no pipe gets their numbers
    kernel.harden()
    seccomp.install()
    kernel.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the times of children that are waited for would add up in /proc
    confinement = Confinement(place) if separate_users else None
    wire.write(1, wire.frame(wire.pack({"python": platform.python_version(), "users": separate_users})))
    gc.freeze()  # a collection in a child would touch, and so copy, every page it shares with the server
    user = random.SystemRandom().randrange(FIRST_USER, LAST_USER)
    while True:
        code = _serve_one(user if separate_users else None, Path(place), confinement)
        if code != DONE:
            family.end(None)  # a supervisor that was killed has left us its child
            return 0 if code == CLOSED else 1
        user += 1


def _serve_one(user: int | None, place: Path, confinement: Confinement | None) -> int:
    """Fork a supervisor, and return the code that it writes at its end; BROKEN where it dies without one."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        code = os.read(told, 1)
        os.close(told)
        with suppress(ChildProcessError):  # its status is nobody's: this returns when it is gone
            os.waitpid(pid, 0)
        return code[0] if code else BROKEN
    end = BROKEN
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        supervisor.serve(user, place, confinement)
        end = DONE
    except EOFError:
        end = CLOSED
    except BaseException:  # noqa: BLE001 - the last thing a broken supervisor does is to say why
        sys.excepthook(*sys.exc_info())
    finally:
        os.write(tell, bytes([end]))
        os._exit(end)
