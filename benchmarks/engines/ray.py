"""The engine `ray`: workers on the machines of a Ray cluster, one an accelerator. This process decodes nothing.

A worker loads the model once, and takes the keys of items until none is left. Outcomes stream to this process. What a
lost worker had taken goes to the others, and a new worker starts as soon as the cluster has room for it.
"""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from agent.errors import DeviceError, InvalidRequestError
from agent.messages import quote
from benchmarks.engines.base import Job, WorkerConfig
from benchmarks.engines.ray_worker import KeyQueue, Worker, WorkerResult
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, WorkItem
from benchmarks.experiments.record_file import digest_prompt, key_of
from benchmarks.experiments.runner import Tell

_MOST_LOSSES = 3  # of workers that had taken the same item
_PATIENCE_SECONDS = 600.0  # without any worker; a large model takes minutes to load
_CLOSING_SECONDS = 10.0


class _Member(NamedTuple):
    """A worker of this engine, by its number and by Ray's handle."""

    number: int
    actor: Any


class RayEngine:
    """The workers, each in one of three states: it starts, it is idle, or it has a stream of outcomes."""

    def __init__(self, config: WorkerConfig, workers: int | None = None) -> None:
        self._owns_ray = _connect()
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._queue = ray.remote(KeyQueue).options(num_cpus=0, scheduling_strategy=here).remote()
        number_of_workers, resources = _choose_resources(workers, config.device)
        self._workers: Any = ray.remote(Worker).options(scheduling_strategy="SPREAD", **resources)
        self._config = config
        self._numbers = count()
        self._facts: dict[str, Any] = {}
        self._failed_starts = 0
        self._starting: dict[Any, _Member] = {}  # by what `open` will return
        self._idle: list[_Member] = []
        self._streams: dict[Any, _Member] = {}
        for _ in range(number_of_workers):
            self._start_worker()

    def describe_model(self) -> dict[str, Any]:
        """Return how the model is asked and computes: the same in every worker. Waits for the first one."""
        while not self._facts:
            self._wait()
        return self._facts

    def run(
        self, items: Sequence[WorkItem], job: Job, stopped: Callable[[], bool], tell: Tell | None
    ) -> Iterator[ProblemOutcome]:
        """Yield the outcome of each item, as it arrives; once `stopped`, begin no more. tell: receives its story.

        Raises DeviceError for an item whose workers were lost several times, and where no worker is left. Raises what
        an item raised, when those that have begun have ended.
        """
        left, losses, is_draining = {item.key: item for item in items}, Counter[Key](), False
        failures: list[Exception] = []
        ray.get(self._queue.fill.remote(list(left)))
        while self._streams or (left and not is_draining):
            if (stopped() or failures) and not is_draining:
                ray.get(self._queue.clear.remote())
                is_draining = True
                continue
            if self._idle and ray.get(self._queue.has_keys.remote()):
                self._employ(job, tells=tell is not None)
            for stream in self._wait():
                result = self._receive(stream, left, losses, failures)
                if result is not None:
                    _check_problem(result.outcome, left.pop(key_of(result.outcome)))
                    if tell is not None and result.story is not None:
                        tell(result.story)
                    yield result.outcome
        for failure in failures[:1]:
            raise failure

    def close(self) -> None:
        """Close the sandboxes of idle workers, and end all workers."""
        closing = [member.actor.close.remote() for member in self._idle]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=_CLOSING_SECONDS)
        for member in (*self._idle, *self._streams.values(), *self._starting.values()):
            ray.kill(member.actor)
        ray.kill(self._queue)
        if self._owns_ray:
            ray.shutdown()

    def _start_worker(self) -> None:
        member = _Member(next(self._numbers), self._workers.remote(self._config))
        self._starting[member.actor.open.remote()] = member

    def _employ(self, job: Job, *, tells: bool) -> None:
        """Let every idle worker take items."""
        for number, actor in self._idle:
            stream = actor.run.options(num_returns="streaming").remote(number, self._queue, job, tells)
            self._streams[stream] = _Member(number, actor)
        self._idle.clear()

    def _wait(self) -> list[Any]:
        """Make the workers that have started idle; return the streams that have news. Waits a second at most."""
        living = bool(self._streams or self._idle)
        timeout = 1.0 if living else _PATIENCE_SECONDS
        ready, _ = ray.wait([*self._streams, *self._starting], num_returns=1, timeout=timeout)
        if not ready and not living:
            raise DeviceError(
                f"no worker of the Ray cluster is left, and none has started in {_PATIENCE_SECONDS:.0f} seconds; add "
                "machines, and start the same command again"
            )
        for opened in ready:
            if opened in self._starting:
                self._admit(opened, self._starting.pop(opened))
        return [each for each in ready if each in self._streams]

    def _admit(self, opened: Any, member: _Member) -> None:
        """Make a worker that has started idle. Raises what its start raised; InvalidRequestError for another model."""
        try:
            facts = _get(opened)
        except RayError as error:
            self._give_up_or_start_another(error)
            return
        self._failed_starts = 0
        self._facts = self._facts or facts
        if facts != self._facts:
            raise InvalidRequestError(
                f"the workers' models differ ({facts['dtype']} and {self._facts['dtype']}); name the type of weights"
            )
        self._idle.append(member)

    def _give_up_or_start_another(self, error: RayError) -> None:
        """Start another worker for one that could not start, unless several could not. The others go on without it.

        Raises DeviceError where there are no others.
        """
        self._failed_starts += 1
        if self._failed_starts < _MOST_LOSSES:
            self._start_worker()
        elif not (self._starting or self._idle or self._streams):
            raise DeviceError(
                f"{self._failed_starts} workers could not start ({_shorten(error)}); each machine needs the same "
                "installation of dubito, and memory for the model"
            ) from error

    def _receive(
        self, stream: Any, left: dict[Key, WorkItem], losses: Counter[Key], failures: list[Exception]
    ) -> WorkerResult | None:
        """Return the next result of a stream; None if it has ended or its worker is lost. Keep what the work raised."""
        try:
            result: WorkerResult = _get(next(stream))
        except StopIteration:
            self._idle.append(self._streams.pop(stream))
            return None
        except RayError:
            self._replace(self._streams.pop(stream), left, losses)
            return None
        except Exception as error:  # noqa: BLE001 - what the other workers do is not lost for it
            failures.append(error)
            self._idle.append(self._streams.pop(stream))
            return None
        return result

    def _replace(self, lost: _Member, left: dict[Key, WorkItem], losses: Counter[Key]) -> None:
        """Put back what a lost worker had taken and not finished, and start another worker."""
        ray.kill(lost.actor)  # it may be only out of reach
        keys = [key for key in ray.get(self._queue.taken_by.remote(lost.number)) if key in left]
        losses.update(keys)
        for task_id, sample in keys:
            if losses[task_id, sample] >= _MOST_LOSSES:
                raise DeviceError(
                    f"{_MOST_LOSSES} workers were lost, one after another, while they had {quote(task_id)}; perhaps "
                    "they lack memory: run fewer problems side by side"
                )
        ray.get(self._queue.put_back.remote(keys))
        self._start_worker()


