"""Run programs in bubblewrap's namespaces: no network, no host files but a read-only Python. Weaker than docker.

It does not bound memory, cpu and disk of all processes of a program together (no cgroup), only of each process. It
refuses only the system calls of guest/seccomp.py. Without root, programs share one user id with the server. Then they
can kill the server, which costs the run but forges no result, and the number of processes is not bounded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.base import SandboxUnavailable
from sandbox.channel import Channel, PipeChannel
from sandbox.forkserver import GUEST_ENVIRONMENT, GUEST_PARENT, ForkServerSandbox, guest_command

WORK_FOLDER = "/tmp/work"  # of a confined command: the folder that it may write
_PACKAGES_FOLDER = "/tmp/packages"
_GUEST_FOLDER = "/opt/dubito"
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
_TMP_BYTES = 64 << 20
_PROBE_SECONDS = 10.0


class BubblewrapSandbox(ForkServerSandbox):
    """Isolates by namespaces, without a container engine. The module's docstring says what it does not protect."""

    def __init__(self, *, fresh: bool = False) -> None:
        """fresh: give every program namespaces of its own. Raises SandboxUnavailable where bwrap does not work."""
        self._bwrap = _find_bwrap()
        super().__init__(self._open_channel, fresh=fresh)

    def _open_channel(self) -> Channel:
        python = getattr(sys, "_base_executable", sys.executable)
        server = guest_command(python, _GUEST_FOLDER, "/tmp", separate_users=_is_root())
        return PipeChannel([self._bwrap, *flags(separate_users=_is_root()), *server], {})


def confine(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return a command that runs this Python with arguments, without network, and with one folder to write.

    It sees that folder as WORK_FOLDER, and this interpreter's packages. Nothing but the machine bounds its memory and
    time. Raises SandboxUnavailable where bwrap does not work.
    """
    python, packages = sys.executable, list[str]()
    if sys.prefix != sys.base_prefix:  # a virtual environment: its Python finds the packages from where it lies
        python = f"{_PACKAGES_FOLDER}/{Path(sys.executable).relative_to(sys.prefix)}"
        packages = ["--ro-bind", sys.prefix, _PACKAGES_FOLDER]
    return [
        _find_bwrap(),
        *(flag for flag in flags(separate_users=_is_root()) if flag != "--as-pid-1"),
        *packages,
        *("--bind", str(folder), WORK_FOLDER, "--tmpfs", "/dev/shm", "--chdir", WORK_FOLDER),
        *(part for name, value in environment.items() for part in ("--setenv", name, value)),
        *(python, "-P", *arguments),
    ]


def flags(*, separate_users: bool) -> list[str]:
    """Return bwrap's options. Root keeps capabilities to give each program a user id; others use a user namespace."""
    users = (
        ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
        if separate_users
        else ["--unshare-user"]
    )
    return [
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        "--as-pid-1",  # bwrap's own first process has the program's user, no filter, and the server's pipes
        *users,
        *("--die-with-parent", "--new-session", "--clearenv"),
        *(part for name, value in GUEST_ENVIRONMENT.items() for part in ("--setenv", name, value)),
        *(part for path in _SYSTEM_FOLDERS for part in _mounted(Path(path))),
        *_interpreter(Path(sys.base_prefix)),
        *(part for folder in ("/opt", _GUEST_FOLDER) for part in ("--perms", "0755", "--dir", folder)),
        *("--ro-bind", str(GUEST_PARENT / "guest"), f"{_GUEST_FOLDER}/guest"),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--perms", "1777", "--size", str(_TMP_BYTES), "--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/"),
    ]


def _mounted(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.exists() else []


def _interpreter(prefix: Path) -> list[str]:
    """Mount the interpreter. Its parent folders are made first: bwrap would copy modes such as that of /root."""
    if prefix.is_relative_to("/usr"):
        return []
    above = [str(folder) for folder in reversed(prefix.parents) if folder != Path("/")]
    return [
        *(part for folder in above for part in ("--perms", "0755", "--dir", folder)),
        "--ro-bind",
        *[str(prefix)] * 2,
    ]


def _find_bwrap() -> str:
    """Return the path of bwrap. Raises SandboxUnavailable where it does not work."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailable("bwrap is not installed; try your system's package `bubblewrap`")
    _probe([bwrap, *flags(separate_users=_is_root()), "true"])
    return bwrap


def _is_root() -> bool:
    return os.geteuid() == 0


def _probe(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_PROBE_SECONDS)
    except subprocess.CalledProcessError as error:
        message = error.stderr.decode("utf-8", "replace").strip()
        raise SandboxUnavailable(f"bwrap does not work here: {message}; are user namespaces allowed?") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxUnavailable(f"bwrap did not start `true` within {_PROBE_SECONDS:.0f} s") from error
