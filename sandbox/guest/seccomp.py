"""Filter system calls for every program of every sandbox. The engine's own filter may refuse more.

It refuses what a program can use to reach past its namespaces, to escape its limits, or to leave a note:

- Sockets other than unix ones reach the hypervisor (vsock) or outlive their program (TCP).
- Memory files, larger socket buffers and socket filters are memory that no limit counts.
- Rings make system calls that no filter sees. Asynchronous input and output takes slots that the whole host shares.
- Namespaces and mounts give a program capabilities and files of its own.
- Watches (inotify, fanotify, F_NOTIFY) see what others open, where files are shared with the host.
- Keys, shared futexes and advice on the page cache carry messages to programs that run later or elsewhere. So do the
  times of device files, and the numbers that sockets and process descriptors get from counters of the whole host.
- `sync` writes back the file systems of the whole host.

A refused call fails as if the kernel did not have it. An ignored call (`sync`, setting a file's times, advice) succeeds
and does nothing. A wait on a shared futex returns at once: the C library then asks again whether a thread has ended.

Machines that are not in `_MACHINES` have no filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_ABSENT, _DENY, _NO_FAMILY, _INVALID, _AGAIN = (
    _ERRNO | error for error in (errno.ENOSYS, errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL, errno.EAGAIN)
)
_NOTHING_DONE = _ERRNO  # error 0: the call returns 0, and the kernel never sees it
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54  # of classic BPF
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in what the filter sees of a call; little-endian
_FOREIGN = 0x40000000  # on x86-64, calls from here on are the x32 ones
_LIBC = ctypes.CDLL(None, use_errno=True)

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_PROCESS_DESCRIPTOR = 0x1000  # CLONE_PIDFD
_COOKIES = (57, 71, 77)  # SO_COOKIE, SO_NETNS_COOKIE, SO_PEERPIDFD
_ATTACH_FILTER, _ATTACH_BPF, _REUSEPORT_CBPF, _REUSEPORT_EBPF = 26, 50, 51, 52
_FUTEX_PRIVATE, _FUTEX_COMMAND, _FUTEX_WAITS = 128, 127, (0, 9)  # FUTEX_WAIT, FUTEX_WAIT_BITSET
_PASS_PROCESS_DESCRIPTORS = 76  # SO_PASSPIDFD
_WATCH_FOLDER = 1026  # F_NOTIFY
_EVICT = (20, 21)  # MADV_COLD, MADV_PAGEOUT


class Machine(NamedTuple):
    """The numbers that system calls have on one kind of machine."""

    audit: int
    make_sockets: tuple[int, ...]
    set_option: int
    get_option: int
    control_file: int
    clone: int
    futex: int
    advise_memory: int
    refused: tuple[int, ...]
    denied: tuple[int, ...]
    ignored: tuple[int, ...]


_EVERYWHERE = (  # calls whose numbers are the same on every machine
    *(425, 426, 427),  # io_uring_setup, io_uring_enter, io_uring_register
    *(428, 429, 430, 431, 432, 433, 442),  # open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
    *(435, 440, 447),  # clone3 (the C library falls back to clone), process_madvise, memfd_secret
    *(424, 434, 438),  # pidfd_send_signal, pidfd_open, pidfd_getfd
    *(449, 454, 455, 456),  # futex_waitv, futex_wake, futex_wait, futex_requeue
    451,  # cachestat
)
_MACHINES = {
    "x86_64": Machine(
        audit=0xC000003E,
        make_sockets=(41, 53),
        set_option=54,
        get_option=55,
        control_file=72,
        clone=56,
        futex=202,
        advise_memory=28,
        refused=(
            *_EVERYWHERE,
            *(319, 248, 249, 250),  # memfd_create, add_key, request_key, keyctl
            *(206, 27, 327, 328),  # io_setup, mincore, preadv2, pwritev2
            *(272, 308, 165, 166, 155, 161),  # unshare, setns, mount, umount2, pivot_root, chroot
            *(321, 298, 323, 103),  # bpf, perf_event_open, userfaultfd, syslog
            *(253, 294, 300),  # inotify_init, inotify_init1, fanotify_init
        ),
        denied=(92, 93, 94, 260),  # chown, fchown, lchown, fchownat: even one that changes nothing changes a time
        ignored=(162, 306, 221, 187, 280, 132, 235, 261),  # sync, syncfs, fadvise64, readahead, utimensat, utime, …
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        make_sockets=(198, 199),
        set_option=208,
        get_option=209,
        control_file=25,
        clone=220,
        futex=98,
        advise_memory=233,
        refused=(
            *_EVERYWHERE,
            *(279, 217, 218, 219),
            *(0, 232, 286, 287),
            *(97, 268, 40, 39, 41, 51),
            *(280, 241, 282, 116),
            *(26, 262),
        ),
        denied=(54, 55),
        ignored=(81, 267, 223, 213, 88),
    ),
}


def install_filter() -> None:
    """Filter the calls of this process and all its descendants. `kernel.harden` must have been called before."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    code = b"".join(_program(machine))
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    if _LIBC.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def _program(machine: Machine) -> list[bytes]:
    """Build the filter. A jump skips at most 255 steps, so every rule tests the call's number for itself."""
    filters = (_ATTACH_FILTER, _ATTACH_BPF, _REUSEPORT_CBPF, _REUSEPORT_EBPF)
    options = (socket.SO_SNDBUF, *filters, _PASS_PROCESS_DESCRIPTORS)
    return [
        *(_step(_LOAD, _MACHINE), _step(_EQUAL, machine.audit, 1, 0), _step(_RETURN, _KILL)),
        *(_step(_LOAD, _NUMBER), _step(_AT_LEAST, _FOREIGN, 0, 1), _step(_RETURN, _KILL)),
        *(step for number in machine.refused for step in _answered(number, _ABSENT)),
        *(step for number in machine.denied for step in _answered(number, _DENY)),
        *(step for number in machine.ignored for step in _answered(number, _NOTHING_DONE)),
        *(step for number in machine.make_sockets for step in _only(number, 0, [socket.AF_UNIX], _NO_FAMILY)),
        *_never(machine.set_option, 2, options, _DENY),
        *_never(machine.get_option, 2, _COOKIES, _DENY),
        *_never(machine.control_file, 1, (_WATCH_FOLDER,), _INVALID),
        *_never(machine.advise_memory, 2, _EVICT, _INVALID),
        *_rule(machine.clone, 0, [_step(_ANY_BIT, _NEW_NAMESPACES | _PROCESS_DESCRIPTOR, 0, 1), _step(_RETURN, _DENY)]),
        *_private_futexes(machine.futex),
        _step(_RETURN, _ALLOW),
    ]


