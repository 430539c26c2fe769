"""The sentences as a benchmark: forty requests from `problems.toml`. An id is `sentences/0`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any, NamedTuple

from benchmarks.base import FileOfProblems, Problem

# An exception is an answer like any other: a request may want it.
_DRIVER = """

def _evaluate_check(source):
    try:
        return eval(source, globals())
    except Exception as error:
        return "raises " + type(error).__name__
"""


class Check(NamedTuple):
    """An expression over a program, and as text what it must give: a literal, or `raises` and an exception's name."""

    expression: str
    wanted: str


class Sentences(FileOfProblems):
    """The sentences. A hidden test evaluates one expression behind the program, so a class can be tested, too."""

    name = "sentences"

    @cached_property
    def _problems(self) -> dict[str, Problem]:
        problems = map(_make_problem, *zip(*enumerate(read_records()), strict=True))
        return {each.task_id: each for each in problems}


def read_records() -> list[dict[str, Any]]:
    """Read the records of the file: name, prompt, solution, mistake and checks."""
    records: list[dict[str, Any]] = tomllib.loads(files(__package__).joinpath("problems.toml").read_text())["problem"]
    return records


def read_checks(text: str) -> Iterator[Check]:
    """Yield the checks in a text, one a line."""
    for line in text.strip().splitlines():
        expression, raises, exception = line.rpartition(" raises ")
        if raises:
            yield Check(expression, f"raises {exception}")
        else:
            expression, _, literal = line.rpartition(" == ")
            yield Check(expression, literal)


def _make_problem(number: int, record: dict[str, Any]) -> Problem:
    inputs = tuple((check.expression,) for check in read_checks(record["checks"]))
    return Problem(
        f"sentences/{number}", record["prompt"], record["name"], record["solution"], inputs, (), driver=_DRIVER,
        driven_by="_evaluate_check",
    )  # fmt: skip


def make_wrong_solution(record: dict[str, Any]) -> str:
    """Return the solution with the record's mistake in it."""
    old, new = record["mistake"]
    return str(record["solution"]).replace(old, new)
