"""Run programs in a warm, hardened container with a fork server in it. What it covers: docs/threat-model.md."""

from __future__ import annotations

import logging
import socket
import struct
import time
import weakref
from collections.abc import Iterator
from typing import Any, BinaryIO

from sandbox.base import SandboxError, SandboxUnavailable
from sandbox.channel import CHUNK, Channel, Closed
from sandbox.docker.container import LABELS, MASKED, MEMORY_MIB, container_options, owner
from sandbox.forkserver import ForkServerSandbox

logger = logging.getLogger(__name__)
REMOVAL_SECONDS = 10.0
RETURN_SECONDS = 60.0  # for an engine that was there to come back
REFUSAL_SECONDS = 3.0  # an engine that shuts down answers still, and starts nothing
OF_THE_CONTAINER = ("command", "environment", "user", "working_dir", "stdin_open", "labels")
STREAM_HEADER = struct.Struct(">BxxxI")  # docker's multiplexed stream: which (1 stdout, 2 stderr), and how many bytes


class DockerSandbox(ForkServerSandbox):
    """One container, one program at a time; the container starts with the first. Builds the image if it is missing."""

    def __init__(self, *, memory_mib: int = MEMORY_MIB, runtime: str | None = None, fresh: bool = False) -> None:
        """memory_mib: of the container. runtime: of the engine's, "runsc" for gVisor; its default where None.

        fresh: every program gets a container of its own.
        """
        from sandbox.docker.image import ensure  # noqa: PLC0415 - the image is made with this module's functions

        self._client = connect()
        if runtime is not None and runtime not in (known := self._client.info().get("Runtimes", {})):
            self._client.close()
            raise SandboxUnavailable(f"the engine has no runtime {runtime!r}, only {', '.join(sorted(known))}")
        self._image = ensure(self._client, logger.info)
        self._options = container_options(memory_mib) | ({"runtime": runtime} if runtime else {})
        super().__init__(self._open_channel, fresh=fresh)

    def close(self) -> None:
        """Remove the container."""
        super().close()
        self._client.close()

    def _open_channel(self) -> Channel:
        """Start a container. An engine that was there and is not is waited for: it may be starting anew."""
        began, refused = time.monotonic(), None  # refused: since when it answers, and starts nothing
        while True:
            there = answers(self._client)
            try:
                return DockerChannel(self._client, self._image, self._options)
            except SandboxError:
                now = time.monotonic()
                refused = (refused or now) if there and answers(self._client) else None
                if now - began > RETURN_SECONDS or (refused and now - refused > REFUSAL_SECONDS):
                    raise
            time.sleep(0.2)


def connect() -> Any:
    """A client of the engine that answers. Raises SandboxUnavailable."""
    try:
        import docker
    except ImportError as error:
        raise SandboxUnavailable("docker-py is not installed (try: pip install docker)") from error
    client = None
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        if client is not None:
            client.close()
        raise SandboxUnavailable("docker is not answering; is the daemon running? (try: docker version)") from error
    if _is_podman(client):
        client.close()
        raise SandboxUnavailable(
            "the engine that answers is Podman, whose containers lack limits that programs need; "
            "start a Docker engine, or unset DOCKER_HOST"
        )
    return client


def _is_podman(client: Any) -> bool:
    components = client.version().get("Components") or []
    return any("podman" in str(component.get("Name", "")).lower() for component in components)


def answers(client: Any) -> bool:
    """The engine answers now."""
    try:
        return bool(client.ping())
    except Exception:  # noqa: BLE001 - whatever docker-py and requests raise for it
        return False


def sweep(client: Any, *, everything: bool = False) -> list[str]:
    """Remove containers of this host whose owner is gone, or all there are; their short ids."""
    own = [f"{key}={value}" for key, value in LABELS.items()]
    removed = []
    for container in client.containers.list(all=True, filters={"label": own}, ignore_removed=True):
        said = container.labels
        here = said.get("dubito.host") == socket.gethostname()
        gone = here and owner(int(said["dubito.owner"].partition(":")[0])) != said["dubito.owner"]
        if everything or gone:
            remove(client, container.id)
            removed.append(container.short_id)
    return removed