def _connect() -> bool:
    """Join the cluster of RAY_ADDRESS or of this machine, else start one here; return whether it was joined now."""
    if ray.is_initialized():
        return False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report each run to its makers
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise DeviceError(f"Ray cannot be joined or started ({_shorten(error)}); try: ray status") from error
    return True


def _choose_resources(workers: int | None, device: str | None) -> tuple[int, dict[str, float]]:
    """Return how many workers to start and what each takes: a GPU, or without any its share of a machine's cores."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(int(machine.get("GPU", 0)) for machine in machines)
    if gpus and device != "cpu":
        return workers or gpus, {"num_gpus": 1}
    cores = [int(machine["CPU"]) for machine in machines if machine.get("CPU", 0) >= 1]
    if not cores:
        raise DeviceError("the Ray cluster has no GPU and no CPU for a worker; add machines")
    workers = workers or len(cores)
    return workers, {"num_cpus": max(1, min(cores) // math.ceil(workers / len(cores)))}


def _get(reference: Any) -> Any:
    """Return a worker's answer. Raises what the worker raised, as it was; RayError if the worker is lost."""
    try:
        return ray.get(reference)
    except RayTaskError as error:
        raise error.cause from None


def _shorten(error: Exception) -> str:
    """Return the last line of an error; Ray's are pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()[:200]


def _check_problem(outcome: ProblemOutcome, item: WorkItem) -> None:
    if outcome.prompt_sha256 != digest_prompt(item.problem.prompt):
        raise InvalidRequestError(
            f"a worker has another {outcome.task_id} than this machine; give all machines the same data sets"
        )
