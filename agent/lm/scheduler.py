"""Run many tasks side by side in one thread: those that wait for the model share its next forward.

A task is an ordinary function; no code between it and the model knows of the others. It pauses where it asks for a
forward, or for a slow call such as a sandbox's. When every task waits, one forward answers all that wait for one.
A task gets the same numbers as alone, but for rounding, whoever it shares a forward with.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from agent.lm.base import LM, JointLM

T = TypeVar("T")


@dataclass(slots=True)
class Scheduler:
    """Runs tasks, at most `at_once` side by side. answer: returns the answers to feeds that wait, in one forward."""

    answer: Callable[[Sequence[Any]], Sequence[Any]]
    at_once: int
    _ready: deque[tuple[greenlet, Any]] = field(default_factory=deque)  # tasks to go on, each with what it waited for
    _feeds: list[tuple[greenlet, Any]] = field(default_factory=list)
    _calls: dict[Future[Any], greenlet] = field(default_factory=dict)
    _seconds: dict[greenlet, float] = field(default_factory=dict)  # of each task that has not ended, so far
    _resumed_at: float = 0.0
    _pool: ThreadPoolExecutor | None = None

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield what each task returns, as it ends.

        After an exception in one of them no more begin; it is raised when those that have begun have ended.
        """
        waiting, failures = (greenlet(task) for task in tasks), list[Exception]()
        with ThreadPoolExecutor(self.at_once) as self._pool:
            try:
                while self._begin(islice(waiting, 0 if failures else self.at_once - len(self._seconds))):
                    if not self._ready:
                        self._await()
                        continue
                    task, answer = self._ready.popleft()
                    try:
                        result = self._resume(task, answer)
                    except Exception as error:  # noqa: BLE001 - the other tasks go on
                        failures.append(error)
                        del self._seconds[task]
                        continue
                    if task.dead:
                        del self._seconds[task]
                        yield result
                for failure in failures[:1]:
                    raise failure
            finally:
                self._stop()

    def feed(self, feed: Any) -> Any:
        """Return the answer to a feed; meanwhile other tasks go on."""
        self._feeds.append((getcurrent(), feed))
        return self._pause()

    def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return what a function returns in a thread of its own; meanwhile other tasks go on."""
        assert self._pool is not None, "only a task calls"
        task, started = getcurrent(), time.monotonic()

        def timed() -> tuple[T, float]:
            return function(*arguments, **options), time.monotonic()

        future = self._pool.submit(timed)
        self._calls[future] = task
        self._pause()
        result, ended = future.result()
        self._seconds[task] += ended - started
        return result

    def clock(self) -> float:
        """Return the seconds that a task has taken by itself: its code, its calls, and its share of each forward."""
        return self._seconds[getcurrent()] + time.monotonic() - self._resumed_at

    def _begin(self, tasks: Iterable[greenlet]) -> bool:
        """Make tasks ready; return whether there is any that has not ended."""
        for task in tasks:
            self._seconds[task] = 0.0
            self._ready.append((task, ()))
        return bool(self._seconds)

    def _pause(self) -> Any:
        hub = getcurrent().parent
        assert hub is not None, "only a task pauses"
        return hub.switch()

    def _resume(self, task: greenlet, answer: Any) -> Any:
        self._resumed_at = time.monotonic()
        result = task.switch(*answer)
        self._seconds[task] += time.monotonic() - self._resumed_at
        return result

    def _await(self) -> None:
        """Let some task go on: one whose call has ended, else all that wait for a forward, else the first to end."""
        done = [future for future in self._calls if future.done()]
        if not done and self._feeds:
            tasks, feeds = zip(*self._feeds, strict=True)
            self._feeds.clear()
            started = time.monotonic()
            answers = self.answer(feeds)
            share = (time.monotonic() - started) / len(tasks)
            for task, answer in zip(tasks, answers, strict=True):
                self._seconds[task] += share
                self._ready.append((task, (answer,)))
            return
        for future in done or wait(self._calls, return_when=FIRST_COMPLETED).done:
            self._ready.append((self._calls.pop(future), (None,)))

    def _stop(self) -> None:
        """End the tasks that have not ended; their `finally` blocks run."""
        for task in list(self._seconds):
            if not task.dead:
                task.throw()
        for tasks in (self._ready, self._feeds, self._calls, self._seconds):
            tasks.clear()


def run_together(lm: LM, tasks: Sequence[Callable[[LM], T]], before: Callable[[], None]) -> list[T]:
    """Call each task with a model of the same weights, and return what each returns.

    Where the model can, the tasks share its forwards. before: is called before each forward that they share, else
    before each task; what it raises ends them all.
    """
    results = dict[int, T]()
    if not (isinstance(lm, JointLM) and lm.takes_joint_feeds()):
        for number, task in enumerate(tasks):
            before()
            results[number] = task(lm)
        return list(results.values())
    joint = lm

    def answer(feeds: Sequence[Any]) -> Sequence[Any]:
        before()
        return joint.run_joint(feeds)

    def run(number: int) -> None:
        results[number] = tasks[number](beside)

    scheduler = Scheduler(answer, max(1, len(tasks)))
    beside = joint.beside(scheduler.feed)
    for _ in scheduler.run(partial(run, number) for number in range(len(tasks))):
        pass
    return [results[number] for number in range(len(tasks))]
