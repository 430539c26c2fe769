"""A sandbox that keeps to a budget of runs and seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.errors import BudgetSpentError
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, Sandbox


@dataclass(slots=True)
class MeteredSandbox:
    """Counts the runs of a sandbox, raises BudgetSpentError before one too many, and ends each by the deadline."""

    sandbox: Sandbox
    left: int | None  # runs; None for no bound
    deadline: float | None  # on the clock; None for no bound
    clock: Callable[[], float]
    runs: int = 0

    def run(
        self, program: str, *, calls: Sequence[Call | Expression] = (), stdin: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> Execution:
        """Execute the program, then the calls; see Sandbox.run."""
        if self.left is not None and self.runs >= self.left:
            raise BudgetSpentError("runs")
        if self.deadline is not None:
            seconds = self.deadline - self.clock()
            if seconds <= 0:
                raise BudgetSpentError("seconds")
            limits = replace(limits, wall_seconds=min(limits.wall_seconds, seconds))
        self.runs += 1
        return self.sandbox.run(program, calls=calls, stdin=stdin, limits=limits)

    def close(self) -> None:
        """Close the sandbox."""
        self.sandbox.close()
