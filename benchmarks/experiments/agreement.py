"""Compare the program of a run with samples of other runs by what they return. Sees no hidden test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.program.outputs import Output, OutputKind
from agent.program.probe_inputs import generate_inputs
from agent.program.task import read_task
from agent.verification.behaviour import find_function, observe_behaviour
from benchmarks.base import Problem
from benchmarks.experiments.outcomes import ProblemOutcome
from sandbox.base import DEFAULT_LIMITS, Sandbox


class Agreement(NamedTuple):
    """How many samples of a problem behave like its program."""

    alike: int
    samples: int

    @property
    def share(self) -> float:
        """The share of the samples that behave alike; 0 where there are none."""
        return self.alike / self.samples if self.samples else 0.0


def group_programs(runs: Iterable[Sequence[ProblemOutcome]]) -> dict[str, list[str]]:
    """Return the programs of all runs by their problems."""
    groups = dict[str, list[str]]()
    for outcomes in runs:
        for each in outcomes:
            groups.setdefault(each.task_id, []).append(each.program)
    return groups


def measure_agreement(
    problems: Iterable[Problem], programs: Mapping[str, str], samples: Mapping[str, Sequence[str]], sandbox: Sandbox
) -> Iterator[Agreement]:
    """Yield how many samples of each problem return what its program returns on generated inputs.

    A program that returns no value on any of them agrees with none.
    """
    for problem in problems:
        others, inputs = samples.get(problem.task_id, ()), _generate_inputs(problem)
        own = _observe(sandbox, programs[problem.task_id], problem, inputs)
        alike = sum(own == _observe(sandbox, other, problem, inputs) for other in others) if own else 0
        yield Agreement(alike, len(others))


def _generate_inputs(problem: Problem) -> list[str]:
    examples = read_task(problem.prompt, entry_point=problem.entry_point).examples
    inputs = generate_inputs(problem.prompt, problem.entry_point, examples, numbers_from=problem.prompt)
    return [repr(each) for each in inputs]


def _observe(sandbox: Sandbox, program: str, problem: Problem, inputs: Sequence[str]) -> list[Output]:
    """Return the outputs of a program; empty where it returns no value at all."""
    if not inputs or find_function(program, problem.entry_point) is None:
        return []
    outputs = observe_behaviour(sandbox, program, problem.entry_point, inputs, DEFAULT_LIMITS)
    return outputs if any(each.kind == OutputKind.VALUE for each in outputs) else []
