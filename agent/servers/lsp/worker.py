"""The thread in which the model works: one piece of work at a time, the most urgent first, and of equals the newest."""

from __future__ import annotations

import asyncio
import threading
from bisect import insort
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from typing import Any, TypeVar

_Outcome = TypeVar("_Outcome")
Stop = Callable[[], bool]


class Urgency(IntEnum):
    """Who waits for a piece of work, the most impatient first."""

    COMPLETING = 0  # a person types
    FILLING = 1  # a person has asked for it
    SCORING = 2  # nobody; it makes way for others, and goes on behind them


class _Job:
    """A piece of work. Its number falls, so that the newest sorts first."""

    def __init__(self, work: Callable[[Stop], Any], urgency: Urgency, number: int) -> None:
        self.work, self.urgency, self.number = work, urgency, number
        self.future = Future[Any]()
        self.is_unwanted = self.makes_way = False

    def __lt__(self, other: _Job) -> bool:
        return (self.urgency, self.number) < (other.urgency, other.number)


class ModelThread:
    """Runs work that needs the model, on a thread of its own. Whoever cancels its caller stops it."""

    def __init__(self) -> None:
        self._waiting, self._changed, self._count = list[_Job](), threading.Condition(), 0
        threading.Thread(target=self._work, name="model", daemon=True).start()

    async def run(self, work: Callable[[Stop], _Outcome], urgency: Urgency) -> _Outcome:
        """Run a piece of work, and return its outcome.

        work: takes a function that says whether to stop, and then returns soon, whatever it returns. Work that makes
        way is run again, and should go on where it was.
        """
        with self._changed:
            self._count -= 1
            job = _Job(work, urgency, self._count)
            insort(self._waiting, job)
            self._changed.notify()
        try:
            return await asyncio.wrap_future(job.future)
        finally:
            job.is_unwanted = True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                job = self._waiting.pop(0)
            if not job.is_unwanted and (job.makes_way or job.future.set_running_or_notify_cancel()):
                self._do(job)

    def _do(self, job: _Job) -> None:
        job.makes_way = False
        try:
            outcome = job.work(lambda: self._should_stop(job))
        except Exception as error:  # noqa: BLE001 - whoever waits for the work gets it
            job.future.set_exception(error)
            return
        except BaseException as error:  # noqa: BLE001 - as above; a panic of Rust would end the loop that waits
            job.future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
            return
        if not job.makes_way:
            job.future.set_result(outcome)
            return
        with self._changed:
            insort(self._waiting, job)

    def _should_stop(self, job: _Job) -> bool:
        if job.urgency == Urgency.SCORING and self._waiting and self._waiting[0] < job:
            job.makes_way = True
        return job.is_unwanted or job.makes_way
