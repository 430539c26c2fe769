"""Hide the kernel's counters from programs, and let them write below one folder alone, where the kernel has Landlock.

A program may not open the files of `/sys`, which count what earlier programs used. It may list folders. Kernels before
5.13 have no Landlock: `/sys` stays readable there, and file permissions alone decide.
"""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the numbers of the system calls, on every machine
_VERSION = 1  # asks for the version instead of a rule set
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _DEVICE = 1, 2, 4, 8, 1 << 15
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}  # how many kinds of access a version knows; later ones 16
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | _DEVICE
_QUIET_VERSION, _QUIET = 7, 1  # from this version on the host's kernel logs denials, unless told not to
_HIDDEN = {"sys"}
_LIBC = ctypes.CDLL(None, use_errno=True)


class Confinement:
    """A rule set. The server makes it once, and each program enters it. Without Landlock it does nothing."""

    def __init__(self, place: str) -> None:
        """place: the folder below which programs may write."""
        self._version = _syscall(_CREATE, None, 0, _VERSION)
        if self._version < 1:
            return
        self._known = (1 << _RIGHTS_BY_VERSION.get(self._version, 16)) - 1 & ~_READ_DIR
        handled = struct.pack("=Q", self._known)
        self._rules = _syscall(_CREATE, handled, len(handled), 0)
        for entry in os.scandir("/"):
            if entry.name not in _HIDDEN:
                self._allow(entry.path, _EXECUTE | _READ_FILE)
        self._allow("/dev", _EXECUTE | _READ_FILE | _WRITE_FILE | _DEVICE)
        self._allow(place, self._known)

    def enter(self) -> None:
        """Confine this process for good. Raises OSError where the kernel refuses."""
        if self._version < 1:
            return
        flags = _QUIET if self._version >= _QUIET_VERSION else 0
        if _syscall(_RESTRICT, self._rules, flags) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")

    def _allow(self, path: str, rights: int) -> None:
        with suppress(FileNotFoundError, PermissionError):  # a dangling link, or a folder that is nobody's to enter
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                kinds = rights if os.path.isdir(path) else rights & _OF_FILES  # noqa: PTH112 - pathlib is slower to load
                rule = struct.pack("=Qi", kinds & self._known, fd)
                if _syscall(_ADD, self._rules, _PATH_BENEATH, rule, 0) != 0:
                    raise OSError(ctypes.get_errno(), f"landlock_add_rule: {path}")
            finally:
                os.close(fd)


def _syscall(number: int, *arguments: object) -> int:
    return int(_LIBC.syscall(number, *arguments))
