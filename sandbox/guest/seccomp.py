"""The system calls that no program gets, in any sandbox, as a seccomp filter. The rest is left to engine and kernel.

Sockets other than unix ones reach what no network namespace holds back (vsock, the hypervisor) or outlive their program
(TCP). Memory files and larger socket buffers count for no process: no limit bounds them, and the kernel would kill the
wrong one for them. Rings make system calls that no filter sees. Keys stay for the next program. Other machines than
those below have no filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from typing import NamedTuple

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_ABSENT, _DENY, _NO_FAMILY = (_ERRNO | error for error in (errno.ENOSYS, errno.EPERM, errno.EAFNOSUPPORT))
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # of classic BPF
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in what the filter sees of a call; little-endian
_FOREIGN = 0x40000000  # on x86-64, calls from here on are the x32 ones
_LIBC = ctypes.CDLL(None, use_errno=True)


class Machine(NamedTuple):
    """Numbers of one kind of machine: its own, of two kinds of calls with rules, and of those that are refused."""

    audit: int
    make_sockets: tuple[int, ...]
    set_option: int
    refused: tuple[int, ...]


_RINGS = (425, 426, 427)  # io_uring_setup, io_uring_enter, io_uring_register
_MACHINES = {  # refused: memfd_create, memfd_secret, add_key, request_key, keyctl, rings
    "x86_64": Machine(0xC000003E, (41, 53), 54, (319, 447, 248, 249, 250, *_RINGS)),
    "aarch64": Machine(0xC00000B7, (198, 199), 208, (279, 447, 217, 218, 219, *_RINGS)),
}


def install() -> None:
    """Filter the calls of this process and of all that come from it. It must have given up new privileges before."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    code = b"".join(_program(machine))
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    if _LIBC.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def _program(machine: Machine) -> list[bytes]:
    return [
        *(_step(_LOAD, _MACHINE), _step(_EQUAL, machine.audit, 1, 0), _step(_RETURN, _KILL)),
        *(_step(_LOAD, _NUMBER), _step(_AT_LEAST, _FOREIGN, 0, 1), _step(_RETURN, _KILL)),
        *(step for number in machine.refused for step in _if_equal(number, _ABSENT)),
        *(step for number in machine.make_sockets for step in _rule(number, 0, socket.AF_UNIX, _ALLOW, _NO_FAMILY)),
        *_rule(machine.set_option, 2, socket.SO_SNDBUF, _DENY, _ALLOW),
        _step(_RETURN, _ALLOW),
    ]


def _if_equal(number: int, answer: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, answer)]


def _rule(number: int, argument: int, value: int, if_equal: int, otherwise: int) -> list[bytes]:
    return [
        _step(_EQUAL, number, 0, 4),
        _step(_LOAD, _ARGUMENTS + 8 * argument),
        *_if_equal(value, if_equal),
        _step(_RETURN, otherwise),
    ]


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
