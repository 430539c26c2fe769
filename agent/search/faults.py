"""Programs that nobody should rely on: which of those that failed is nearest, and which break on made-up inputs."""

from __future__ import annotations

from collections.abc import Sequence

from agent.records import Attempt

_UNDEFINED = {"NameError", "UnboundLocalError"}  # never what anybody asked for
_BROKEN = _UNDEFINED | {
    "TypeError", "AttributeError", "ImportError", "ModuleNotFoundError", "RecursionError", "SyntaxError",
    "NotImplementedError", "IndentationError", "MemoryError", "SystemExit",
}  # fmt: skip
_MOST = 0.5  # of the inputs


def least_failed(attempts: Sequence[Attempt]) -> int:
    """Return the number of the attempt that failed the fewest examples, of those that were run as programs.

    What failed by itself, before an example was judged, comes behind them; what was dropped half-written, last.
    """

    def rank(number: int) -> tuple[bool, bool, int, int]:
        attempt = attempts[number]
        judged = attempt.verdict == "failed" and attempt.checked > len(attempt.failures)
        return not attempt.ran, not judged, len(attempt.failures) if judged else 0, number

    return min(range(len(attempts)), key=rank)


def undefined_names(behaviour: Sequence[str]) -> int:
    """Return on how many inputs a program stumbles over a name that it does not define."""
    return sum(_raised(output) in _UNDEFINED for output in behaviour)


def how_it_breaks(behaviour: Sequence[str]) -> str:
    """Say how a program breaks that does so on most inputs; empty where it does not.

    An undefined name is a fault on whatever input. Others are if nothing else comes of any input, for inputs are made
    up and may be of a wrong type.
    """
    broken = [name for output in behaviour if (name := _raised(output)) in _BROKEN]
    if undefined_names(behaviour) > _MOST * len(behaviour) or (broken and len(broken) == len(behaviour)):
        names = " or ".join(sorted(set(broken)))
        return f"raises {names} on {len(broken)} of {len(behaviour)} made-up inputs"
    return ""


def _raised(output: str) -> str:
    return output.removeprefix("raises ") if output.startswith("raises ") else ""
