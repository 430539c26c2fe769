"""Run programs in bubblewrap's namespaces: no network, no host files but a read-only Python. Weaker than docker.

What it does not protect: memory, cpu and disk are bounded for each process, not for all of a program's together (no
cgroup), and of system calls only those of guest/seccomp.py are refused. Without root, programs share one user id with
the server: they may kill it, which costs the run, not its truth, and their number is not bounded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.base import SandboxUnavailable
from sandbox.channel import Channel, PipeChannel
from sandbox.forkserver import GUEST_ENVIRONMENT, GUEST_PARENT, ForkServerSandbox, guest_command

_GUEST_FOLDER = "/opt/dubito"
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
TMP_BYTES = 64 << 20
PROBE_SECONDS = 10.0


class BubblewrapSandbox(ForkServerSandbox):
    """Namespaces without a container engine; the module's docstring says what they do not protect."""

    def __init__(self, *, fresh: bool = False) -> None:
        """fresh: every program gets namespaces of its own."""
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise SandboxUnavailable("bwrap is not installed; try your system's package `bubblewrap`")
        self._bwrap = bwrap
        _probe([bwrap, *flags(separate_users=_is_root()), "true"])
        super().__init__(self._open_channel, fresh=fresh)

    def _open_channel(self) -> Channel:
        python = getattr(sys, "_base_executable", sys.executable)
        server = guest_command(python, _GUEST_FOLDER, "/tmp", separate_users=_is_root())
        return PipeChannel([self._bwrap, *flags(separate_users=_is_root()), *server], {})


def flags(*, separate_users: bool) -> list[str]:
    """The options of bwrap. Root keeps the capabilities to give each program a user id; others get a user namespace."""
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
        *("--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/"),
    ]


def _mounted(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.exists() else []


def _interpreter(prefix: Path) -> list[str]:
    """The folders above it are made first: bwrap would copy the modes of ours, and /root is nobody else's to enter."""
    if prefix.is_relative_to("/usr"):
        return []
    above = [str(folder) for folder in reversed(prefix.parents) if folder != Path("/")]
    return [
        *(part for folder in above for part in ("--perms", "0755", "--dir", folder)),
        "--ro-bind",
        *[str(prefix)] * 2,
    ]


def _is_root() -> bool:
    return os.geteuid() == 0


def _probe(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PROBE_SECONDS)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()
        raise SandboxUnavailable(f"bwrap does not work here: {said}; are user namespaces allowed?") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxUnavailable(f"bwrap did not start `true` within {PROBE_SECONDS:.0f} s") from error
