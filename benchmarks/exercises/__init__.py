"""Our own generated problems in HumanEval's shape: families, compositions, splits that never change."""

from benchmarks.exercises.benchmark import Exercises, make_problem

__all__ = ["Exercises", "make_problem"]
