"""Run programs in a warm, hardened container with a fork server in it. docs/threat-model.md says what it protects."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from sandbox.base import SandboxError, SandboxUnavailable
from sandbox.channel import Channel
from sandbox.docker.channel import DockerChannel
from sandbox.docker.client import connect, has_image, is_answering
from sandbox.docker.container import MEMORY_MIB, container_options
from sandbox.docker.image import ensure_image, image_tag
from sandbox.forkserver import ForkServerSandbox

_logger = logging.getLogger(__name__)
RETURN_SECONDS = 60.0  # for an engine that has stopped to come back
REFUSAL_SECONDS = 3.0  # an engine that shuts down still answers, but starts nothing


class DockerSandbox(ForkServerSandbox):
    """One container, which runs one program at a time and starts with the first. Builds the image if it is missing."""

    def __init__(self, *, memory_mib: int = MEMORY_MIB, runtime: str | None = None, fresh: bool = False) -> None:
        """memory_mib: of the container. runtime: "runsc" for gVisor, None for the engine's default.

        fresh: give every program a container of its own.
        """
        self._client = connect()
        if runtime is not None and runtime not in (known := self._client.info().get("Runtimes", {})):
            self._client.close()
            raise SandboxUnavailable(f"the engine has no runtime {runtime!r}, only {', '.join(sorted(known))}")
        self._image = ensure_image(self._client, _logger.info)
        self._options = container_options(memory_mib) | ({"runtime": runtime} if runtime else {})
        super().__init__(self._open_channel, fresh=fresh)

    def close(self) -> None:
        """Remove the container."""
        super().close()
        self._client.close()

    def _open_channel(self) -> Channel:
        """Start a container. Wait for an engine that does not answer any more: it may be restarting."""
        began, refusing_since = time.monotonic(), None  # since when the engine answers but starts nothing
        while True:
            answered = is_answering(self._client)
            try:
                return DockerChannel(self._client, self._image, self._options)
            except SandboxError:
                now = time.monotonic()
                refusing = answered and is_answering(self._client)
                refusing_since = (refusing_since or now) if refusing else None
                gives_up = refusing_since and now - refusing_since > REFUSAL_SECONDS
                if gives_up or now - began > RETURN_SECONDS:
                    raise
            time.sleep(0.2)


def describe_isolation(client: Any) -> Iterator[tuple[str, str | None, str]]:
    """Yield the parts that isolation rests on: name, state (None where it is missing), and what to do then."""
    info = client.info()
    security = [option.removeprefix("name=") for option in info.get("SecurityOptions") or []]
    yield "docker engine", info.get("ServerVersion"), "it does not say its version"
    yield "control groups", f"version {info.get('CgroupVersion', '1')}", ""
    seccomp = next((option for option in security if option.startswith("seccomp")), None)
    yield "seccomp", seccomp, "the engine filters no system calls; use one that was built with seccomp"
    yield "runtimes", ", ".join(sorted(info.get("Runtimes", {}))), ""
    yield (
        "sandbox image",
        image_tag() if has_image(client, image_tag()) else None,
        "it is built at first use, or by: python -m sandbox.docker",
    )
