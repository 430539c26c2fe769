"""HumanEval+ (164 problems, v0.1.10) and MBPP+ (378 problems, v0.2.0), as evalplus 0.3.1 loads them.

evalplus is imported when a problem is asked for. It parses its own data, which are not part of this project.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zlib
from collections.abc import Callable, Collection
from functools import cached_property
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from benchmarks.base import DatasetError, FileOfProblems, Problem
from benchmarks.judging.lines import read_lines
from benchmarks.judging.words import escape

# What evalplus' loader raises for a file that is absent, cut short, not gzip, not JSON, or not its records.
_UNREADABLE = (
    OSError, HTTPException, EOFError, zlib.error, ValueError, AssertionError, LookupError, TypeError, AttributeError,
    ArithmeticError, RecursionError,
)  # fmt: skip
_TEXT_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution")


class PlusBenchmark(FileOfProblems):
    """The problems of one of evalplus' data sets. Imports and reads nothing before a problem is asked for."""

    def __init__(self, name: str, *, module: str, loader: str, override: str, path: Path | None = None) -> None:
        """path: a local file, which the environment variable `override` may name instead; else evalplus downloads."""
        self.name = name
        self._module = module
        self._loader = loader
        self._override = override
        self._path = path

    def records(self, task_ids: Collection[str]) -> bytes:
        """Return evalplus' own records of problems that are known to be there, as lines of a file."""
        find_file = getattr(import_module(self._module), f"{self._loader.replace('get', '_ready')}_path")
        path = self._source or find_file()
        lines = (line for _, line in read_lines(Path(path)))
        return b"".join(line for line in lines if json.loads(line)["task_id"] in task_ids)

    @property
    def _source(self) -> str:
        """The path of a local file; empty where evalplus downloads its own."""
        return str(self._path or os.environ.get(self._override) or "")

    @cached_property
    def _problems(self) -> dict[str, Problem]:
        source = self._source
        try:
            if Path(source).exists() and not Path(source).is_file() and source:
                raise OSError("it is no regular file")  # reading a pipe or a device might never end
            records = _load(self._module, self._loader, self._override, source)
            problems = {task_id: _problem(record) for task_id, record in records.items()}
        except ImportError as error:
            raise DatasetError(f"evalplus cannot be imported ({error}); try: pip install 'dubito[bench]'") from error
        except _UNREADABLE as error:
            raise DatasetError(self._complaint(source, _without_inputs(error))) from error
        if not problems:
            raise DatasetError(self._complaint(source, "it holds no problems"))
        return problems

    def _complaint(self, source: str, reason: str) -> str:
        file = f"{self.name}Plus.jsonl.gz"
        wanted = f"cannot read {file} from {source or 'evalplus'} ({reason})"
        return f"{wanted}; set {self._override} to a {file} downloaded from evalplus' releases"


def human_eval(path: Path | None = None) -> PlusBenchmark:
    """Return HumanEval+; offline with HUMANEVAL_OVERRIDE_PATH or a path to HumanEvalPlus.jsonl[.gz]."""
    module, loader, override = "evalplus.data.humaneval", "get_human_eval_plus", "HUMANEVAL_OVERRIDE_PATH"
    return PlusBenchmark("HumanEval", module=module, loader=loader, override=override, path=path)


def mbpp(path: Path | None = None) -> PlusBenchmark:
    """Return MBPP+; offline with MBPP_OVERRIDE_PATH or a path to MbppPlus.jsonl[.gz]."""
    module, loader, override = "evalplus.data.mbpp", "get_mbpp_plus", "MBPP_OVERRIDE_PATH"
    return PlusBenchmark("Mbpp", module=module, loader=loader, override=override, path=path)


def _without_inputs(error: Exception) -> str:
    """Describe the error. One about the content may quote a hidden input, so only its type is named."""
    name = type(error).__name__
    return f"{name}: {escape(str(error))}" if isinstance(error, OSError | HTTPException) else name


def _load(module: str, loader: str, override: str, source: str) -> dict[str, dict[str, Any]]:
    """Call evalplus' loader. Set its override first: it reads the variable at import, before a path may be problem."""
    data = import_module(module)
    before = getattr(data, override)
    setattr(data, override, source or before)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it announces its downloads there
            load = cast("Callable[[], dict[str, dict[str, Any]]]", getattr(data, loader))
            return load()
    finally:
        setattr(data, override, before)


def _problem(record: dict[str, Any]) -> Problem:
    if not all(isinstance(record[name], str) for name in _TEXT_FIELDS):
        raise TypeError("a field that is no text")
    return Problem(
        task_id=record["task_id"],
        prompt=record["prompt"],
        entry_point=record["entry_point"],
        canonical_solution=record["canonical_solution"],
        base_inputs=tuple(map(tuple, record["base_input"])),
        plus_inputs=tuple(map(tuple, record["plus_input"])),  # an empty dict for Mbpp/793, which has none
        atol=float(record["atol"]),
    )
