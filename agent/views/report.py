"""What a command prints: a table for a person, and the same numbers as plain data. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """Numbers, and the text that shows them to a person."""

    record: dict[str, Any]
    text: str


def join_reports(reports: Iterable[Report]) -> Report:
    """Return one report of several: their texts one below the other, their records in one."""
    parts = list(reports)
    return Report(
        {name: value for part in parts for name, value in part.record.items()}, "\n\n".join(part.text for part in parts)
    )
