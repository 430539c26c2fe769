"""Numbers over outcomes: pass@k, intervals, paired tests. Reads no file; chance has a fixed seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000  # of a bootstrap
SEED = 0


class Interval(NamedTuple):
    """A share, or another mean, and the bounds of its 95 % interval."""

    share: float
    low: float
    high: float


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """Return the probability that one of k samples passes; unbiased (Chen et al., arXiv:2107.03374, eq. 1)."""
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(
            f"samples {samples}, passed {passed}, k {k} came; wanted 0 <= passed <= samples, 1 <= k <= samples"
        )
    return 1.0 - math.comb(samples - passed, k) / math.comb(samples, k)


def wilson(passed: int, total: int) -> Interval:
    """Return the share passed with Wilson's 95 % interval; all of [0, 1] if nothing was counted."""
    if total == 0:
        return Interval(math.nan, 0.0, 1.0)
    z, share = 1.959964, passed / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def bootstrap_mean(values: Sequence[float]) -> Interval:
    """Return the mean of values, one a problem, with its percentile interval over resampled problems."""
    if not values:
        return Interval(math.nan, math.nan, math.nan)
    means = _resample(len(values)) @ np.asarray(values, dtype=np.float64) / len(values)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(math.fsum(values) / len(values), float(low), float(high))


@cache
def _resample(problems: int) -> NDArray[np.int64]:
    """Return how often each resample takes each problem, the same for every measure.  # [resamples, problems]"""
    return np.random.default_rng(SEED).multinomial(problems, np.full(problems, 1 / problems), size=RESAMPLES)


def bootstrap_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of a mean difference, one a problem, by a paired bootstrap; 1 where none differs."""
    if not any(differences):
        return 1.0
    chance = random.Random(SEED)
    sums = [sum(chance.choices(differences, k=len(differences))) for _ in range(RESAMPLES)]
    # A resample without any difference counts on both sides, so which run comes first changes nothing.
    below, above = (sum(each) / RESAMPLES for each in ((t <= 0 for t in sums), (t >= 0 for t in sums)))
    return min(1.0, 2 * max(min(below, above), 1 / RESAMPLES))


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p of McNemar's test on the problems where two runs differ."""
    differing, fewer = gained + lost, min(gained, lost)
    ways = tail = 1  # whole numbers: a float ends at 1,023 problems
    for i in range(fewer):
        ways = ways * (differing - i) // (i + 1)
        tail += ways
    return float(min(Fraction(1), Fraction(2 * tail, 2**differing)))


def bootstrap_auroc(values: Sequence[float], wrong: Sequence[bool]) -> Interval:
    """Return the probability that a wrong program's value is above a right one's, with its percentile interval.

    Ties count half; right and wrong programs are resampled together. All NaN where either are missing.
    """
    array, is_wrong = np.asarray(values, dtype=np.float64), np.asarray(wrong, dtype=bool)
    if is_wrong.all() or not is_wrong.any():
        return Interval(math.nan, math.nan, math.nan)
    above = np.subtract.outer(array[is_wrong], array[~is_wrong])
    wins = (np.sign(above) + 1) / 2  # [wrong, right]
    times = _resample(len(values)).astype(np.float64)
    of_wrong, of_right = times[:, is_wrong], times[:, ~is_wrong]
    pairs = of_wrong.sum(1) * of_right.sum(1)
    shares = ((of_wrong @ wins) * of_right).sum(1)[pairs > 0] / pairs[pairs > 0]
    low, high = np.quantile(shares, (0.025, 0.975))
    return Interval(float(wins.mean()), float(low), float(high))
