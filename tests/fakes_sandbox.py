"""A fake sandbox with behaviour: it runs programs in this very process. For programs that a test wrote."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from sandbox import DEFAULT_LIMITS, Call, CallOutcome, Execution, Expression, Limits, Raised, Returned, Verdict


@dataclass
class InProcessSandbox:
    """Answers at most `most` calls a run, then a limit strikes. Remembers all that it was sent."""

    most: int = 1_000_000
    struck: Verdict = Verdict.TIMED_OUT_CPU
    wall_seconds: float = 0.0
    runs: list[tuple[str, Sequence[Call | Expression], Limits]] = field(default_factory=list)

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        """Execute, then call; nothing is bounded but the number of answers."""
        self.runs.append((program, calls, limits))
        namespace: dict[str, object] = {}
        exec(program, namespace)
        outcomes = tuple(_outcome(namespace, call) for call in calls[: self.most])
        verdict = Verdict.PASSED if len(outcomes) == len(calls) else self.struck
        return Execution(verdict, "", "", False, outcomes, 0.0, self.wall_seconds, 0.0, "3.11")

    def close(self) -> None:
        """Nothing was opened."""


def _outcome(namespace: dict[str, object], call: Call | Expression) -> CallOutcome:
    assert isinstance(call, Call)
    try:
        return Returned(namespace[call.function](*deepcopy(call.arguments)))  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 - a call's exception is its outcome
        return Raised(type(error).__name__, str(error))
