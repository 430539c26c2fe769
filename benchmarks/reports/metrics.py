"""Numbers over outcomes: pass@k, intervals, paired tests. Reads no file."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple


class Interval(NamedTuple):
    """A share and the bounds of its 95 % interval."""

    share: float
    low: float
    high: float


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """Return the probability that one of k samples passes; unbiased (Chen et al., arXiv:2107.03374)."""
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


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p of McNemar's test on the problems where two runs differ."""
    differing, fewer = gained + lost, min(gained, lost)
    ways = tail = 1  # whole numbers: a float ends at 1,023 problems
    for i in range(fewer):
        ways = ways * (differing - i) // (i + 1)
        tail += ways
    return float(min(Fraction(1), Fraction(2 * tail, 2**differing)))
