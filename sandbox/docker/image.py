"""Build the sandbox's image, once for each state of its sources, with or without a registry. Runs nothing in it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.docker.bootstrap import OFFLINE_BASE, bootstrap
from sandbox.docker.client import build_image, has_image, pull_image

BASE = "python:3.11-slim"
NAME = "dubito-sandbox"
DOCKERFILE = Path(__file__).parent / "Dockerfile"
_GUEST_FOLDER = Path(__file__).parent.parent / "guest"
_IMAGE_LABELS = {"dubito.image": "sandbox"}

Say = Callable[[str], None]


def image_tag() -> str:
    """Return the image's name with a hash of its sources, so that a stale image is never used."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{NAME}:{digest.hexdigest()[:12]}"


def sources() -> list[Path]:
    """Return the files that make the image."""
    return [DOCKERFILE, *sorted(_GUEST_FOLDER.glob("*.py"))]


def ensure_image(client: Any, say: Say) -> str:
    """Build the image if it is not there, and return its tag. Calls `say` with each step. Raises SandboxUnavailable."""
    name = image_tag()
    if not has_image(client, name):
        base = _base(client, say)
        say(f"building the image {name} from {base}, once, which takes a minute or more")
        network = "none" if base == OFFLINE_BASE else None  # the registry's image has no numpy yet
        build_image(
            client,
            pack_context(),
            tag=name,
            buildargs={"BASE": base},
            labels=_IMAGE_LABELS,
            network_mode=network,
            rm=True,
        )
    return name


def pack_context() -> io.BytesIO:
    """Pack the sources into a tar archive."""
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
        if has_image(client, image):
            return image
    say(f"pulling {BASE}, once")
    reason = pull_image(client, BASE)
    if reason is None:
        return BASE
    say(f"no registry answers ({reason})")
    return bootstrap(client, say)
