"""Learn a pause threshold from the uncertainty of each distribution and the rank of its right token.

A token is *misranked* if its rank is above 1. A recipe is chosen by name. None is the default, because none is best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from uncertainty.calibration import auroc

_SEED = 42  # the paper's, to split and to balance
_GRID = np.arange(0.01, 1.0, 0.01)  # the paper's probabilities
_FOLDS = 5
_PRICE = 0.25  # a pause pays if one in four finds the right token behind the first
CURVE_SHARES = (0.01, 0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)  # pause rates
_WIDTH = 3  # ranks that a rerank can reach


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores of next-token distributions and the ranks of the right tokens, 1 being the argmax. All [tokens]."""

    scores: NDArray[np.float64]
    ranks: NDArray[np.int64]
    tasks: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))  # empty: each token is its own

    def __post_init__(self) -> None:
        lengths = {len(self.scores), len(self.ranks), len(self.tasks) or len(self.scores)}
        if len(lengths) > 1:
            raise ValueError(f"{len(self.scores)} scores, {len(self.ranks)} ranks and {len(self.tasks)} tasks came")
        if not len(self.scores):
            raise ValueError("there are no tokens to learn from")
        if not np.isfinite(self.scores).all():
            at = int(np.flatnonzero(~np.isfinite(self.scores))[0])
            raise ValueError(f"score {at} is {self.scores[at]}; wanted finite numbers")
        if (self.ranks < 1).any():
            at = int(np.flatnonzero(self.ranks < 1)[0])
            raise ValueError(f"rank {at} is {self.ranks[at]}; wanted whole numbers from 1, the argmax, on")

    @property
    def misranked(self) -> NDArray[np.bool_]:
        """Mark the right tokens that were not the argmax."""
        return self.ranks > 1

    def auroc(self) -> float:
        """Return how well the score separates misranked from other tokens, in [0, 1]; NaN where one kind is missing."""
        return auroc(self.scores[self.misranked].tolist(), self.scores[~self.misranked].tolist())


