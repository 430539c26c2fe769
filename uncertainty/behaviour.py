"""Measure how far programs agree in behaviour: entropies and bounds of the shares of clusters. Runs no program.

A cluster holds the programs with equal outputs on the same inputs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence


def functional_entropy(shares: Sequence[float]) -> float:
    """Return the entropy over clusters, in nats; 0 where all programs behave alike (arXiv:2605.28500).

    shares: of the clusters, at least 0; they need not sum to 1.
    """
    total = sum(shares)
    return -sum(share / total * math.log(share / total) for share in shares if share > 0) + 0.0


def error_of_mass(masses: Sequence[float]) -> float:
    """Return a lower bound on how likely a program sampled from the model is wrong, from the programs of a search.

    masses: for each cluster, the summed probabilities of its programs under the model. At most one cluster is right, so
    all but the largest are wrong; programs that the search did not reach may be right. It holds for samples at
    temperature 1. After a complete search it is never below 1 - sqrt(1 - I), the bound from how often samples disagree
    (arXiv:2507.00057), for I = 1 - sum of squared masses.
    """
    return max(0.0, sum(masses) - max(masses, default=0.0))


def information_gain(shares: Sequence[float], outputs: Sequence[Hashable]) -> float:
    """Return by how many nats the right output for an input would reduce the entropy over clusters, on average.

    shares: of the clusters. outputs: what each cluster returns for this input. H(cluster) - sum over outputs o of
    q_o H(cluster | o) (arXiv:2507.03279).
    """
    groups: dict[Hashable, list[float]] = {}
    for share, output in zip(shares, outputs, strict=True):
        groups.setdefault(output, []).append(share)
    left = sum(sum(group) * functional_entropy(group) for group in groups.values() if sum(group) > 0)
    total = sum(shares)
    return functional_entropy(shares) - left / total if total else 0.0
