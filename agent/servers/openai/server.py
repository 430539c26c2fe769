"""Listen on an address, and serve the application until somebody stops it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from agent.errors import InvalidRequestError

_PATIENCE = 10  # seconds for answers under way, once the server was told to stop


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address: else another process could take it while the model is loaded.

    port: 0 for a free one.
    Raises InvalidRequestError where the address is taken, or is none of this machine.
    """
    place = f"{host}:{port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise InvalidRequestError(f"there is no address {place!r} ({error}); try --host 127.0.0.1") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise InvalidRequestError(
            f"cannot listen on {place} ({reason}); stop what listens there, or choose another --port or --host"
        ) from error
    return bound


def name_address(bound: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run_server(app: ASGIApp, bound: socket.socket, *, begin: Callable[[], object], stop: Callable[[], object]) -> None:
    """Serve until SIGINT or SIGTERM. begin: called once requests are taken; stop: ends the answers under way."""
    config = uvicorn.Config(
        app, http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None, log_level="critical",
        access_log=False, server_header=False, proxy_headers=False, timeout_graceful_shutdown=_PATIENCE,
    )  # fmt: skip
    _Server(config, begin, stop).run([bound])


class _Server(uvicorn.Server):
    """Tells when it begins, and ends at the first signal without raising it again."""

    def __init__(self, config: uvicorn.Config, begin: Callable[[], object], stop: Callable[[], object]) -> None:
        super().__init__(config)
        self._begin, self._stop = begin, stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begin()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if current_thread() is not main_thread():  # signals are the main thread's
            yield
            return
        before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: Any) -> None:
        """End when the answers under way have; at once, the second time."""
        self.force_exit, self.should_exit = self.should_exit, True
        self._stop()
