"""Rank programs that failed, and recognise programs that break on made-up inputs. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from agent.program.outputs import Output, OutputKind
from agent.records import Attempt, Breakage
from sandbox.base import Verdict

_UNDEFINED = {"NameError", "UnboundLocalError"}  # never what anybody asked for
_BROKEN = _UNDEFINED | {
    "TypeError", "AttributeError", "ImportError", "ModuleNotFoundError", "RecursionError", "SyntaxError",
    "NotImplementedError", "IndentationError", "MemoryError", "SystemExit",
}  # fmt: skip
_MOST = 0.5  # share of the inputs


def find_least_failed(attempts: Sequence[Attempt]) -> int:
    """Return the number of the attempt that failed the fewest examples.

    Attempts that failed before an example was judged come behind those; attempts that did not run come last.
    """

    def rank(number: int) -> tuple[bool, bool, int, int]:
        attempt = attempts[number]
        judged = attempt.verdict == Verdict.FAILED and attempt.checked > len(attempt.failures)
        return not attempt.ran, not judged, len(attempt.failures) if judged else 0, number

    return min(range(len(attempts)), key=rank)


def count_undefined(behaviour: Sequence[Output]) -> int:
    """Return on how many inputs a program uses a name that it does not define."""
    return sum(_exception_in(output) in _UNDEFINED for output in behaviour)


def find_breakage(behaviour: Sequence[Output]) -> Breakage | None:
    """Return how a program breaks on made-up inputs; None where it does not.

    An undefined name on most inputs is a fault. Another exception is one only if every input raises one, because a
    made-up input may have the wrong type.
    """
    broken = [name for output in behaviour if (name := _exception_in(output)) in _BROKEN]
    if count_undefined(behaviour) > _MOST * len(behaviour) or (broken and len(broken) == len(behaviour)):
        return Breakage(tuple(sorted(set(broken))), len(broken), len(behaviour))
    return None


def _exception_in(output: Output) -> str:
    return output.text if output.kind == OutputKind.EXCEPTION else ""
