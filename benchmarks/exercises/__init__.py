"""Generate problems in HumanEval's shape from families of meanings, in splits that never change."""

from benchmarks.exercises.benchmark import Exercises, make_problem

__all__ = ["Exercises", "make_problem"]
