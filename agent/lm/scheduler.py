"""Run many tasks side by side in one thread: those that wait for the model share its next forward.

A task is an ordinary function; no code between it and the model knows of the others. It pauses where it asks for a
forward, or for a slow call such as a sandbox's. When every task waits, one forward answers all that wait for one.
A task gets the same numbers as alone, but for rounding, whoever it shares a forward with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


@dataclass(slots=True)
class Scheduler:
    """Runs tasks, at most `at_once` side by side. answer: returns the answers to feeds that wait, in one forward."""

    answer: Callable[[Sequence[Any]], Sequence[Any]]
    at_once: int
    _ready: deque[tuple[greenlet, Any]] = field(default_factory=deque)  # tasks to go on, each with what it waited for
    _feeds: list[tuple[greenlet, Any]] = field(default_factory=list)
    _calls: dict[Future[Any], greenlet] = field(default_factory=dict)
    _pool: ThreadPoolExecutor | None = None

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield what each task returns, as it ends. An exception in one of them stops the others."""
        live: set[greenlet] = set()
        waiting = (greenlet(task) for task in tasks)
        with ThreadPoolExecutor(self.at_once) as self._pool:
            try:
                while True:
                    for task in islice(waiting, self.at_once - len(live)):
                        live.add(task)
                        self._ready.append((task, ()))
                    if not live:
                        return
                    while self._ready:
                        task, answer = self._ready.popleft()
                        result = task.switch(*answer)
                        if task.dead:
                            live.discard(task)
                            yield result
                            break
                    else:
                        self._await()
            finally:
                for task in live:
                    if not task.dead:
                        task.throw()
                self._ready.clear()
                self._feeds.clear()
                self._calls.clear()

    def feed(self, feed: Any) -> Any:
        """Return the answer to a feed; meanwhile other tasks go on."""
        self._feeds.append((getcurrent(), feed))
        return self._pause()

    def call(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Return what a function returns in a thread of its own; meanwhile other tasks go on."""
        assert self._pool is not None, "only a task calls"
        future = self._pool.submit(function, *args, **options)
        self._calls[future] = getcurrent()
        self._pause()
        return future.result()

    def _pause(self) -> Any:
        hub = getcurrent().parent
        assert hub is not None, "only a task pauses"
        return hub.switch()

    def _await(self) -> None:
        """Let some task go on: one whose call has ended, else all that wait for a forward, else the first to end."""
        done = [future for future in self._calls if future.done()]
        if not done and self._feeds:
            tasks, feeds = zip(*self._feeds, strict=True)
            self._feeds.clear()
            self._ready.extend((task, (answer,)) for task, answer in zip(tasks, self.answer(feeds), strict=True))
            return
        for future in done or wait(self._calls, return_when=FIRST_COMPLETED).done:
            self._ready.append((self._calls.pop(future), (None,)))
