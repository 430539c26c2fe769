"""HumanEval+ as evalplus 0.3.1 has it: 164 problems (v0.1.10). The data are not part of this project."""

from __future__ import annotations

from pathlib import Path

from benchmarks.evalplus import PlusBenchmark


class HumanEval(PlusBenchmark):
    """HumanEval+; offline with HUMANEVAL_OVERRIDE_PATH or a path to HumanEvalPlus.jsonl[.gz]."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(
            "HumanEval",
            module="evalplus.data.humaneval",
            loader="get_human_eval_plus",
            override="HUMANEVAL_OVERRIDE_PATH",
            path=path,
        )
