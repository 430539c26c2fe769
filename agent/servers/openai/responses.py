"""The response to a request that became a job. It ends with the job, or stops the job once the client has left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from agent.servers.openai.events import JobEvent
from agent.servers.openai.failures import ApiError, explain_failure
from agent.servers.openai.replies import Reply, write_event
from agent.views.numbers import format_count

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class JobResponse(Response):
    """The answer of a job, whole or as a stream. A stream begins with the first event, so that errors have a status."""

    def __init__(
        self,
        events: AsyncGenerator[JobEvent, None],
        answer: Reply,
        *,
        stream: bool,
        log: Callable[[str], object],
        report: Callable[[BaseException], object],
    ) -> None:
        super().__init__()
        self._events, self._answer, self._streams = events, answer, stream
        self._log, self._report = log, report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, and stop where the client leaves."""
        started = time.monotonic()
        responding = asyncio.ensure_future(self._respond(scope, receive, send))
        left = asyncio.ensure_future(_wait_until_left(receive))
        try:
            await asyncio.wait((responding, left), return_when=asyncio.FIRST_COMPLETED)
            end = responding.result() if responding.done() else "its client left"
        finally:
            left.cancel()
            responding.cancel()
            await asyncio.gather(responding, left, return_exceptions=True)
        tokens = format_count(self._answer.tokens, "token")
        self._log(f"{self._answer.model}: {tokens}, {time.monotonic() - started:.2f} s, {end}")

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> str:
        """Send the answer, or the error. Return how it ended."""
        answer, has_begun = self._answer, False
        try:
            async with aclosing(self._events):
                async for event in self._events:
                    answer.note(event)
                    if self._streams:
                        has_begun = has_begun or await _begin(send)
                        await _send(send, *answer.stream(event))
            whole = None if self._streams else JSONResponse(answer.write_whole())
        except Exception as error:  # noqa: BLE001 - a request that failed must not end the server
            failure = self._explain(error)
            whole = None if has_begun else JSONResponse(failure.body(), failure.status, failure.headers())
            ending, end = [write_event(failure.body())], f"error {failure.status}: {failure}"
        else:
            ending, end = list(answer.end_stream()), answer.describe_end()
        if whole is None:
            await _send(send, *ending, more=False)
        else:
            await whole(scope, receive, send)
        return end

    def _explain(self, error: Exception) -> ApiError:
        failure = explain_failure(error)
        if failure.status == 500:
            self._report(error)
        return failure


async def _begin(send: Send) -> bool:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    return True


async def _send(send: Send, *chunks: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": b"".join(chunks), "more_body": more})


async def _wait_until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
