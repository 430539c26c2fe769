"""The Sandbox protocol and its records: a program and calls go in, an execution comes out. Touches nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Verdict(StrEnum):
    """The way a program ended. A sandbox that itself fails raises SandboxError and gives no verdict."""

    PASSED = "passed"
    FAILED = "failed"
    SYNTAX_ERROR = "syntax error"
    TIMED_OUT_CPU = "timed out (cpu)"
    TIMED_OUT_WALL = "timed out (wall)"
    OUT_OF_MEMORY = "out of memory"
    OUTPUT_LIMIT = "output limit"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run. A run that reaches a limit ends, with the verdict that is named after the limit."""

    cpu_seconds: float = 5.0  # the sum over the program and all its processes
    wall_seconds: float = 10.0
    memory_mib: int = 512  # address space of each process, above the interpreter's own
    output_kib: int = 64  # kept of each stream, head and tail; a longer stream is `truncated`, which is no error
    written_mib: int = 16  # what a program may write to one stream before it is stopped (output limit)
    values_mib: int = 16  # size of all outcomes, encoded (output limit)
    file_mib: int = 16  # size of one file
    open_files: int = 64
    processes: int = 32  # and threads; enforced where programs have a user id of their own
    hash_seed: int = 0  # the interpreter's PYTHONHASHSEED; it decides the order of sets of text


@dataclass(frozen=True, slots=True)
class Call:
    """`function(*arguments)` in the program's namespace. Arguments are plain data; each call gets its own copy."""

    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """Source evaluated in the program's namespace."""

    source: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The call returned plain data."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The call raised an exception."""

    type: str  # its name
    message: str


@dataclass(frozen=True, slots=True)
class Unplain:
    """The call returned a value that is not plain data."""

    type: str  # its name


CallOutcome = Returned | Raised | Unplain


@dataclass(frozen=True, slots=True)
class Execution:
    """One run, measured. `outcomes` are those of the calls, in order, up to where the run ended.

    PASSED means that the program loaded and that every call has an outcome, whatever it is. It does not mean that the
    program is right: compare the outcomes with what was expected, outside of the sandbox.
    """

    verdict: Verdict
    stdout: str
    stderr: str
    truncated: bool
    outcomes: tuple[CallOutcome, ...]
    cpu_seconds: float
    wall_seconds: float
    peak_memory_mib: float  # resident, of the largest process
    python: str  # the guest's version
    exit_code: int | None = None  # 0 to 255; None where a signal or a limit ended it

    @property
    def passed(self) -> bool:
        """The verdict is PASSED."""
        return self.verdict is Verdict.PASSED


DEFAULT_LIMITS = Limits()


class Sandbox(Protocol):
    """Runs one program at a time, each in a fresh process. Threads that share a sandbox wait for each other."""

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        """Execute the program as a module, then the calls in order. A call that raises does not stop the others.

        The module's `__name__` is "__main__" without calls and "program" with calls. A program that exits before its
        end, or before all calls are answered, has FAILED, even by `sys.exit(0)`; `exit_code` is its exit code. Raises
        ValueError for arguments that are not plain data, SandboxError where the sandbox, not the program, failed.
        """

    def close(self) -> None:
        """Remove every container, process and file. A closed sandbox starts again at the next run."""


class SandboxError(Exception):
    """The sandbox failed, not the program."""


class SandboxUnavailable(SandboxError):  # noqa: N818 - "the sandbox is unavailable" is the sentence
    """This machine cannot run the sandbox; the message says what to try."""
