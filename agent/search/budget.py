"""The budget of a run, and how a text becomes one. agent/lm and agent/verification hold a run to it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from agent.errors import InvalidRequestError
from agent.messages import quote


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use of each part; None for no bound."""

    programs: int | None = 20  # that are run
    tokens: int | None = None
    forwards: int | None = None
    runs: int | None = None  # of the sandbox
    seconds: float | None = None


def budget_from(text: str, budget: Budget | None = None) -> Budget:
    """Read a budget such as "programs=20,tokens=2000,seconds=30". Other parts keep the bounds of `budget`."""
    kinds = {part.name: float if part.name == "seconds" else int for part in fields(Budget)}
    bounds: dict[str, int | float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition("=")
        if name in bounds:
            raise InvalidRequestError(f"the budget names {name} twice, the second time as {quote(part)}; name it once")
        try:
            bounds[name] = kinds[name](amount)
        except (KeyError, ValueError, OverflowError):
            raise _unreadable(part) from None
        if not 0 < bounds[name] < float("inf"):
            raise _unreadable(part)
    if not bounds:
        raise _unreadable(text)
    return replace(budget or Budget(), **bounds)  # type: ignore[arg-type]  # names and types were checked above


def _unreadable(part: str) -> InvalidRequestError:
    names = ", ".join(part.name for part in fields(Budget))
    came = f"the budget {quote(part)} came"
    return InvalidRequestError(f"{came}; wanted positive numbers of {names}, as in tokens=2000,seconds=30")
