"""What a client hears: progress while a run goes on, and results as text for those that read no records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext

from agent.records import Event
from agent.servers.mcp.records import Checked, Doubts
from agent.views.numbers import format_count, format_probability
from agent.views.text import format_code, one_line

if TYPE_CHECKING:  # it imports torch
    from agent.views.narration import Narrator

_EVERY = 16  # tokens between two notifications


class CallProgress:
    """The progress notifications of one call. They count tokens, and go only to clients that asked for them."""

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        self._session, self._loop = context.session, asyncio.get_running_loop()
        self._progress = 0

    async def tell(self, message: str, tokens: int = 0) -> None:
        """Notify the client. The number grows each time, as the protocol wants it."""
        self._progress = max(self._progress + 1, tokens)
        await self._session.report_progress(self._progress, message=message)

    def follow(self, narrator: Narrator) -> Callable[[Event], None]:
        """Return what takes the events of a run, on the thread of the desk."""

        def take(event: Event) -> None:
            line = narrator.tell(event)
            if not line and narrator.tokens % _EVERY == 0:
                line = f"program {len(narrator.entries) + 1}, {format_count(narrator.tokens, 'token')}"
            if line:
                asyncio.run_coroutine_threadsafe(self.tell(line, narrator.tokens), self._loop).result()

        return take


def write_doubts(doubts: Doubts) -> str:
    """Return doubts as text, a line each."""
    lines = list[str]()
    for each in doubts.doubts:
        ways = [f"{format_code(way.code)} ({format_probability(way.probability)})" for way in each.alternatives]
        sure = "" if each.probability is None else f" ({format_probability(each.probability)})"
        line = f"line {each.line}, column {each.column}: {format_code(each.code, 60)}{sure}"
        lines.append(f"{line}; the model would rather write {', '.join(ways)}" if ways else line)
    return "\n".join(lines) or "the model would clearly have written nothing else"


def write_check(checked: Checked) -> str:
    """Return a check as text: what failed, then the counts."""
    failed = [f"✗ {one_line(each.explanation)}" for each in checked.examples if each.passed is False]
    unread = [f"not read: {one_line(each)}" for each in checked.unread]
    return "\n".join([*failed, *unread, f"{'✓' if checked.passed else '✗'} {checked.explanation}"])
