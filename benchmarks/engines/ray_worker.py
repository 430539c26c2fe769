"""What the engine `ray` runs in processes of the cluster: the workers, and the queue that they take keys from."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import ray

from benchmarks import open_benchmark
from benchmarks.engines.base import Job, WorkerConfig
from benchmarks.engines.local import LocalEngine
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, WorkItem
from benchmarks.experiments.record_file import key_of
from benchmarks.experiments.stories import Story


class KeyQueue:
    """The keys of the items that nobody has taken, and who took the others. It lives where the engine does."""

    def __init__(self) -> None:
        self._left: deque[Key] = deque()
        self._taken: defaultdict[int, list[Key]] = defaultdict(list)

    def fill(self, keys: Sequence[Key]) -> None:
        """Begin anew with these keys."""
        self._left = deque(keys)
        self._taken.clear()

    def take(self, worker: int) -> Key | None:
        """Give the next key to a worker; None if there is none."""
        if not self._left:
            return None
        self._taken[worker].append(self._left.popleft())
        return self._taken[worker][-1]

    def taken_by(self, worker: int) -> list[Key]:
        """Return all keys that a worker took."""
        return self._taken[worker]

    def put_back(self, keys: Sequence[Key]) -> None:
        """Offer keys again, before all others."""
        self._left.extendleft(reversed(keys))

    def clear(self) -> None:
        """Give no more keys."""
        self._left.clear()

    def has_keys(self) -> bool:
        """Whether there is a key to take."""
        return bool(self._left)


class WorkerResult(NamedTuple):
    """What comes of one item."""

    outcome: ProblemOutcome
    story: Story | None


class Worker:
    """A process of the cluster with the model loaded. It runs one stream of outcomes at a time."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        os.environ.update({name: value for name, value in config.environment.items() if name not in os.environ})
        with suppress(OSError):  # relative paths mean the same here, where the machines have the same folders
            os.chdir(config.folder)

    def open(self) -> dict[str, Any]:
        """Load the model and open the sandbox; return how the model is asked and computes."""
        self._engine = LocalEngine(self._config)
        return self._engine.describe_model()

    def run(self, number: int, queue: Any, job: Job, tells: bool) -> Iterator[WorkerResult]:
        """Yield what comes of items until the queue has no more. number: of this worker. tells: with stories."""
        benchmark = open_benchmark(self._config.benchmark)
        keys: Iterator[Key] = iter(lambda: ray.get(queue.take.remote(number)), None)
        items = (WorkItem(benchmark.problem(task_id), sample) for task_id, sample in keys)
        stories: dict[Key, Story] = {}
        tell = (lambda story: stories.update({key_of(story): story})) if tells else None
        for outcome in self._engine.run(items, job, lambda: False, tell):
            yield WorkerResult(outcome, stories.pop(key_of(outcome), None))

    def close(self) -> None:
        """Close the sandbox."""
        self._engine.close()
