"""Run programs of several threads in several sandboxes at once. A thread waits while all are busy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from queue import SimpleQueue

from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, SandboxError
from sandbox.forkserver import ForkServerSandbox

_logger = logging.getLogger(__name__)
_MOST_RUNS = 5_000  # of a worker before it is replaced


class SandboxPool:
    """A sandbox of many workers. They start in parallel, with the pool; a worn one is replaced in the background."""

    def __init__(self, workers: Sequence[ForkServerSandbox], *, most_runs: int = _MOST_RUNS) -> None:
        """Start every worker. Raises the SandboxError of one that does not start, and leaves none running."""
        self._size = len(workers)
        self._most_runs = most_runs
        self._idle: SimpleQueue[ForkServerSandbox] = SimpleQueue()
        failed: list[SandboxError] = []

        def warm(worker: ForkServerSandbox) -> None:
            try:
                worker.run("")
            except SandboxError as error:
                failed.append(error)
            finally:
                self._idle.put(worker)

        threads = [threading.Thread(target=warm, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            self.close()
            raise failed[0]

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        """Execute the program, then the calls, on the first worker that is free; see Sandbox.run."""
        worker = self._idle.get()
        try:
            return worker.run(program, calls=calls, stdin=stdin, limits=limits)
        finally:
            if worker.runs >= self._most_runs or worker.worn:
                threading.Thread(target=self._renew, args=(worker,)).start()
            else:
                self._idle.put(worker)

    def close(self) -> None:
        """Wait for running programs, then close every worker. A closed pool starts again at the next run."""
        workers = [self._idle.get() for _ in range(self._size)]
        for worker in workers:
            worker.close()
            self._idle.put(worker)

    def _renew(self, worker: ForkServerSandbox) -> None:
        try:
            worker.close()
            worker.run("")
        except SandboxError as error:  # the next program raises it again, to a caller who can act
            _logger.warning("a sandbox could not be renewed: %s", error)
        finally:
            self._idle.put(worker)
