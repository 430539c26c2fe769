"""Make a base image without a registry, from Debian's packages, with debootstrap. Needs root and a Debian mirror."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.base import SandboxUnavailable

_SUITE = "bookworm"
OFFLINE_BASE = f"dubito-base:{_SUITE}-numpy"
_PACKAGES = "python3,python3-numpy"  # python3-minimal lacks json, resource, decimal and about a hundred more modules
_LEFT_OUT = ("./var/cache/apt", "./var/lib/apt/lists", "./usr/share/doc", "./usr/share/man", "./usr/share/locale")


def bootstrap(client: Any, say: Callable[[str], None]) -> str:
    """Make and import the base image; return its name. Raises SandboxUnavailable, saying what to install."""
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        raise SandboxUnavailable(
            "the sandbox's image needs a registry for python:3.11-slim, or debootstrap run by root; "
            "try (as root): apt-get install debootstrap && python -m sandbox.docker"
        )
    with tempfile.TemporaryDirectory(prefix="dubito-base-") as folder:
        say(f"making {OFFLINE_BASE} with debootstrap (about a minute)")
        _debootstrap(program, Path(folder))
        say(f"importing {OFFLINE_BASE}")
        _import(client, Path(folder))
    return OFFLINE_BASE


def _debootstrap(program: str, folder: Path) -> None:
    command = [program, "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        last = (result.stdout + result.stderr).strip().splitlines()[-1:]
        raise SandboxUnavailable(f"debootstrap failed: {' '.join(last)}; is a Debian mirror reachable?")


def _import(client: Any, folder: Path) -> None:
    repository, _, tag = OFFLINE_BASE.partition(":")
    command = ["tar", "-C", str(folder), *(f"--exclude={path}" for path in _LEFT_OUT), "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        client.api.import_image_from_stream(tar.stdout, repository=repository, tag=tag)
    if tar.returncode != 0:
        raise SandboxUnavailable(f"tar failed with exit code {tar.returncode} while importing {OFFLINE_BASE}")
