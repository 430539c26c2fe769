"""Run untrusted programs, and never trust what they say about themselves. Judges nothing; benchmarks do.

`open_sandbox` is the way in. A new sandbox is one module and one line in SANDBOXES.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from sandbox.base import (
    DEFAULT_LIMITS,
    Call,
    CallOutcome,
    Execution,
    Expression,
    Limits,
    Raised,
    Returned,
    Sandbox,
    SandboxError,
    SandboxUnavailable,
    Unplain,
    Verdict,
)
from sandbox.guest.plain import PlainError

if TYPE_CHECKING:
    from sandbox.forkserver import ForkServerSandbox

__all__ = [
    "DEFAULT_LIMITS",
    "SANDBOXES",
    "Call",
    "CallOutcome",
    "Execution",
    "Expression",
    "Limits",
    "PlainError",
    "Raised",
    "Returned",
    "Sandbox",
    "SandboxError",
    "SandboxUnavailable",
    "Unplain",
    "Verdict",
    "open_sandbox",
]


def _docker(memory_mib: int | None, fresh: bool, *, runtime: str | None = None) -> ForkServerSandbox:
    from sandbox.docker.container import MEMORY_MIB  # noqa: PLC0415 - loaded only when it is asked for
    from sandbox.docker.sandbox import DockerSandbox  # noqa: PLC0415 - docker is heavy, and may not be there

    return DockerSandbox(memory_mib=memory_mib or MEMORY_MIB, runtime=runtime, fresh=fresh)


def _bubblewrap(memory_mib: int | None, fresh: bool) -> ForkServerSandbox:
    from sandbox.bubblewrap import BubblewrapSandbox  # noqa: PLC0415 - loaded only when it is asked for

    return BubblewrapSandbox(fresh=fresh)


def _process(memory_mib: int | None, fresh: bool) -> ForkServerSandbox:
    from sandbox.process import ProcessSandbox  # noqa: PLC0415 - loaded only when it is asked for

    return ProcessSandbox(fresh=fresh)


SANDBOXES: dict[str, Callable[[int | None, bool], ForkServerSandbox]] = {
    "docker": _docker,
    "gvisor": partial(_docker, runtime="runsc"),
    "bubblewrap": _bubblewrap,
    "process": _process,
}


def open_sandbox(
    name: str | None = None, *, workers: int = 1, memory_mib: int | None = None, fresh: bool = False
) -> Sandbox:
    """Open the sandbox of that name, or the safest one of this machine: docker, else bubblewrap, never process.

    workers: how many programs run at once, for callers with threads. More than one make a pool, started here.
    memory_mib: of a container, for all processes of a program together. The other sandboxes bound each process alone.
    fresh: give every program a sandbox of its own. This is slower, and nothing passes from one program to the next.
    Raises ValueError for an unknown name and SandboxUnavailable where this machine cannot give the sandbox.
    """
    if name is not None and name not in SANDBOXES:
        raise ValueError(f"unknown sandbox {name!r}; choose from {', '.join(sorted(SANDBOXES))}")
    name, first = (name, SANDBOXES[name](memory_mib, fresh)) if name else _safest(memory_mib, fresh)
    if workers == 1:
        return first
    from sandbox.pool import SandboxPool  # noqa: PLC0415 - loaded only when it is asked for

    return SandboxPool([first, *(SANDBOXES[name](memory_mib, fresh) for _ in range(workers - 1))])


def _safest(memory_mib: int | None, fresh: bool) -> tuple[str, ForkServerSandbox]:
    reasons = []
    for isolating in ("docker", "bubblewrap"):
        try:
            return isolating, SANDBOXES[isolating](memory_mib, fresh)
        except SandboxUnavailable as error:
            reasons.append(f"{isolating}: {error}")
    raise SandboxUnavailable(
        f"no isolating sandbox on this machine ({'; '.join(reasons)}); install Docker, "
        "or name the sandbox `process`, which does not isolate"
    )
