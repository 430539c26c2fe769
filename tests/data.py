"""Where data sets lie that are not in the repository, for tests that read real problems."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the checkout, for whoever has them there
_OVERRIDES = {"HumanEvalPlus.jsonl.gz": "HUMANEVAL_OVERRIDE_PATH", "MbppPlus.jsonl.gz": "MBPP_OVERRIDE_PATH"}
HOW = (
    "; set HUMANEVAL_OVERRIDE_PATH and MBPP_OVERRIDE_PATH to HumanEvalPlus.jsonl.gz and MbppPlus.jsonl.gz of evalplus' "
    "releases"
)


def found(name: str) -> Path:
    """Return where a file lies: where evalplus' variable says, beside such a file, or beside the checkout."""
    named = {file: Path(os.environ[variable]) for file, variable in _OVERRIDES.items() if os.environ.get(variable)}
    beside = [path.parent / name for path in named.values()]
    places = [*([named[name]] if name in named else []), *beside, SHARED / name]
    return next((place for place in places if place.is_file()), SHARED / name)


HUMANEVAL_PLUS, MBPP_PLUS = found("HumanEvalPlus.jsonl.gz"), found("MbppPlus.jsonl.gz")
needs_data = pytest.mark.skipif(
    not (HUMANEVAL_PLUS.is_file() and MBPP_PLUS.is_file()), reason=f"needs HumanEval+ and MBPP+{HOW}"
)


def humaneval() -> list[dict[str, Any]]:
    """Return the original HumanEval records, or where they are not, those of HumanEval+."""
    original = found("HumanEval.jsonl.gz")
    return _records(original if original.is_file() else HUMANEVAL_PLUS)


def mbpp() -> list[dict[str, Any]]:
    """Return the MBPP+ records."""
    return _records(MBPP_PLUS)


def _records(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
