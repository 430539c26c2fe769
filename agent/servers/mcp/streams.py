"""A wire as the two streams that the library of MCP reads and writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, jsonrpc_message_adapter
from pydantic import ValidationError

from agent.servers.wire import Wire

_SENTENCE = "a message came that is none of JSON-RPC; wanted a request, a notification or an answer"


@asynccontextmanager
async def open_streams(wire: Wire) -> AsyncIterator[tuple[Any, Any]]:
    """Yield the stream of a client's messages, and the one that takes the server's."""
    incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_receive, wire, incoming)
        tasks.start_soon(_send, wire, outgoing)
        yield read, write
        tasks.cancel_scope.cancel()


async def _receive(wire: Wire, incoming: ObjectSendStream[SessionMessage | Exception]) -> None:
    async with incoming:
        while (message := await wire.receive()) is not None:
            try:
                await incoming.send(SessionMessage(jsonrpc_message_adapter.validate_python(message, by_name=False)))
            except ValidationError:
                await wire.answer(message.get("id"), INVALID_REQUEST, _SENTENCE)
            except anyio.BrokenResourceError:  # the server has ended
                return


async def _send(wire: Wire, outgoing: ObjectReceiveStream[SessionMessage]) -> None:
    async with outgoing:
        async for each in outgoing:
            try:
                await wire.send(each.message.model_dump(by_alias=True, mode="json", exclude_unset=True))
            except ConnectionError:  # the wire ends what is read, too
                return
