"""What a run may use, and a model and a sandbox that refuse to be used beyond it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from agent.errors import InvalidRequestError
from agent.messages import quoted

if TYPE_CHECKING:  # budgets are read and refused before torch is imported
    pass


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use of each; None is no bound."""

    programs: int | None = 20  # that are run
    tokens: int | None = None
    forwards: int | None = None
    runs: int | None = None  # of the sandbox
    seconds: float | None = None


def budget_from(text: str, budget: Budget | None = None) -> Budget:
    """Read a budget as in "programs=20,tokens=2000,seconds=30"; what it does not name is as in `budget`."""
    kinds = {part.name: float if part.name == "seconds" else int for part in fields(Budget)}
    bounds: dict[str, int | float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition("=")
        if name in bounds:
            raise InvalidRequestError(f"the budget names {name} twice, the second time as {quoted(part)}; name it once")
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
    came = f"the budget {quoted(part)} came"
    return InvalidRequestError(f"{came}; wanted positive numbers of {names}, as in tokens=2000,seconds=30")
