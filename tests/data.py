"""Where the shared data sets are, for tests that read real problems."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_data = pytest.mark.skipif(
    not (SHARED / "HumanEval.jsonl.gz").is_file(), reason="needs the data sets beside the checkout, in ../shared/data"
)


def humaneval() -> list[dict[str, Any]]:
    """Return the original HumanEval records."""
    return _records("HumanEval.jsonl.gz")


def mbpp() -> list[dict[str, Any]]:
    """Return the MBPP+ records."""
    return _records("MbppPlus.jsonl.gz")


def _records(name: str) -> list[dict[str, Any]]:
    with gzip.open(SHARED / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
