"""Our own generated problems in HumanEval's shape: families, compositions, splits that never change."""

from benchmarks.exercises.benchmark import Exercises, problem

__all__ = ["Exercises", "problem"]
