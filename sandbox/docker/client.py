"""Connect to the Docker engine; make images and containers, and remove containers that were left behind."""

from __future__ import annotations

import logging
import socket
import time
from typing import Any, BinaryIO

from sandbox.base import SandboxUnavailable
from sandbox.docker.container import CONTAINER_LABELS, MASKED, owner

_logger = logging.getLogger(__name__)
REMOVAL_SECONDS = 10.0
_CREATE_OPTIONS = ("command", "environment", "user", "working_dir", "stdin_open", "labels")


def connect() -> Any:
    """Return a client of the engine. Raises SandboxUnavailable where none answers, or Podman does."""
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


def is_answering(client: Any) -> bool:
    """Return whether the engine answers now."""
    try:
        return bool(client.ping())
    except Exception:  # noqa: BLE001 - whatever docker-py and requests raise for it
        return False


def sweep(client: Any, *, everything: bool = False) -> list[str]:
    """Remove containers of this host whose owner has ended, or everything; return their short ids."""
    own = [f"{key}={value}" for key, value in CONTAINER_LABELS.items()]
    removed = []
    for container in client.containers.list(all=True, filters={"label": own}, ignore_removed=True):
        labels = container.labels
        is_here = labels.get("dubito.host") == socket.gethostname()
        is_abandoned = is_here and owner(int(labels["dubito.owner"].partition(":")[0])) != labels["dubito.owner"]
        if everything or is_abandoned:
            remove_container(client, container.id)
            removed.append(container.short_id)
    return removed


def has_image(client: Any, image: str) -> bool:
    """Return whether the engine has this image."""
    return bool(client.images.list(name=image))


def pull_image(client: Any, image: str) -> str | None:
    """Pull an image from its registry; return None, or the reason why that failed."""
    from docker.errors import DockerException

    try:
        client.images.pull(image)
    except (DockerException, OSError) as error:  # OSError: the time-outs of requests
        return str(error).splitlines()[0][:120]
    return None


def build_image(client: Any, context: BinaryIO, **options: Any) -> None:
    """Build an image from a tar archive. Raises SandboxUnavailable."""
    from docker.errors import DockerException

    try:
        client.images.build(fileobj=context, custom_context=True, **options)
    except DockerException as error:
        raise SandboxUnavailable(f"the sandbox's image does not build: {error}") from error


def create_container(client: Any, image: str, options: dict[str, Any]) -> str:
    """Create a container and return its id, with the low-level API: docker-py's own call cannot mask paths."""
    own = {name: options[name] for name in _CREATE_OPTIONS}
    host = client.api.create_host_config(**{name: options[name] for name in options if name not in _CREATE_OPTIONS})
    host["MaskedPaths"] = list(MASKED)
    return str(client.api.create_container(image, host_config=host, **own)["Id"])


def remove_container(client: Any, container: str) -> None:
    """Remove the container by force, and wait until the engine no longer lists it."""
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
            _logger.warning("container %s could not be removed: %s", container[:12], error)
            return