def described(client: Any) -> Iterator[tuple[str, str | None, str]]:
    """Yield what isolation rests on: a part's name, what was found of it (None: nothing), what to do then."""
    from sandbox.docker.image import tag  # noqa: PLC0415 - the image is made with this module's functions

    told = client.info()
    security = [option.removeprefix("name=") for option in told.get("SecurityOptions") or []]
    yield "docker engine", told.get("ServerVersion"), "it does not say its version"
    yield "control groups", f"version {told.get('CgroupVersion', '1')}", ""
    seccomp = next((option for option in security if option.startswith("seccomp")), None)
    yield "seccomp", seccomp, "the engine filters no system calls; use one that was built with seccomp"
    yield "runtimes", ", ".join(sorted(told.get("Runtimes", {}))), ""
    yield "sandbox image", tag() if present(client, tag()) else None, "it is built at first use, or by: make sandbox"


def present(client: Any, image: str) -> bool:
    """The engine has this image."""
    return bool(client.images.list(name=image))


def pull(client: Any, image: str) -> str | None:
    """Fetch an image from its registry; None, or why it cannot be had."""
    from docker.errors import DockerException

    try:
        client.images.pull(image)
    except (DockerException, OSError) as error:  # OSError: the time-outs of requests
        return str(error).splitlines()[0][:120]
    return None


def build(client: Any, context: BinaryIO, **options: Any) -> None:
    """Build an image from a tar archive. Raises SandboxUnavailable."""
    from docker.errors import DockerException

    try:
        client.images.build(fileobj=context, custom_context=True, **options)
    except DockerException as error:
        raise SandboxUnavailable(f"the sandbox's image does not build: {error}; try: make sandbox") from error


class DockerChannel:
    """The standard streams of a container's server, over the engine's attach socket."""

    def __init__(self, client: Any, image: str, options: dict[str, Any]) -> None:
        from docker.errors import DockerException

        self._buffer = bytearray()
        self._errors = bytearray()
        self._attached: Any = None
        try:
            container = create(client, image, options)
            self._remove = weakref.finalize(self, remove, client, container)
            streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self._attached = client.api.attach_socket(container, params=streams)
            self._socket: socket.socket = getattr(self._attached, "_sock", self._attached)  # over TLS it is the socket
            client.api.start(container)
        except (DockerException, OSError) as error:
            self._detach()
            raise SandboxError(f"the container does not start: {error}") from error

    def send(self, data: bytes, deadline: float) -> None:
        """Hand over all the data."""
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionError) as error:
            raise Closed(self._last_words()) from error

    def receive(self, count: int, deadline: float) -> bytes:
        """So many bytes of the server's stdout."""
        while len(self._buffer) < count:
            stream, size = STREAM_HEADER.unpack(self._read(STREAM_HEADER.size, deadline))
            (self._errors if stream == 2 else self._buffer).extend(self._read(size, deadline))
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def close(self) -> None:
        """Remove the container, and wait until it is gone."""
        self._detach()
        self._remove()

    def _detach(self) -> None:
        response = getattr(self._attached, "_response", None)
        if response is not None:
            response.close()  # it flushes, so it goes before its socket
        if self._attached is not None:
            self._attached.close()

    def _read(self, count: int, deadline: float) -> bytes:
        parts = []
        while count:
            try:
                self._socket.settimeout(_left(deadline))
                part = self._socket.recv(min(count, CHUNK))
            except ConnectionError as error:
                raise Closed(self._last_words()) from error
            if not part:
                raise Closed(self._last_words())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _last_words(self) -> str:
        words = self._errors.decode("utf-8", "replace").strip()
        return f"the container has ended: {words or 'no message'} (try: docker version)"


def create(client: Any, image: str, options: dict[str, Any]) -> str:
    """Create a container, and return its id. docker-py's own call has no word for masked paths."""
    own = {name: options[name] for name in OF_THE_CONTAINER}
    host = client.api.create_host_config(**{name: options[name] for name in options if name not in OF_THE_CONTAINER})
    host["MaskedPaths"] = list(MASKED)
    return str(client.api.create_container(image, host_config=host, **own)["Id"])


def remove(client: Any, container: str) -> None:
    """Remove the container by force, and wait until the engine no longer knows it."""
    from docker.errors import APIError, NotFound

    deadline = time.monotonic() + REMOVAL_SECONDS
    while time.monotonic() < deadline:
        try:
            client.api.remove_container(container, force=True)
        except NotFound:
            return
        except APIError:  # it is being removed already
            time.sleep(0.02)
        except OSError as error:
            logger.warning("container %s could not be removed: %s", container[:12], error)
            return


def _left(deadline: float) -> float:
    """Seconds until the deadline, at least a moment: zero would mean a socket that does not wait at all."""
    return max(0.001, deadline - time.monotonic())
