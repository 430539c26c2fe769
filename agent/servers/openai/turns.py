"""A bounded queue of requests before the thread in which the model works. Decodes nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from agent.servers.model_thread import ModelThread, WithdrawnError
from agent.servers.openai.events import JobEvent, Stopped, TellEvent
from agent.servers.openai.failures import ApiError

MOST_WAITING = 8  # requests, besides the one that is answered
RequestJob: TypeAlias = Callable[
    [TellEvent, Stopped], None
]  # works on a request in the thread, and tells what comes of it


@dataclass(slots=True)
class Turns:
    """The queue and its thread. All but the jobs belongs to the event loop."""

    most_waiting: int = MOST_WAITING
    thread: ModelThread = field(default_factory=ModelThread)

    async def follow(self, job: RequestJob) -> AsyncGenerator[JobEvent, None]:
        """Wait for the job's turn, and yield its events. Who stops following stops the job.

        Raises ApiError where too many wait already and where the server stops, and whatever the job raises.
        """
        if self.thread.is_running and self.thread.num_waiting >= self.most_waiting:
            raise ApiError(
                429, f"{self.thread.num_waiting} requests wait already; ask again later", kind="rate_limit_error",
                code="rate_limit_exceeded",
            )  # fmt: skip
        events, loop = asyncio.Queue[JobEvent | None](), asyncio.get_running_loop()

        def tell(event: JobEvent) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        def end(working: asyncio.Task[None]) -> None:
            events.put_nowait(None)
            _ = working.cancelled() or working.exception()  # a client that has left reads it no more

        working = asyncio.create_task(self.thread.run(lambda stop: job(tell, stop)))
        working.add_done_callback(end)
        try:
            while (event := await events.get()) is not None:
                yield event
            await working
            if self.thread.is_closed:  # the job has told only a part
                raise WithdrawnError
        except WithdrawnError as error:
            raise ApiError(503, "the server is stopping", kind="server_error") from error
        finally:
            working.cancel()
