"""One thread that does all that a model and a sandbox are needed for, one job after the other, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any, Generic, TypeVar

_LAST_SECONDS = 2.0
_Tools = TypeVar("_Tools")
_Outcome = TypeVar("_Outcome")


class WithdrawnError(Exception):
    """A job was withdrawn before it was begun."""


class Desk(Generic[_Tools]):
    """Does jobs with tools that are loaded once, on its own thread: a model reads for one of them at a time.

    load: returns the tools; what it imports is imported on that thread, too. Where it raises, the job that wanted the
    tools raises the same, and the next one tries again.
    """

    def __init__(self, load: Callable[[], _Tools]) -> None:
        self._load = load
        self._tools: _Tools | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._jobs = dict[Event, Future[Any]]()

    @property
    def is_ready(self) -> bool:
        """Whether the tools are loaded."""
        return self._tools is not None

    async def run(self, job: Callable[[_Tools], _Outcome], stop: Event) -> _Outcome:
        """Do a job when those before it are done. Raises WithdrawnError for one that was withdrawn.

        stop: names the job to `withdraw`, and is set where the caller is cancelled; the job heeds it.
        """
        future = self._jobs[stop] = self._thread.submit(self._do, job)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError as error:
            stop.set()
            task = asyncio.current_task()
            if future.cancelled() and not (task and task.cancelling()):
                raise WithdrawnError from error
            raise
        finally:
            self._jobs.pop(stop, None)

    def withdraw(self, stop: Event) -> None:
        """Stop a job, or drop it where it was not begun."""
        stop.set()
        if (future := self._jobs.get(stop)) is not None:
            future.cancel()

    async def close(self) -> None:
        """Withdraw all jobs, and wait for the one that is being done: a while, for nothing stops what loads a model."""
        jobs = dict(self._jobs)
        for stop in jobs:
            self.withdraw(stop)
        self._thread.shutdown(wait=False, cancel_futures=True)
        if running := [asyncio.wrap_future(job) for job in jobs.values() if not job.done()]:
            await asyncio.wait(running, timeout=_LAST_SECONDS)

    def _do(self, job: Callable[[_Tools], _Outcome]) -> _Outcome:
        if self._tools is None:
            self._tools = self._load()
        return job(self._tools)
