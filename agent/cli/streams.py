"""The process's own edges: streams that are full, closed or read by nobody, interrupts, and errors of threads.

stdout carries the answer: where it cannot be written the command fails. What stderr cannot take is lost.
"""

from __future__ import annotations

import errno
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.cli.exits import ExitCode
from agent.errors import StorageError
from agent.views.say import complain

STDIN, STDOUT, STDERR = 0, 1, 2


@contextmanager
def guarded() -> Iterator[None]:
    """Run a command line whose exit code says the truth about stdout, too. Ends the process by SystemExit."""
    _reserve_descriptors()
    stdout, stderr = _Descriptor(STDOUT, needed=True), _Descriptor(STDERR, needed=False)
    lost = sys.stdout is None
    sys.stdout, sys.stderr = _text(stdout, sys.stdout), _text(stderr, sys.stderr)
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - it stays open as stdin does
    threading.excepthook = _of_threads(threading.excepthook)
    sys.unraisablehook = _of_threads(sys.unraisablehook)
    if lost:
        complain("stdout is closed, and answers are written there; send it to a file, or to /dev/null")
        sys.exit(ExitCode.MACHINE_FAILED)
    code: Any = 0
    try:
        yield
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:  # a second one, while the first was being answered
        code = ExitCode.INTERRUPTED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own end would answer with a traceback
    try:
        sys.stdout.flush()
    except StorageError as error:
        complain(error)
    except SystemExit:
        pass
    sys.exit(ExitCode.MACHINE_FAILED if stdout.failed else code)


class _Descriptor(io.RawIOBase):
    """A descriptor that fails once, in a sentence, where it is needed, and never where it is not."""

    def __init__(self, number: int, *, needed: bool) -> None:
        self._number, self._needed = number, needed
        self.failed = False

    def fileno(self) -> int:
        """Return the descriptor's number."""
        return self._number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def writable(self) -> bool:
        """Say that it can be written, as every stream here."""
        return True

    def write(self, data: Any) -> int:
        """Write all, or fail. Raises StorageError, and SystemExit where the reader has left on purpose."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left and not self.failed:
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:  # somebody else made it so
                select.select([], [self._number], [])
            except OSError as error:
                self.failed = True
                if self._needed:
                    raise self._failure(error) from None
        return size

    @staticmethod
    def _failure(error: OSError) -> BaseException:
        if error.errno == errno.EPIPE:
            return SystemExit(ExitCode.MACHINE_FAILED)
        return StorageError(f"cannot write to stdout: {error.strerror}; send it elsewhere, or make room there")


def _text(descriptor: _Descriptor, like: Any) -> io.TextIOWrapper:
    """Return a text stream on a descriptor: line by line on a terminal; what the encoding lacks is escaped."""
    encoding = getattr(like, "encoding", None) or "utf-8"
    lines = descriptor.isatty() or descriptor.fileno() == STDERR
    buffer = io.BufferedWriter(descriptor)
    return io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=lines)


def _reserve_descriptors() -> None:
    """Open /dev/null in the place of closed standard descriptors, so that no file gets their numbers."""
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _of_threads(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the hook, silent about interrupts and a stdout that is gone: the main thread answers those."""

    def heard(what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt | BrokenPipeError | StorageError):
            hook(what)

    return heard