def adadec_threshold(data: Ranked) -> float:
    """Apply the paper's recipe (AdaDec, section 3.2, arXiv:2506.08980) and seeds; it gives the published thresholds.

    Fits a logistic regression of "the right token is first" on the score, on 80 % of the tokens, with the majority cut
    down to the minority. The threshold is the score of the probability with the highest accuracy on the other 20 %.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - heavy
    from sklearn.utils import resample  # noqa: PLC0415 - heavy

    _both_kinds(data)
    x, x_test, y, y_test = train_test_split(data.scores[:, None], ~data.misranked, test_size=0.2, random_state=_SEED)
    rare, common = sorted((x[y], x[~y]), key=len)
    if not len(rare) or not len(x_test):
        raise ValueError(f"{len(data.scores)} tokens are too few for the adadec recipe")
    balanced = resample(common, replace=False, n_samples=len(rare), random_state=_SEED)
    first_is_rare = len(x[y]) <= len(x[~y])
    fitted = LogisticRegression().fit(
        np.concatenate([balanced, rare]), np.repeat([not first_is_rare, first_is_rare], len(rare))
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope >= 0:
        raise ValueError("right tokens are not likelier where the score is lower, so no threshold follows from it")
    p = fitted.predict_proba(x_test)[:, 1]
    best = float(_GRID[np.argmax([((p >= each) == y_test).mean() for each in _GRID])])
    return (math.log(best / (1 - best)) - intercept) / slope


def youden_threshold(data: Ranked) -> float:
    """Maximise the share of misranked tokens caught minus the share of other tokens caught (Youden's J)."""
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - heavy

    _both_kinds(data)
    false, true, thresholds = roc_curve(data.misranked, data.scores)
    best = int(np.argmax(true - false))
    if best == 0:  # the first one is infinite
        raise ValueError("right tokens are not likelier where the score is lower, so no threshold follows from it")
    return float(thresholds[best])


def pause_rate_threshold(data: Ranked, share: float) -> float:
    """Return the smallest threshold that pauses at no more than this share; infinite where one pause is too many."""
    if not 0 <= share <= 1:
        raise ValueError(f"the budget is {share}; wanted a share of the tokens, from 0 to 1")
    falling = np.sort(data.scores)[::-1]
    most = math.floor(share * len(falling) + 1e-9)  # 0.29 * 100 rounds to 28.999..., and 29 is meant
    most -= most / len(falling) > share
    if most == len(falling):
        return float(falling[-1])
    above = falling[falling > falling[most]]
    return float(above[-1]) if len(above) else math.inf


def utility_threshold(data: Ranked, *, price: float = _PRICE, width: int = _WIDTH) -> float:
    """Return the median, over folds of tasks, of the threshold with the highest utility.

    A pause costs `price` and gains 1 where the right token has a rank from 2 to `width`, which a perfect rerank would
    mend. The threshold is infinite (never pause) where it gains nothing on the tasks that it was not chosen on.
    """
    tasks = data.tasks if len(data.tasks) else np.arange(len(data.scores))
    gains = ((data.ranks > 1) & (data.ranks <= width)) - price
    names, number = np.unique(tasks, return_inverse=True)
    if len(names) < 2:
        raise ValueError("one task cannot be left out of itself; give at least two")
    folds, thresholds, held_out = number % _FOLDS, [], 0.0
    for fold in range(min(_FOLDS, len(names))):
        inside = folds != fold
        threshold = _most_useful(data.scores[inside], gains[inside])
        thresholds.append(threshold)
        held_out += float(gains[~inside][data.scores[~inside] >= threshold].sum())
    return float(np.median(thresholds)) if held_out > 0 else math.inf


def _most_useful(scores: NDArray[np.float64], gains: NDArray[np.float64]) -> float:
    order = np.argsort(-scores, kind="stable")
    sums = np.cumsum(gains[order])
    last = np.append(scores[order][:-1] > scores[order][1:], True)  # equal scores pause together
    if not len(order) or sums[last].max() <= 0:
        return math.inf
    return float(scores[order][last][np.argmax(sums[last])])


def _both_kinds(data: Ranked) -> None:
    if not 0 < data.misranked.sum() < len(data.ranks):
        kind = "every" if data.misranked.all() else "no"
        raise ValueError(f"{kind} token is misranked, so nothing tells them apart; give more problems")


RECIPES: dict[str, Callable[[Ranked], float]] = {
    "adadec": adadec_threshold,
    "youden": youden_threshold,
    "expected": utility_threshold,
}


def find_recipe(name: str) -> Callable[[Ranked], float]:
    """Return a recipe: one of RECIPES, or budget=R. Raises ValueError with the choices."""
    kind, _, share = name.partition("=")
    if kind == "budget":
        try:
            pause_rate = float(share)
        except ValueError:
            raise ValueError(f"budget={share[:100]} came; wanted a share of the tokens, as in budget=0.05") from None
        if not 0 <= pause_rate <= 1:
            raise ValueError(f"budget={share[:100]} came; wanted a share of the tokens, as in budget=0.05")
        return lambda data: pause_rate_threshold(data, pause_rate)
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name[:100]!r}; choose from {', '.join([*RECIPES, 'budget=R'])}")
    return RECIPES[name]


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """The effect of one threshold. All but the threshold are shares, from 0 to 1."""

    threshold: float
    paused: float  # share of all tokens
    caught: float  # share of the misranked tokens; NaN where there are none
    reachable: float  # share of the misranked tokens that are caught and within a rerank's width


def threshold_point(data: Ranked, threshold: float, *, width: int = _WIDTH) -> ThresholdPoint:
    """Return the effect of this threshold on these tokens."""
    paused = data.scores >= threshold
    wrong = int(data.misranked.sum())
    caught, near = paused & data.misranked, paused & data.misranked & (data.ranks <= width)
    shares = (int(caught.sum()) / wrong, int(near.sum()) / wrong) if wrong else (math.nan, math.nan)
    return ThresholdPoint(threshold, float(paused.mean()), *shares)


def threshold_curve(data: Ranked, shares: Sequence[float] = CURVE_SHARES) -> list[ThresholdPoint]:
    """Return the effect of the threshold of each budget."""
    return [threshold_point(data, pause_rate_threshold(data, share)) for share in shares]
