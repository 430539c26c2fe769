"""The engine `local`: this process has the model and works on all items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import takewhile
from typing import Any

from benchmarks.engines.base import Job, WorkerConfig
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import describe_model
from benchmarks.experiments.runner import Tell, run_items
from benchmarks.experiments.side_by_side import count_tasks


class LocalEngine:
    """The model, loaded here, and a sandbox. It takes items one by one, when it can begin them."""

    def __init__(self, config: WorkerConfig, workers: int | None = None) -> None:
        self._cleanup = ExitStack()
        self._context = config.open_context(self._cleanup)
        self._tasks = count_tasks(self._context.lm, self._context.max_tokens, config.batch)

    def describe_model(self) -> dict[str, Any]:
        """Return how the model is asked and computes."""
        return describe_model(self._context.model)

    def run(
        self, items: Iterable[WorkItem], job: Job, stopped: Callable[[], bool], tell: Tell | None
    ) -> Iterator[ProblemOutcome]:
        """Yield the outcome of each item, as it ends; once `stopped`, begin no more. tell: receives its story."""
        wanted = takewhile(lambda item: not stopped(), items)
        context = replace(self._context, policy=job.policy)
        return run_items(wanted, context, job.strategy, tasks=self._tasks, tell=tell)

    def close(self) -> None:
        """Close the sandbox."""
        self._cleanup.close()
