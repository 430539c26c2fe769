"""Runs untrusted programs and never trusts what they say about themselves. Judges nothing; benchmarks do."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.base import (
    DEFAULT_LIMITS,
    Call,
    Execution,
    Expression,
    Limits,
    Outcome,
    Raised,
    Returned,
    Sandbox,
    SandboxError,
    SandboxUnavailable,
    Unplain,
    Verdict,
)
from sandbox.guest.plain import PlainError

__all__ = [
    "DEFAULT_LIMITS",
    "SANDBOXES",
    "Call",
    "Execution",
    "Expression",
    "Limits",
    "Outcome",
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


def _docker(memory_mib: int | None) -> Sandbox:
    from sandbox.docker import MEMORY_MIB, DockerSandbox  # noqa: PLC0415 - docker is heavy, and may not be there

    return DockerSandbox(memory_mib=memory_mib or MEMORY_MIB)


def _bubblewrap(memory_mib: int | None) -> Sandbox:
    from sandbox.bubblewrap import BubblewrapSandbox  # noqa: PLC0415 - only who asks for it pays for it

    return BubblewrapSandbox()


def _process(memory_mib: int | None) -> Sandbox:
    from sandbox.process import ProcessSandbox  # noqa: PLC0415 - only who asks for it pays for it

    return ProcessSandbox()


SANDBOXES: dict[str, Callable[[int | None], Sandbox]] = {
    "docker": _docker,
    "bubblewrap": _bubblewrap,
    "process": _process,
}


def open_sandbox(name: str | None = None, *, memory_mib: int | None = None) -> Sandbox:
    """The sandbox of that name, or the safest one this machine has: docker, else bubblewrap; never process unasked.

    memory_mib: of a container, for all processes of a program together; the others bound each process alone.
    Raises ValueError for an unknown name and SandboxUnavailable where there is none to be had.
    """
    if name is not None:
        if name not in SANDBOXES:
            raise ValueError(f"unknown sandbox {name!r}; choose from {', '.join(sorted(SANDBOXES))}")
        return SANDBOXES[name](memory_mib)
    reasons = []
    for isolating in ("docker", "bubblewrap"):
        try:
            return SANDBOXES[isolating](memory_mib)
        except SandboxUnavailable as error:
            reasons.append(f"{isolating}: {error}")
    raise SandboxUnavailable(
        f"no isolating sandbox on this machine ({'; '.join(reasons)}); install Docker, "
        "or use `--sandbox process` to run programs without isolation"
    )
