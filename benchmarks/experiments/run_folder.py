"""The files of outcomes in the folder of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.trace import read_trace
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import natural_order
from benchmarks.experiments.stories import is_story_file


def find_run_files(place: Path) -> list[Path]:
    """Return the outcome files of a folder; a path that is no folder is itself one.

    Raises InvalidRequestError for a folder without any.
    """
    if not place.is_dir():
        return [place]
    files = sorted(filter(_holds_outcomes, place.glob("*.jsonl")), key=_order)
    if not files:
        raise InvalidRequestError(
            f"the folder {quote(place)} holds no file of outcomes; wanted one made by `dubito bench run --out`"
        )
    return files


def list_run_files(places: Sequence[Path]) -> list[Path]:
    """Return the outcome files of folders and files, and pass over stories. Raises InvalidRequestError."""
    files = [file for place in places for file in find_run_files(place)]
    return [file for file in files if not is_story_file(file)] or files


def _order(file: Path) -> tuple[bool, Any]:
    """Return what sorts the files of a folder: greedy comes first, for the others are compared with it."""
    return not file.name.startswith("greedy"), natural_order((file.name, 0))


def _holds_outcomes(file: Path) -> bool:
    """Whether the first record of a file is an outcome."""
    kinds = (line.get("kind") for line in read_trace(file))
    return next((kind for kind in kinds if kind != "provenance"), None) == ProblemOutcome.KIND
