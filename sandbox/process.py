"""Run programs in plain child processes of this user. Bounds time, memory and output; NOT a security boundary.

A program may read and write every file that its user may, talk to servers on unix sockets, see and signal the user's
other processes, and leave files outside of its own directory. Fork bombs are not bounded. For programs you trust.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from sandbox.channel import PipeChannel
from sandbox.forkserver import GUEST_ENVIRONMENT, GUEST_PARENT, ForkServerSandbox, guest_command

_logger = logging.getLogger(__name__)
_PREFIX = "dubito-run-"  # of a server's own directory


def remove_abandoned(folder: Path) -> list[Path]:
    """Remove and return the directories whose owner has ended; its lock ended with it."""
    abandoned = []
    for place in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is locked, belongs to somebody else, or is no directory
            lock = _lock(place)
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)
            abandoned.append(place)
    return abandoned


def _lock(place: Path) -> int:
    """Lock a directory of this user; return the descriptor that holds the lock. Raises OSError where that fails."""
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(lock).st_uid != os.geteuid():
            raise PermissionError(f"{place} belongs to somebody else")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


class _PlacedChannel(PipeChannel):
    """The channel to a server with a directory of its own. Closing removes it; until then a lock protects it."""

    def __init__(self) -> None:
        folder = Path(tempfile.gettempdir())
        remove_abandoned(folder)
        new = Path(tempfile.mkdtemp(prefix="dubito-new-"))
        self._lock = _lock(new)
        self._place = str(new.rename(folder / f"{_PREFIX}{new.name.removeprefix('dubito-new-')}"))
        python = getattr(sys, "_base_executable", sys.executable)
        command = guest_command(python, str(GUEST_PARENT), self._place, separate_users=False)
        try:
            super().__init__(command, GUEST_ENVIRONMENT)
        except OSError:
            self._leave()
            raise

    def close(self) -> None:
        super().close()
        self._leave()

    def _leave(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        os.close(self._lock)


class ProcessSandbox(ForkServerSandbox):
    """Does not isolate; the module's docstring says what that means. Warns once, in the log."""

    _warned = False

    def __init__(self, *, fresh: bool = False) -> None:
        """fresh: give every program a server and a directory of its own."""
        super().__init__(_PlacedChannel, fresh=fresh)
        if not ProcessSandbox._warned:
            ProcessSandbox._warned = True
            _logger.warning("the process sandbox does not isolate: programs run with your rights, among your files")
