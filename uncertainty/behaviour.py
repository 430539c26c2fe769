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


def least_error(counts: Sequence[int]) -> float:
    """Return a lower bound on how likely an independent draw from a model is wrong: 1 - sqrt(1 - I).

    counts: the draws in each cluster, of one prompt and one temperature. I is their incoherence, the probability that
    two draws behave differently (arXiv:2507.00057, its first bound): 1 - sum of squared shares, which is on average a
    little low for few draws. The bound holds if at most one cluster is right.
    """
    total = sum(counts)
    return 1.0 - math.sqrt(sum((count / total) ** 2 for count in counts)) if total else 0.0


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
