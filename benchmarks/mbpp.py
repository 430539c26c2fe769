"""MBPP+ as evalplus 0.3.1 has it: 378 problems (v0.2.0). The data are not part of this project."""

from __future__ import annotations

from pathlib import Path

from benchmarks.evalplus import PlusBenchmark


class Mbpp(PlusBenchmark):
    """MBPP+; offline with MBPP_OVERRIDE_PATH or a path to MbppPlus.jsonl[.gz]."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(
            "Mbpp",
            module="evalplus.data.mbpp",
            loader="get_mbpp_plus",
            override="MBPP_OVERRIDE_PATH",
            path=path,
        )
