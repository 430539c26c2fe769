"""One request after the other: a bounded queue before the one thread that decodes. Decodes nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TypeAlias

from agent.servers.openai.events import JobEvent, Stopped, TellEvent
from agent.servers.openai.failures import ApiError

MOST_WAITING = 8  # requests, besides the one that is answered
RequestJob: TypeAlias = Callable[
    [TellEvent, Stopped], None
]  # works on a request in the thread, and tells what comes of it


class _JobEnd:
    """Follows the last event of a job."""


@dataclass(slots=True)
class Turns:
    """The queue and its thread. All but the jobs belongs to the event loop."""

    most_waiting: int = MOST_WAITING
    waiting: int = 0
    running: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "dubito"))
    _stop: Event | None = None  # of the job that runs
    _closed: bool = False

    async def follow(self, job: RequestJob) -> AsyncGenerator[JobEvent, None]:
        """Wait for the job's turn, and yield its events. Who stops following stops the job.

        Raises ApiError where too many wait already, and whatever the job raises.
        """
        await self._wait()
        events, stop = asyncio.Queue[JobEvent | BaseException | _JobEnd](), Event()
        loop = asyncio.get_running_loop()

        def tell(event: JobEvent | BaseException | _JobEnd) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        def work() -> None:
            try:
                job(tell, stop.is_set)
            except BaseException as error:  # noqa: BLE001 - the request that it belongs to raises it
                tell(error)
            tell(_JobEnd())

        self._stop, self.running = stop, True
        done = loop.run_in_executor(self._thread, work)
        done.add_done_callback(lambda _: self._end_turn())  # a job that is stopped ends some time later
        try:
            while not isinstance(event := await events.get(), _JobEnd):
                if isinstance(event, BaseException):
                    raise event
                yield event
            self._check_open()  # a job that was stopped has told only a part
        finally:
            stop.set()

    def close(self) -> None:
        """Stop the job that runs, and refuse all others."""
        self._closed = True
        if self._stop is not None:
            self._stop.set()
        self._thread.shutdown(wait=False)

    async def _wait(self) -> None:
        self._check_open()
        if self._turn.locked() and self.waiting >= self.most_waiting:
            raise ApiError(
                429, f"{self.waiting} requests wait already; ask again later", kind="rate_limit_error",
                code="rate_limit_exceeded",
            )  # fmt: skip
        self.waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self.waiting -= 1
        try:
            self._check_open()
        except ApiError:
            self._turn.release()
            raise

    def _end_turn(self) -> None:
        self.running = False
        self._turn.release()

    def _check_open(self) -> None:
        if self._closed:
            raise ApiError(503, "the server is stopping", kind="server_error")
