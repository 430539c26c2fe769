"""A model's thread, with what its jobs need: a model, a sandbox, an agent. They are loaded once, when first wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Generic, TypeVar

from agent.servers.model_thread import ModelThread

_LAST_SECONDS = 2.0
_Tools = TypeVar("_Tools")
_Outcome = TypeVar("_Outcome")


class Desk(Generic[_Tools]):
    """Runs jobs with tools that are loaded once, on the thread of the jobs.

    load: returns the tools; what it imports is imported on that thread, too. Where it raises, the job that wanted the
    tools raises the same, and the next one tries again.
    """

    def __init__(self, load: Callable[[], _Tools]) -> None:
        self._load, self._thread = load, ModelThread()
        self._tools: _Tools | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the tools are loaded."""
        return self._tools is not None

    async def run(self, job: Callable[[_Tools], _Outcome], stop: Event) -> _Outcome:
        """Run a job when those before it have ended. Raises WithdrawnError for one that was withdrawn.

        stop: names the job to `withdraw`, and is set where the caller is cancelled; the job heeds it.
        """
        return await self._thread.run(lambda _: self._do(job), stop=stop)

    def warm(self, job: Callable[[_Tools], object] = lambda tools: None) -> None:
        """Load the tools before they are wanted. Where that fails, the next job says so."""
        warming = asyncio.ensure_future(self.run(job, Event()))
        warming.add_done_callback(lambda done: done.cancelled() or done.exception())

    def withdraw(self, stop: Event) -> None:
        """Tell a job to stop; drop it where it did not begin."""
        self._thread.withdraw(stop)

    async def close(self) -> None:
        """Withdraw all jobs, and wait a while for the one that runs."""
        self._thread.close()
        await asyncio.to_thread(self._thread.join, _LAST_SECONDS)

    def _do(self, job: Callable[[_Tools], _Outcome]) -> _Outcome:
        if self._tools is None:
            self._tools = self._load()
        return job(self._tools)
