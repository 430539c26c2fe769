"""Acts: a request in, a verified program (or an honest "no") out. Importing it loads nothing; its names load on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.api import solve
    from agent.decoding import POLICIES
    from agent.lm.open import open_lm
    from agent.program.task import Task
    from agent.strategies import STRATEGIES
    from agent.workflow.run import Result
    from agent.workflow.session import Session

__all__ = ["POLICIES", "STRATEGIES", "Result", "Session", "Task", "open_lm", "solve"]

_PLACES = {
    "POLICIES": "agent.decoding",
    "STRATEGIES": "agent.strategies",
    "Result": "agent.workflow.run",
    "Session": "agent.workflow.session",
    "Task": "agent.program.task",
    "open_lm": "agent.lm.open",
    "solve": "agent.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
