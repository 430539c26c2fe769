"""What can go wrong that is not a failing program. Each message says what came, what was wanted, what to try."""

from __future__ import annotations


class AgentError(Exception):
    """Base of what this package raises on purpose."""


class UsageError(AgentError):
    """The request cannot be carried out as it was given: exit code 2."""


class ContextLengthError(UsageError):
    """A prompt is longer than the model reads."""


class InfrastructureError(AgentError):
    """The request was fine, the machine was not: exit code 3."""


class BudgetSpentError(Exception):
    """The next forward or run would exceed the budget. args: which part of it."""
