"""Measure uncertainty: pure functions of logits, spans and counts. Knows no model, no file and no terminal.

A new score is one function and one line in SCORES.
"""

from uncertainty.prediction_set import PartialProgram, fewest_removed, partial_program
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
    "fewest_removed",
    "margin_doubt",
    "partial_program",
    "program_tree",
    "surprisal",
    "top_entropy",
    "varentropy",
]
