"""Rank programs that failed, and recognise programs that break on made-up inputs. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from agent.program.ends import CUT_OFF, PRUNED
from agent.program.extraction.facts import inspect_source
from agent.program.outputs import Output, OutputKind
from agent.program.syntax import is_degenerate, parse
from agent.records import Attempt, Breakage
from sandbox.base import Verdict

_UNDEFINED = {"NameError", "UnboundLocalError"}  # never what anybody asked for
_BROKEN = _UNDEFINED | {
    "TypeError", "AttributeError", "ImportError", "ModuleNotFoundError", "RecursionError", "SyntaxError",
    "NotImplementedError", "IndentationError", "MemoryError", "SystemExit",
}  # fmt: skip
_MOST = 0.5  # share of the inputs


def is_whole(attempt: Attempt, entry_point: str | None) -> bool:
    """Decide whether an attempt is a whole program: neither cut off nor dropped, Python, and with what was asked for.

    entry_point: the function that the task names; None where it names none.
    """
    if attempt.end in PRUNED or attempt.end in CUT_OFF or is_degenerate(attempt.program):
        return False
    return entry_point is None or entry_point in inspect_source(attempt.program).defines


def find_least_failed(attempts: Sequence[Attempt], entry_point: str | None = None) -> int:
    """Return the number of the whole program that failed the fewest examples.

    Programs that failed before an example was judged come behind those. Programs that are not whole come behind all
    others: those that ran, what is no Python, and what was dropped half-written, in this order. entry_point: as for
    `is_whole`.
    """

    def rank(number: int) -> tuple[bool, bool, bool, bool, int, int]:
        attempt = attempts[number]
        judged = attempt.verdict == Verdict.FAILED and attempt.checked > 0
        return (
            not is_whole(attempt, entry_point), not attempt.ran, parse(attempt.program) is None, not judged,
            len(attempt.failures) if judged else 0, number,
        )  # fmt: skip

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
