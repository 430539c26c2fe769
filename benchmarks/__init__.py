"""Data sets of problems, the judging of programs, and experiments over them. A data set is loaded when it is opened.

A new data set is one module with a class like `base.Benchmark`, and one line in BENCHMARKS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import cast

from agent.messages import quote
from benchmarks.base import Benchmark, DatasetError, Problem

__all__ = ["BENCHMARKS", "Benchmark", "DatasetError", "Problem", "find_problem", "open_benchmark"]


def _lazy(module: str, name: str) -> Callable[[], Benchmark]:
    """Return a function that imports the module and makes its benchmark, once; `dubito --help` reads only the names."""

    @cache
    def make() -> Benchmark:
        return cast("Benchmark", getattr(import_module(module), name)())

    return make


BENCHMARKS: dict[str, Callable[[], Benchmark]] = {
    "HumanEval": _lazy("benchmarks.evalplus", "human_eval"),
    "Mbpp": _lazy("benchmarks.evalplus", "mbpp"),
    "HumanEval-base": _lazy("benchmarks.human_eval", "HumanEval"),
    "exercises": _lazy("benchmarks.exercises", "Exercises"),
    "sentences": _lazy("benchmarks.sentences", "Sentences"),
}


def find_problem(task_id: str) -> Problem:
    """Return the problem of an id such as "HumanEval/0". Raises KeyError for other ids, DatasetError without data."""
    name, _, _ = task_id.partition("/")
    if name not in BENCHMARKS:
        raise KeyError(f"no benchmark {quote(name)} (of task {quote(task_id)}); choose from {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]().problem(task_id)


def open_benchmark(name: str) -> Benchmark:
    """Open the benchmark of this name; `exercises/SPLIT` is one split of them. Raises KeyError with the choices."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]()
    family, _, split = name.partition("/")
    if family == "exercises" and split:
        from benchmarks.exercises import Exercises  # noqa: PLC0415 - the registry is read by `dubito --help`

        try:
            return Exercises(split)
        except ValueError as error:
            raise KeyError(str(error)) from error
    raise KeyError(f"no benchmark {quote(name)}; choose from {', '.join(BENCHMARKS)}, exercises/SPLIT")