def _answered(number: int, answer: int) -> list[bytes]:
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, answer)]


def _only(number: int, argument: int, values: Sequence[int], refusal: int) -> list[bytes]:
    return _rule(number, argument, [step for value in values for step in _answered(value, _ALLOW)], refusal)


def _never(number: int, argument: int, values: Sequence[int], refusal: int) -> list[bytes]:
    return _rule(number, argument, [step for value in values for step in _answered(value, refusal)])


def _private_futexes(number: int) -> list[bytes]:
    """Allow private futexes only. No wait on a shared one sleeps: a program could make the kernel wake it."""
    private = [_step(_ANY_BIT, _FUTEX_PRIVATE, 0, 1), _step(_RETURN, _ALLOW), _step(_AND, _FUTEX_COMMAND)]
    return _rule(number, 1, private + [step for wait in _FUTEX_WAITS for step in _answered(wait, _AGAIN)], _INVALID)


def _rule(number: int, argument: int, tests: Sequence[bytes], otherwise: int = _ALLOW) -> list[bytes]:
    """Test an argument of one call. Other calls skip the rule; their number stays loaded for the next one."""
    steps = [_step(_LOAD, _ARGUMENTS + 8 * argument), *tests, _step(_RETURN, otherwise)]
    return [_step(_EQUAL, number, 0, len(steps)), *steps]


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
