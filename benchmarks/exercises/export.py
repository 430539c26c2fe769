"""Export exercises in evalplus' format: one JSON object a line, with the fields of HumanEval+."""

from __future__ import annotations

import copy
import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent.files.access import write_whole
from benchmarks.base import Problem
from benchmarks.exercises.body import load_function

_BEGINS = b'{"task_id": "exercises/'
_CLOSE = """\
def close(a, b):
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(close, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 1e-6)


"""


def export(problems: Iterable[Problem], path: Path) -> None:
    """Write the problems, gzipped where the name ends in .gz. The file appears whole or not at all.

    An older export is replaced. Raises InvalidRequestError for any other file, and StorageError where the disk is full.
    """
    lines = "".join(json.dumps(write_record(problem)) + "\n" for problem in problems).encode()
    write_whole(path, gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines, is_ours=is_export)


def is_export(head: bytes) -> bool:
    """Return whether a file begins as an export does, gzipped or not."""
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, len(_BEGINS))
        except zlib.error:
            return False
    return head.startswith(_BEGINS)


def write_record(problem: Problem) -> dict[str, Any]:
    """Return a problem's record. Its prompt ends with a line break, as HumanEval's do.

    JSON has no tuples, so `base_input` and `plus_input` hold lists. `test` is Python and has tuples.
    """
    return {
        "task_id": problem.task_id,
        "prompt": f"{problem.prompt}\n",
        "entry_point": problem.entry_point,
        "canonical_solution": problem.canonical_solution.removeprefix("\n"),
        "test": write_test(problem),
        "contract": "",
        "base_input": problem.base_inputs,
        "atol": problem.atol,
        "plus_input": problem.plus_inputs,
    }


def write_test(problem: Problem) -> str:
    """Write HumanEval's `check(candidate)` over all inputs, with the values of the canonical solution."""
    function = load_function(problem.reference_program, problem.entry_point)
    lines = []
    for args in (*problem.base_inputs, *problem.plus_inputs):
        value = function(*copy.deepcopy(args))
        call = f"candidate({', '.join(map(repr, args))})"
        lines.append(
            f"    assert close({call}, {value!r})\n" if _inexact(value) else f"    assert {call} == {value!r}\n"
        )
    helper = _CLOSE if any("assert close(" in line for line in lines) else ""
    return f"{helper}def check(candidate):\n{''.join(lines)}"


def _inexact(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, list | tuple) and any(map(_inexact, value)))
