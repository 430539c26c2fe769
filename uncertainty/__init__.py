"""Measures: pure functions of logits, spans and counts; no model, no file, no terminal."""

from uncertainty.prediction_set import PartialProgram, partial_program, removed
from uncertainty.scores import (
    SCORES,
    collision_entropy,
    collision_of_deviation,
    entropy,
    margin_doubt,
    surprisal,
    top_entropy,
    varentropy,
)
from uncertainty.tree import TreeNode, program_tree

__all__ = [
    "SCORES",
    "PartialProgram",
    "TreeNode",
    "collision_entropy",
    "collision_of_deviation",
    "entropy",
    "margin_doubt",
    "partial_program",
    "program_tree",
    "removed",
    "surprisal",
    "top_entropy",
    "varentropy",
]
