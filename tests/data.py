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
    with gzip.open(SHARED / "HumanEval.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]
