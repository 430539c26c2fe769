"""The records of a benchmark: problems. judging/ judges programs, experiments/ runs the agent on problems."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from agent.errors import StorageError
from agent.program.syntax import is_code


@dataclass(frozen=True, slots=True)
class Problem:
    """One benchmark item, in evalplus' terms. The agent never sees the inputs and the canonical solution."""

    task_id: str
    prompt: str  # all that the agent sees
    entry_point: str
    canonical_solution: str  # a completion: prompt + canonical_solution is the reference program
    base_inputs: tuple[tuple[Any, ...], ...]  # one tuple of arguments a test
    plus_inputs: tuple[tuple[Any, ...], ...]
    atol: float = 0.0  # absolute tolerance for floats; 0 means evalplus' default of 1e-6
    driver: str = ""  # source that is put behind a program to be judged
    driven_by: str = ""  # the driver's function, which tests call instead of the entry point

    @property
    def reference_program(self) -> str:
        """The canonical solution, complete. Behind a sentence it is complete by itself."""
        return self.prompt + self.canonical_solution if is_code(self.prompt) else self.canonical_solution

    @property
    def called(self) -> str:
        """The function that tests call."""
        return self.driven_by or self.entry_point


class Benchmark(Protocol):
    """A named set of problems with stable ids."""

    name: str

    def problem(self, task_id: str) -> Problem:
        """Return one problem. Raises KeyError with a sentence that names the ids."""
        ...

    def __iter__(self) -> Iterator[Problem]:
        """Iterate over all problems in a stable order."""
        ...

    def digest_tests(self) -> str | None:
        """Return what tells these hidden tests from those of another version; None where our own code makes them."""
        ...


class FileOfProblems(ABC):
    """A benchmark that is one file, read when a problem is first asked for."""

    def problem(self, task_id: str) -> Problem:
        """Return one problem. Raises KeyError with a sentence that names the ids, DatasetError without data."""
        problem = self._problems.get(task_id)
        if problem is None:
            first, *_, last = [*self._problems, *self._problems]
            raise KeyError(f"no problem {task_id!r}; wanted {first} … {last}")
        return problem

    def __iter__(self) -> Iterator[Problem]:
        """Iterate over all problems, in the file's order. Raises DatasetError without data."""
        return iter(self._problems.values())

    def digest_tests(self) -> str:
        """Return 12 digits over the hidden tests of all problems. Raises DatasetError without data."""
        digest = hashlib.sha256()
        for each in self:
            tests = (each.task_id, each.canonical_solution, each.base_inputs, each.plus_inputs, each.atol)
            digest.update(repr(tests).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:12]

    @property
    @abstractmethod
    def _problems(self) -> dict[str, Problem]:
        """The problems by their ids, one or more. Raises DatasetError."""


class DatasetError(StorageError):
    """The data of a benchmark are missing or damaged; the message says what to try."""
