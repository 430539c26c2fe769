"""The one thread of a server in which its model works: a job at a time, the most urgent first. Loads no model."""

from __future__ import annotations

import asyncio
import threading
from bisect import insort
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from threading import Event
from typing import Any, TypeVar

_Outcome = TypeVar("_Outcome")
Stop = Callable[[], bool]


class WithdrawnError(Exception):
    """A job was withdrawn before it began, or the thread was closed."""


class Urgency(IntEnum):
    """Who waits for a job, the most impatient first."""

    TYPING = 0  # a person who types
    ASKED = 1  # somebody who asked for it
    BACKGROUND = 2  # nobody; the job makes way for others, and goes on behind them


class _Job:
    def __init__(self, work: Callable[[Stop], Any], stop: Event, urgency: Urgency, number: int) -> None:
        self.work, self.stop, self.urgency, self.number = work, stop, urgency, number
        self.future = Future[Any]()
        self.makes_way = False

    def __lt__(self, other: _Job) -> bool:
        return (self.urgency, self.number) < (other.urgency, other.number)


class ModelThread:
    """Runs jobs on a thread of its own. Whoever cancels the caller of a job stops it.

    newest_first: of jobs that are equally urgent, the last one comes first, and not the first one.
    """

    def __init__(self, *, newest_first: bool = False) -> None:
        self.is_closed = False
        self._order, self._count = -1 if newest_first else 1, 0
        self._waiting, self._running = list[_Job](), list[_Job]()  # at most one runs
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """Jobs that wait for their turn."""
        return len(self._waiting)

    @property
    def is_running(self) -> bool:
        """Whether a job runs."""
        return bool(self._running)

    async def run(
        self, work: Callable[[Stop], _Outcome], urgency: Urgency = Urgency.ASKED, stop: Event | None = None
    ) -> _Outcome:
        """Run a job in its turn, and return its outcome. Raises what it raises, and WithdrawnError.

        work: takes a function that says whether to stop, and then returns soon, whatever it returns. A job that made
        way runs again, and should go on where it was. stop: names the job to `withdraw`; is set where the caller is
        cancelled.
        """
        with self._changed:
            if self.is_closed:
                raise WithdrawnError
            self._count += self._order
            job = _Job(work, stop or Event(), urgency, self._count)
            insort(self._waiting, job)
            self._changed.notify()
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            job.stop.set()
            with self._changed:
                if job in self._waiting:
                    self._waiting.remove(job)
            raise

    def withdraw(self, stop: Event) -> None:
        """Tell a job to stop; drop it where it did not begin."""
        stop.set()
        with self._changed:
            dropped = [job for job in self._waiting if job.stop is stop]
            for job in dropped:
                self._waiting.remove(job)
        for job in dropped:
            if not job.future.done():
                job.future.set_exception(WithdrawnError())

    def close(self) -> None:
        """Tell the job that runs to stop, drop all others, and take no more."""
        with self._changed:
            self.is_closed = True
            for job in (*self._running, *self._waiting):
                self.withdraw(job.stop)
            self._changed.notify()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the last job of a closed thread has ended, at most so long: nothing stops what loads a model."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            if job.future.running() or job.future.set_running_or_notify_cancel():
                self._do(job)
            else:
                self._running.clear()

    def _take(self) -> _Job | None:
        """Wait for a job, and take the most urgent one; None once the thread is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.is_closed)
            if self.is_closed:
                return None
            job = self._waiting.pop(0)
            self._running.append(job)
            return job

    def _do(self, job: _Job) -> None:
        job.makes_way = False
        outcome, error = None, None
        try:
            outcome = job.work(lambda: self._should_stop(job))
        except Exception as raised:  # noqa: BLE001 - whoever waits for the job gets it
            error = raised
        except BaseException as raised:  # noqa: BLE001 - as above; a panic of Rust would end the loop that waits
            error = RuntimeError(f"{type(raised).__name__}: {raised}")
        with self._changed:
            self._running.clear()
            if job.makes_way and error is None and not job.stop.is_set():
                insort(self._waiting, job)
                return
        if error is None:
            job.future.set_result(outcome)
        else:
            job.future.set_exception(error)

    def _should_stop(self, job: _Job) -> bool:
        if job.urgency == Urgency.BACKGROUND and self._waiting and self._waiting[0] < job:
            job.makes_way = True
        return job.stop.is_set() or job.makes_way
