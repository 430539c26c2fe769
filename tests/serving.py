"""The server in this process, over its real wire, with a model that a test can hold up."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import uvicorn
from trie import TrieLM

from agent.decoding import POLICIES, Policy
from agent.lm.base import Model, Prefix
from agent.profile import ModelProfile
from agent.servers.openai.app import Api
from agent.servers.openai.served import ServedModel
from agent.servers.openai.server import bind, name_address
from agent.strategies import STRATEGIES
from sandbox.base import Sandbox

PATIENCE = 60.0  # seconds until something must have happened


@dataclass
class HeldLM(TrieLM):
    """Waits before each forward until a test lets it go on."""

    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Wait, and look the completion up."""
        assert self.permits.acquire(timeout=PATIENCE), "the test let nothing go on"
        return super().prefill(ids)


@dataclass
class Serving:
    """A server that runs, and its clients."""

    api: Api
    url: str
    lines: list[str]
    errors: list[BaseException]
    token: str = "none"

    def client(self, **options: Any) -> openai.OpenAI:
        """Return OpenAI's own client. It asks once, unless a test wants it to ask again."""
        settings = {"api_key": self.token, "max_retries": 0, "timeout": PATIENCE, **options}
        return openai.OpenAI(base_url=f"{self.url}/v1", **settings)

    def health(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        return dict(httpx.get(f"{self.url}/health").json())

    def send(self, path: str, body: Mapping[str, Any]) -> socket.socket:
        """Send a request and read no answer. Whoever closes the socket has left."""
        data, (host, port) = json.dumps(body).encode(), self.url.removeprefix("http://").split(":")
        sent = socket.create_connection((host, int(port)))
        sent.sendall(f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        return sent

    def wait(self, **wanted: object) -> None:
        """Wait until the server says so of itself."""
        wait_until(lambda: wanted.items() <= self.health().items(), f"{wanted} in {self.health()}")


def wait_until(happens: Any, what: str) -> None:
    """Wait until something happens."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def served(
    model: Model, *, policy: Policy = POLICIES["greedy"], sandbox: Sandbox | None = None, max_tokens: int = 200
) -> ServedModel:
    """Return a model as it is served."""
    return ServedModel(model, policy, STRATEGIES["once"](), ModelProfile(model.name), max_tokens, sandbox)


@contextmanager
def serving(
    what: ServedModel, *, token: str = "", local: bool = True, headers: Mapping[str, str] = {}
) -> Iterator[Serving]:
    """Serve a model from another thread."""
    lines, errors = list[str](), list[BaseException]()
    api, bound = Api(what, lines.append, errors.append), bind("127.0.0.1", 0)
    config = uvicorn.Config(api.build(token=token, local=local), http="h11", ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        wait_until(lambda: server.started, "the server starts")
        yield Serving(api, name_address(bound), lines, errors, token or "none")
    finally:
        api.turns.thread.close()
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server ends"
