"""Start a Docker engine on a machine that has none. Prints nothing where an engine answers.

As root on Debian or Ubuntu it installs docker.io and starts dockerd. On any other machine it says in one sentence what
to install, and exits with 3. It never changes an engine that is there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from sandbox.base import SandboxUnavailable
from sandbox.docker.client import connect

_EXAMPLE = "example: python -m sandbox.docker.engine && python -m sandbox.docker"
_PACKAGES = ("docker.io", "debootstrap")
_LOG = Path("/var/log/dubito-dockerd.log")
WAIT_SECONDS = 60.0
PID_FILES = {Path("/var/run/docker.pid"): "dockerd", Path("/var/run/docker/containerd/containerd.pid"): "containerd"}
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


def _say(step: str) -> None:
    """Print one line on stderr, at once."""
    sys.stderr.write(f"sandbox: {step}\n")
    sys.stderr.flush()


def main() -> int:
    """Parse the command line and make sure that an engine answers; return the exit code, 0 or 3."""
    argparse.ArgumentParser(prog="python -m sandbox.docker.engine", description=__doc__, epilog=_EXAMPLE).parse_args()
    return ensure_engine()


def ensure_engine() -> int:
    """Start an engine where none answers; return the exit code, 0 where one answers in the end, else 3."""
    if engine_answers():
        return 0
    try:
        refuse_unless_possible(os.geteuid(), Path("/etc/os-release").read_text(), os.environ.get("DOCKER_HOST"))
        install_engine()
        start_engine()
    except (SandboxUnavailable, OSError) as error:
        _say(str(error))
        return 3
    return 0


def engine_answers() -> bool:
    """Return whether an engine answers."""
    try:
        connect().close()
    except SandboxUnavailable:
        return False
    return True


def refuse_unless_possible(user: int, os_release: str, docker_host: str | None) -> None:
    """Raise SandboxUnavailable, saying what to do, unless we are root on Debian or Ubuntu and no engine is named."""
    if docker_host:
        raise SandboxUnavailable(
            f"no Docker engine answers at DOCKER_HOST={docker_host}; start it, or unset DOCKER_HOST"
        )
    if not family(os_release) & {"debian", "ubuntu"}:
        raise SandboxUnavailable("no Docker engine answers; install Docker (https://docs.docker.com/engine/install/)")
    if user != 0:
        raise SandboxUnavailable("no Docker engine answers; try: sudo apt-get install docker.io debootstrap")


def family(os_release: str) -> set[str]:
    """Return the distribution and those it derives from, by the text of /etc/os-release."""
    pairs = (line.partition("=") for line in os_release.splitlines())
    return {word for key, _, value in pairs if key in ("ID", "ID_LIKE") for word in value.strip("\"'").split()}


def install_engine() -> None:
    """Install the packages, unless both are there."""
    if shutil.which("dockerd") and shutil.which("debootstrap"):
        return
    _say(f"installing {' and '.join(_PACKAGES)} with apt-get")
    _apt("update")
    _apt("install", "--yes", "--no-install-recommends", *_PACKAGES)


def start_engine() -> None:
    """Start dockerd in a session of its own, unless the package's service has; wait until it answers."""
    if _answers_within(3.0):
        return
    for file, name in PID_FILES.items():
        forget_stale(file, name)
    _say(f"starting dockerd (log: {_LOG})")
    with _LOG.open("ab") as log:
        subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True)
    if not _answers_within(WAIT_SECONDS):
        raise SandboxUnavailable(f"dockerd does not answer after {WAIT_SECONDS:.0f} s; its log is {_LOG}")


def forget_stale(pid_file: Path, name: str) -> None:
    """Remove the pid file of an engine that was killed.

    dockerd refuses to start where another process has that number, or the killed one is a zombie that nobody reaps.
    """
    try:
        number = int(pid_file.read_text())
        status = Path(f"/proc/{number}/status").read_text()
    except (OSError, ValueError):
        status = ""
    if f"Name:\t{name}\n" not in status or "\nState:\tZ" in status:
        pid_file.unlink(missing_ok=True)


def _answers_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not engine_answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _apt(*arguments: str) -> None:
    command = ["apt-get", "--quiet", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | _ENVIRONMENT, check=False)
    if result.returncode != 0:
        last = " ".join((result.stdout + result.stderr).strip().splitlines()[-1:])
        raise SandboxUnavailable(f"`{' '.join(command)}` failed: {last}")


if __name__ == "__main__":
    sys.exit(main())
