"""Clients of the servers: an editor that answers as it is told, and processes of the real commands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from acp import RequestError, connect_to_agent, spawn_agent_process
from acp.schema import (
    AllowedOutcome,
    ClientCapabilities,
    DeniedOutcome,
    FileSystemCapabilities,
    ReadTextFileResponse,
    RequestPermissionResponse,
    WriteTextFileResponse,
)

from agent.servers.mcp.streams import open_streams
from agent.servers.wire import Wire

ROOT = Path(__file__).parents[1]
WRITES = ClientCapabilities(fs=FileSystemCapabilities(read_text_file=True, write_text_file=True))
READS = ClientCapabilities(fs=FileSystemCapabilities(read_text_file=True))
# No program passes both examples, so the search goes on until its budget ends.
ENDLESS = '''def largest(xs: list[int]) -> int:
    """
    Return the largest number in xs.

    >>> largest([1, 2])
    2
    >>> largest([1, 2])
    1
    """
'''


class Editor:
    """A client of ACP with files in memory. choose: returns the id of an option, or None for a dismissed dialog."""

    def __init__(self, files: dict[str, str] | None = None, choose: Callable[[Any, list[Any]], Any] | None = None):
        self.files, self.choose = files or {}, choose or (lambda call, options: options[0].option_id)
        self.updates: list[dict[str, Any]] = []
        self.asked: list[tuple[Any, list[str]]] = []
        self.on_update: Callable[[dict[str, Any]], Any] = lambda update: None

    async def session_update(self, session_id: str, update: Any, **others: Any) -> None:
        self.updates.append(update.model_dump(by_alias=True, exclude_none=True))
        done = self.on_update(self.updates[-1])
        if done is not None:
            await done

    async def request_permission(self, session_id: str, tool_call: Any, options: list[Any], **others: Any) -> Any:
        self.asked.append((tool_call, [each.name for each in options]))
        chosen = self.choose(tool_call, options)
        if asyncio.iscoroutine(chosen):
            chosen = await chosen
        if chosen is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=chosen))

    async def read_text_file(self, path: str, session_id: str, **others: Any) -> ReadTextFileResponse:
        if path not in self.files:
            raise RequestError(-32002, "no such file")
        return ReadTextFileResponse(content=self.files[path])

    async def write_text_file(self, path: str, content: str, session_id: str, **others: Any) -> WriteTextFileResponse:
        self.files[path] = content
        return WriteTextFileResponse()

    def take(self, kind: str) -> list[dict[str, Any]]:
        """Return the updates of a kind, and forget all."""
        taken = [each for each in self.updates if each["sessionUpdate"] == kind]
        self.updates.clear()
        return taken

    def text(self, kind: str = "agent_message_chunk") -> str:
        """Return what was said so far."""
        return "".join(each["content"]["text"] for each in self.updates if each["sessionUpdate"] == kind)


def environment(state: Path) -> dict[str, str]:
    """Return the environment of a server whose user is nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUBITO_SANDBOX")}
    return {**kept, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state), "HOME": str(state)}


def command(name: str, *options: str) -> list[str]:
    """Return the command line of a server with the embedded model."""
    given = {"--model": "models/tiny", "--sandbox": "process"}
    given |= dict(zip(options[::2], options[1::2], strict=True))
    return [sys.executable, "-m", "agent", name, *(part for pair in given.items() for part in pair)]


@asynccontextmanager
async def spawned(editor: Editor, state: Path, *options: str, capabilities: ClientCapabilities = WRITES) -> Any:
    """Start `dubito acp`, and yield the connection to it and its process."""
    line = command("acp", *options)
    started = spawn_agent_process(
        editor, *line, env=environment(state), cwd=state, transport_kwargs={"limit": 2**24, "shutdown_timeout": 30.0}
    )
    async with started as (connection, process):
        drain = asyncio.ensure_future(process.stderr.read())
        await connection.initialize(protocol_version=1, client_capabilities=capabilities)
        yield connection, process
    await drain


@asynccontextmanager
async def connected(serving: Callable[[tuple[int, int]], Any], editor: Editor, capabilities: Any = WRITES) -> Any:
    """Serve an agent in this process over pipes, and yield the connection to it."""
    (source, to_agent), (from_agent, sink) = os.pipe(), os.pipe()
    server = asyncio.ensure_future(serving((source, sink)))
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_agent, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop=loop), os.fdopen(to_agent, "wb", 0)
    )
    connection = connect_to_agent(editor, asyncio.StreamWriter(transport, protocol, None, loop), reader)
    try:
        await connection.initialize(protocol_version=1, client_capabilities=capabilities)
        yield connection
    finally:
        transport.close()
        await server
        await connection.close()
        incoming.close()
        os.close(source)
        os.close(sink)


class Piped:
    """A transport of MCP to a server in this process, over pipes."""

    def __init__(self, serving: Callable[[tuple[int, int]], Any]) -> None:
        self._serving, self._cleanup = serving, AsyncExitStack()

    async def __aenter__(self) -> Any:
        (source, to_server), (from_server, sink) = os.pipe(), os.pipe()
        server = asyncio.ensure_future(self._serving((source, sink)))
        wire = Wire(from_server, to_server)

        async def leave() -> None:
            await wire.close()
            os.close(to_server)
            await server
            os.close(sink)

        self._cleanup.push_async_callback(leave)
        return await self._cleanup.enter_async_context(open_streams(wire))

    async def __aexit__(self, *reason: Any) -> None:
        await self._cleanup.aclose()


def request(number: int, method: str, **params: Any) -> bytes:
    """Return a request as a line."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"
