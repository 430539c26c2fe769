"""Score whole programs: the scores of a program's tokens in, one number out. Higher is more likely to be wrong.

All numbers are nats, or counts of tokens, unless a signal says otherwise. A program without tokens has the signal 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor

from uncertainty.scores import entropy, log_probabilities, margin_doubt, top_entropy, varentropy

_WORST_SHARE = 0.1  # of a program's tokens, in its worst window
_EVEN_ODDS = math.log(2)  # nats: a token of more surprisal was less probable than all others together


@dataclass(frozen=True, slots=True)
class TokenScores:
    """The scores of each token of a program, in order. All [tokens]."""

    surprisal: Sequence[float]
    entropy: Sequence[float]
    top_entropy: Sequence[float]
    varentropy: Sequence[float]
    margin: Sequence[float]
    begins_line: Sequence[bool]  # whether the token is the first of its line
    in_comment: Sequence[bool]  # whether it begins in a comment


def score_program(
    logits: Tensor, tokens: Sequence[int], begins_line: Sequence[bool], in_comment: Sequence[bool]
) -> TokenScores:
    """Score each token by the distribution before it. logits: [tokens, vocab]."""
    rows = [log_probabilities(each) for each in logits]
    return TokenScores(
        surprisal=[max(-float(row[token]), 0.0) for row, token in zip(rows, tokens, strict=True)],
        entropy=[entropy(row, normalised=True) for row in rows],
        top_entropy=[top_entropy(row) for row in rows],
        varentropy=[varentropy(row, normalised=True) for row in rows],
        margin=[margin_doubt(row, normalised=True) for row in rows],
        begins_line=list(begins_line),
        in_comment=list(in_comment),
    )


def worst_window(scores: Sequence[float], share: float = _WORST_SHARE) -> float:
    """Return the highest mean of a window of so large a share of the scores, at least one of them."""
    width = max(1, math.ceil(share * len(scores)))
    sums = [0.0, *accumulate(scores)]
    return max((sums[end] - sums[end - width] for end in range(width, len(sums))), default=0.0) / width


def scale_by_root_length(values: Sequence[float]) -> float:
    """Return the sum over the square root of the number of values: what is between a sum and a mean.

    A sum of independent numbers spreads like that root, so long and short programs compare.
    """
    return sum(values) / math.sqrt(len(values)) if values else 0.0


def leave_out_comments(scores: TokenScores, values: Sequence[float]) -> list[float]:
    """Return the values of the tokens that begin outside of comments."""
    return [value for value, commented in zip(values, scores.in_comment, strict=True) if not commented]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _first_of_lines(scores: TokenScores) -> list[float]:
    return [value for value, first in zip(scores.entropy, scores.begins_line, strict=True) if first]


Signal = Callable[[TokenScores], float]

SIGNALS: Mapping[str, Signal] = {
    "surprisal": lambda scores: sum(scores.surprisal),
    "mean surprisal": lambda scores: _mean(scores.surprisal),
    "highest surprisal": lambda scores: max(scores.surprisal, default=0.0),
    "worst window": lambda scores: worst_window(scores.surprisal),
    "even odds": lambda scores: sum(value > _EVEN_ODDS for value in scores.surprisal),
    "entropy": lambda scores: sum(scores.entropy),
    "mean entropy": lambda scores: _mean(scores.entropy),
    "highest entropy": lambda scores: max(scores.entropy, default=0.0),
    "first of line": lambda scores: sum(_first_of_lines(scores)),
    "mean first of line": lambda scores: _mean(_first_of_lines(scores)),
    "top-20 entropy": lambda scores: sum(scores.top_entropy),
    "mean top-20 entropy": lambda scores: _mean(scores.top_entropy),
    "highest top-20 entropy": lambda scores: max(scores.top_entropy, default=0.0),
    "varentropy": lambda scores: sum(scores.varentropy),
    "mean varentropy": lambda scores: _mean(scores.varentropy),
    "surprisal by root length": lambda scores: scale_by_root_length(scores.surprisal),
    "entropy by root length": lambda scores: scale_by_root_length(scores.entropy),
    "varentropy by root length": lambda scores: scale_by_root_length(scores.varentropy),
    "entropy by root length, no comments": lambda scores: scale_by_root_length(
        leave_out_comments(scores, scores.entropy)
    ),
    "varentropy by root length, no comments": lambda scores: scale_by_root_length(
        leave_out_comments(scores, scores.varentropy)
    ),
    "smallest gap": lambda scores: max(scores.margin, default=0.0),  # one minus p1 - p2, from 0 to 1
    "mean gap": lambda scores: _mean(scores.margin),
    "length": lambda scores: len(scores.surprisal),
}


def read_signals(scores: TokenScores) -> dict[str, float]:
    """Return every signal of a program, by its name."""
    return {name: float(signal(scores)) for name, signal in SIGNALS.items()}
