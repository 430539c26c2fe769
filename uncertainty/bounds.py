"""Bounds on the risk of prediction sets, from the errors on a calibration set. Exact binomial tails; learns no model.

The risk is the probability that no completion of a new problem's partial program is right. All holds for problems that
are drawn independently from one population, and for a model, a policy and a grid of taus that were fixed before the
labels were seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def binomial_tail(errors: int, problems: int, risk: float) -> float:
    """Return the probability of at most so many errors on so many problems, each of which is one with this risk."""
    if errors >= problems:
        return 1.0
    if not 0.0 < risk < 1.0:
        return 1.0 if risk <= 0.0 else 0.0
    odds = math.log(risk) - math.log1p(-risk)
    log_term, terms = problems * math.log1p(-risk), list[float]()
    for number in range(errors + 1):
        terms.append(math.exp(log_term))
        log_term += odds + math.log((problems - number) / (number + 1))
    return min(1.0, math.fsum(terms))


def most_errors(problems: int, epsilon: float, delta: float) -> int | None:
    """Return k(n, epsilon, delta): the most errors on n problems with which the risk is at most epsilon.

    It holds with a probability of at least 1 - delta (PAC prediction sets, arXiv:2302.08703, section 3.4). None where
    even no error is not enough. Raises ValueError for an epsilon or delta outside of (0, 1).
    """
    _check(epsilon, delta)
    allowed = -1
    while allowed < problems and binomial_tail(allowed + 1, problems, epsilon) <= delta:
        allowed += 1
    return None if allowed < 0 else allowed


def least_problems(epsilon: float, delta: float) -> int:
    """Return the smallest calibration set with which a risk of epsilon can be shown: (1 - epsilon)^n is at most delta.

    Raises ValueError for an epsilon or delta outside of (0, 1).
    """
    _check(epsilon, delta)
    count = max(1, math.floor(math.log(delta) / math.log1p(-epsilon)))
    while binomial_tail(0, count, epsilon) > delta:
        count += 1
    return count


def last_rejected(errors: Iterable[int], problems: int, epsilon: float, delta: float) -> int | None:
    """Return the number of the last hypothesis that is rejected before the first that is not; None for none.

    errors: on the calibration set, of each setting, in an order that was fixed before; here from the largest tau down.
    Hypothesis i says that setting i has a risk above epsilon. All rejections are right with a probability of at least
    1 - delta, and the risk need not fall with tau (fixed-sequence testing; Learn then Test, arXiv:2110.01052,
    section 2.2). Raises ValueError for an epsilon or delta outside of (0, 1).
    """
    allowed, last = most_errors(problems, epsilon, delta), None
    for number, count in enumerate(errors):
        if allowed is None or count > allowed:
            break
        last = number
    return last


def _check(epsilon: float, delta: float) -> None:
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} is {value}, wanted a number between 0 and 1")
