"""Measure how well stated probabilities hold, and learn curves that make them hold. Reads no model and no file."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_FOLDS = 5


class ReliabilityBin(NamedTuple):
    """The statements whose probability lies between two bounds."""

    low: float
    high: float
    stated: float  # mean probability
    right: float  # share that was right
    statements: int


class Reliability(NamedTuple):
    """A probability of being right: a linear form of the features, then a rising curve over the form's values."""

    weights: dict[str, float]  # one weight a feature
    intercept: float
    knots: list[float]  # values of the linear form, rising
    levels: list[float]  # the probability at each knot, rising


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the probability that a positive's number is above a negative's; ties count half. NaN where one is empty.

    Takes n log n steps, because callers read files of any length. No number may be NaN.
    """
    if not positive or not negative:
        return math.nan
    rising = sorted(negative)
    wins = sum(bisect_left(rising, p) + bisect_right(rising, p) for p in positive) / 2
    return wins / (len(positive) * len(negative))


def reliability_bins(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[ReliabilityBin]:
    """Sort the statements into bins of equal width; leave empty bins out. probabilities: in [0, 1]."""
    filled = []
    places = [min(int(probability * bins), bins - 1) for probability in probabilities]
    for place in sorted(set(places)):
        inside = [number for number, other in enumerate(places) if other == place]
        stated = sum(probabilities[number] for number in inside) / len(inside)
        share = sum(right[number] for number in inside) / len(inside)
        filled.append(ReliabilityBin(place / bins, (place + 1) / bins, stated, share, len(inside)))
    return filled


def ece(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error: how far stated probability and share right differ, in [0, 1].

    It is a mean over statements (Guo et al., arXiv:1706.04599, eq. 3). NaN for no statement.
    """
    if not probabilities:
        return math.nan
    filled = reliability_bins(probabilities, right, bins)
    return sum(each.statements * abs(each.stated - each.right) for each in filled) / len(probabilities)


def brier(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean squared distance of stated probabilities from 1 (right) or 0, in [0, 1]. NaN for none."""
    if not probabilities:
        return math.nan
    return sum((stated - was) ** 2 for stated, was in zip(probabilities, right, strict=True)) / len(probabilities)


def learn_weights(features: Sequence[Mapping[str, float]], right: Sequence[bool]) -> tuple[dict[str, float], float]:
    """Learn weights of the features and an intercept by logistic regression, with scikit-learn's own penalty.

    A feature that never varies gets weight 0. Raises ValueError where all or none are right.
    """
    names, matrix = _matrix(features)
    return _weights(names, matrix, _labels(right))


def learn_reliability(features: Sequence[Mapping[str, float]], right: Sequence[bool]) -> Reliability:
    """Learn to turn features into the probability of being right.

    The curve is a centred isotonic regression (Oron & Flournoy, doi:10.1080/19466315.2017.1286256). It is fitted to
    forms that were learned from other folds, so that it is not overconfident. Its levels stay a pseudo-count away from
    0 and 1. Raises ValueError where fewer than 5 are right or fewer than 5 are wrong.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - heavy; only learning needs it
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415 - heavy; only learning needs it

    names, matrix = _matrix(features)
    labels = _labels(right)
    if min(labels.sum(), len(labels) - labels.sum()) < _FOLDS:
        raise ValueError(
            f"{labels.sum()} of {len(labels)} are right; wanted at least {_FOLDS} of either kind; give more problems"
        )
    forms = np.empty(len(labels))
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(matrix, labels):
        weights, intercept = _weights(names, matrix[train], labels[train])
        forms[test] = matrix[test] @ [weights[name] for name in names] + intercept
    margin = 1.0 / (len(labels) + 2)
    curve = IsotonicRegression(y_min=margin, y_max=1.0 - margin, out_of_bounds="clip").fit(forms, labels)
    weights, intercept = _weights(names, matrix, labels)
    # Each level becomes one knot, at the mean of its forms, so that the curve rises between two knots.
    fitted = curve.predict(forms)
    levels = sorted(set(fitted.tolist()))
    knots = [float(forms[fitted == level].mean()) for level in levels]
    return Reliability(weights, intercept, knots, levels)


def _matrix(features: Sequence[Mapping[str, float]]) -> tuple[list[str], NDArray[np.float64]]:
    names = sorted({name for each in features for name in each})
    return names, np.array([[each.get(name, 0.0) for name in names] for each in features], dtype=float)


def _labels(right: Sequence[bool]) -> NDArray[np.int64]:
    labels = np.array(right, dtype=np.int64)
    if len(set(right)) < 2:
        raise ValueError(
            f"{labels.sum()} of {len(labels)} answers are right; wanted some that are right and some that are wrong to "
            "learn from; give more problems"
        )
    return labels


def _weights(
    names: list[str], matrix: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[dict[str, float], float]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy; only learning needs it

    mean, spread = matrix.mean(0), matrix.std(0)
    spread[spread == 0] = np.inf
    model = LogisticRegression(max_iter=1000).fit((matrix - mean) / spread, labels)
    weights = model.coef_[0] / spread
    return dict(zip(names, weights.tolist(), strict=True)), float(model.intercept_[0] - weights @ mean)
