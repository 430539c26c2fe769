"""The exercises as a benchmark. An id is `exercises/12` in the test split, else `exercises/<split>/12`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from random import Random

from agent.messages import quote
from benchmarks.base import Problem
from benchmarks.exercises import world
from benchmarks.exercises.compose import Exercise, compose, draw_inputs

_TASK_ID = re.compile(r"exercises/(?:(train|validation|calibration|far)/)?(0|[1-9]\d{0,8})")
_TESTS = 64  # inputs drawn for a problem, before equal ones are dropped


class Exercises:
    """One split of the exercises. The train split has no end: iterate over as much of it as you need."""

    def __init__(self, split: str = "test") -> None:
        if split not in world.SPLITS:
            raise ValueError(f"unknown split {quote(split)}; choose from {', '.join(world.SPLITS)}")
        self.split = split
        self.name = "exercises" if split == "test" else f"exercises/{split}"

    def problem(self, task_id: str) -> Problem:
        """Return one problem, of any split. Raises KeyError with a sentence that names the ids."""
        return make_problem(task_id)

    def __iter__(self) -> Iterator[Problem]:
        """Iterate in the order of the ids."""
        numbers = count() if self.split == "train" else range(len(self))
        return (make_problem(f"{self.name}/{number}") for number in numbers)

    def digest_tests(self) -> None:
        """Return nothing: this project's code makes the tests, and the first line of a run names its commit."""

    def __len__(self) -> int:
        """The number of problems of a held-out split. The train split is endless and raises TypeError."""
        if self.split == "train":
            raise TypeError("the train split has no length; iterate over as much of it as you need")
        return len(world.held_out(self.split))


def make_problem(task_id: str) -> Problem:
    """Make one problem. Raises KeyError with a sentence that names the ids."""
    composed = exercise(task_id)
    return Problem(
        task_id=task_id,
        prompt=composed.prompt,
        entry_point=composed.name,
        canonical_solution=composed.body,
        base_inputs=composed.examples,
        plus_inputs=tuple(draw_inputs(composed.meaning, f"{task_id} tests", _TESTS)),
    )


def exercise(task_id: str) -> Exercise:
    """Compose the exercise of an id. Raises KeyError with a sentence that names the ids."""
    match = _TASK_ID.fullmatch(task_id)
    split = (match[1] or "test") if match else ""
    if match and split == "train":
        return compose(world.draw(Random(task_id), "train"), task_id)
    if match and int(match[2]) < len(world.held_out(split)):
        return compose(world.parse_key(world.held_out(split)[int(match[2])]), task_id)
    sizes = ", ".join(f"{name} {len(world.held_out(name))}" for name in world.SPLITS if name != "train")
    raise KeyError(
        f"no exercise {quote(task_id)}; ids are exercises/N for the test split and exercises/SPLIT/N for the others, "
        f"with N below: {sizes}; train has no end"
    )
