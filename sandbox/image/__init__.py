"""The sandbox's image: built once for each state of its sources, with or without a registry. Runs nothing in it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.base import SandboxUnavailable
from sandbox.image.bootstrap import OFFLINE_BASE, bootstrap

BASE = "python:3.11-slim"
NAME = "dubito-sandbox"
DOCKERFILE = Path(__file__).parent / "Dockerfile"
GUEST = Path(__file__).parent.parent / "guest"
LABELS = {"dubito.image": "sandbox"}

Say = Callable[[str], None]


def tag() -> str:
    """The image's name with a hash of all that goes into it, so that a stale image is never used."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{NAME}:{digest.hexdigest()[:12]}"


def sources() -> list[Path]:
    """The files that make the image."""
    return [DOCKERFILE, *sorted(GUEST.glob("*.py"))]


def ensure(client: Any, say: Say) -> str:
    """The tag of the image, built if it is not there; `say` hears of each step. Raises SandboxUnavailable."""
    wanted = tag()
    if not present(client, wanted):
        base = _base(client, say)
        say(f"building {wanted} from {base}")
        _build(client, wanted, base)
    return wanted


def present(client: Any, image: str) -> bool:
    """The engine has this image."""
    return bool(client.images.list(name=image))


def context() -> io.BytesIO:
    """The build's files as a tar archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sources():
            tar.add(path, "Dockerfile" if path == DOCKERFILE else f"guest/{path.name}", filter=_anonymous)
    archive.seek(0)
    return archive


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def _base(client: Any, say: Say) -> str:
    for image in (BASE, OFFLINE_BASE):
        if present(client, image):
            return image
    if _pulled(client, say):
        return BASE
    return bootstrap(client, say)


def _pulled(client: Any, say: Say) -> bool:
    from docker.errors import DockerException

    say(f"pulling {BASE}")
    try:
        client.images.pull(BASE)
    except (DockerException, OSError) as error:  # OSError: requests' timeouts
        say(f"no registry answers ({str(error).splitlines()[0][:120]})")
        return False
    return True


def _build(client: Any, wanted: str, base: str) -> None:
    from docker.errors import DockerException

    try:
        client.images.build(
            fileobj=context(),
            custom_context=True,
            tag=wanted,
            buildargs={"BASE": base},
            labels=LABELS,
            network_mode="none",
            rm=True,
        )
    except DockerException as error:
        raise SandboxUnavailable(f"the sandbox's image does not build: {error}; try: make sandbox") from error
