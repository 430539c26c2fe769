"""What a session says to its client, from the event loop and from the thread of the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from acp import (
    RequestError,
    plan_entry,
    update_agent_message_text,
    update_agent_thought_text,
    update_plan,
    update_tool_call,
    update_user_message_text,
)
from acp.schema import RequestPermissionResponse, ToolCallUpdate
from pydantic import ValidationError

from agent.servers.acp.permissions import Permission
from agent.views.markdown import quote_code

_Outcome = TypeVar("_Outcome")


class SessionChannel:
    """The updates and permission requests of one session."""

    def __init__(self, client: Any, session_id: str) -> None:
        self._client, self._session_id = client, session_id
        self._loop = asyncio.get_running_loop()

    async def say(self, text: str) -> None:
        """Say something to the person, in Markdown."""
        await self._send(update_agent_message_text(text))

    async def repeat(self, role: str, text: str) -> None:
        """Show a message of an earlier turn."""
        await self._send((update_user_message_text if role == "user" else update_agent_message_text)(text))

    async def think(self, line: str) -> None:
        """Show a line that a person may look at, or not."""
        await self._send(update_agent_thought_text(f"{quote_code(line)}\n\n"))

    async def plan(self, done: Sequence[str], current: str = "") -> None:
        """Show the programs so far, a line each, and what is written now."""
        entries = [plan_entry(line, status="completed") for line in done]
        await self._send(update_plan([*entries, *([plan_entry(current, status="in_progress")] if current else [])]))

    async def begin_call(self, permission: Permission) -> None:
        """Show the tool call that a permission is for."""
        await self._send(permission.call)

    async def end_call(self, permission: Permission, *, failed: bool = False, title: str | None = None) -> None:
        """Show how a tool call ended."""
        number = permission.call.tool_call_id
        await self._send(update_tool_call(number, status="failed" if failed else "completed", title=title))

    async def ask(self, permission: Permission, cancelled: asyncio.Event) -> RequestPermissionResponse | None:
        """Return the answer to a permission request; None where there is none, or the turn was cancelled."""
        call = permission.call
        asked = ToolCallUpdate(
            tool_call_id=call.tool_call_id, title=call.title, kind=call.kind, status=call.status, content=call.content,
            locations=call.locations,
        )  # fmt: skip
        asking = self._client.request_permission(
            session_id=self._session_id, tool_call=asked, options=permission.options
        )
        try:
            response: RequestPermissionResponse | None = await wait_unless(cancelled, asking)
        except (RequestError, ValidationError):  # a client that cannot ask
            return None
        return response

    def number_call(self) -> str:
        """Return an id for a tool call."""
        return f"dubito-{uuid4().hex[:12]}"

    def wait_for(self, sending: Any) -> None:
        """Send something from the thread of the desk, and wait until it is sent. Raises ConnectionError."""
        asyncio.run_coroutine_threadsafe(sending, self._loop).result()

    async def _send(self, update: Any) -> None:
        await self._client.session_update(session_id=self._session_id, update=update)


async def wait_unless(cancelled: asyncio.Event, awaited: Awaitable[_Outcome]) -> _Outcome | None:
    """Return what comes of something; None once it is cancelled before that, and then nobody waits for it any more."""
    task, end = asyncio.ensure_future(awaited), asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        end.cancel()
