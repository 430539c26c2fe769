"""Standard streams that are full, closed or read by nobody, and errors of threads.

stdout carries the answer, so a command fails where it cannot write there. Text that stderr cannot take is lost.
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

_STDIN, _STDOUT, _STDERR = 0, 1, 2


@contextmanager
def guard_streams() -> Iterator[None]:
    """Run a command line so that its exit code also tells whether stdout was written. Raises SystemExit at the end."""
    _reserve_descriptors()
    stdout, stderr = _Descriptor(_STDOUT, needed=True), _Descriptor(_STDERR, needed=False)
    closed = sys.stdout is None
    sys.stdout, sys.stderr = _open_text(stdout, sys.stdout), _open_text(stderr, sys.stderr)
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - it stays open as stdin does
    threading.excepthook = _silence(threading.excepthook)
    sys.unraisablehook = _silence(sys.unraisablehook)
    if closed:
        complain("stdout is closed, and answers are written there; send it to a file, or to /dev/null")
        sys.exit(ExitCode.MACHINE_FAILED)
    code: Any = 0
    try:
        yield
    except SystemExit as error:
        code = error.code
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
    """A descriptor for writing. If it is needed, its first failure raises; if not, failures are ignored."""

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
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write all data. Raises StorageError, or SystemExit where the reader has left."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left and not self.failed:
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:  # another process made it non-blocking
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


def _open_text(descriptor: _Descriptor, like: Any) -> io.TextIOWrapper:
    """Open a text stream on a descriptor. It flushes lines on a terminal, and escapes what the encoding lacks."""
    encoding = getattr(like, "encoding", None) or "utf-8"
    lines = descriptor.isatty() or descriptor.fileno() == _STDERR
    buffer = io.BufferedWriter(descriptor)
    return io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=lines)


def _reserve_descriptors() -> None:
    """Open /dev/null for closed standard descriptors, so that no file gets their numbers."""
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _silence(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a hook that ignores interrupts and a closed stdout: the main thread reports those."""

    def call_hook(what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt | BrokenPipeError | StorageError):
            hook(what)

    return call_hook
