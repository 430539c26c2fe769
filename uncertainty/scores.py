"""Scores of one next-token distribution: logits in, one number out. Higher is always more uncertain.

Every score takes raw logits of any floating dtype, computes in at least float32 and accepts -inf entries.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Score = Callable[[Tensor], float]


def _log_probabilities(logits: Tensor) -> Tensor:
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return torch.log_softmax(wide, dim=-1)


def entropy(logits: Tensor) -> float:
    """Shannon entropy of the next token, in nats, from 0 to ln(vocab). logits: [vocab]."""
    # AdaDec, eq. 1 (arXiv:2506.08980). entr() is 0 at p = 0, where -p ln p would be NaN.
    return float(torch.special.entr(_log_probabilities(logits).exp()).sum())


def top_entropy(logits: Tensor, *, count: int = 20) -> float:
    """Entropy of the `count` likeliest tokens, renormalised, in nats, from 0 to ln(count). logits: [vocab]."""
    return entropy(logits.topk(min(count, logits.shape[-1])).values)


def margin_doubt(logits: Tensor) -> float:
    """One minus the gap between the two largest probabilities, from 0 (certain) to 1 (a tie). logits: [vocab]."""
    if logits.shape[-1] < 2:
        return 0.0
    first, second = _log_probabilities(logits).exp().topk(2).values.tolist()
    return float(1.0 - (first - second))


def least_probability(logits: Tensor) -> float:
    """One minus the largest probability, from 0 (certain) to 1 - 1/vocab. logits: [vocab]."""
    return 1.0 - float(_log_probabilities(logits).max().exp())


def collision_entropy(logits: Tensor) -> float:
    """Renyi entropy of order two, -ln(sum of p squared), in nats, from 0 to ln(vocab). logits: [vocab]."""
    # Portable form of USCD's gate on std(p) (arXiv:2409.05923): std means something else for each vocabulary size.
    return max(0.0, -float(torch.logsumexp(2 * _log_probabilities(logits), dim=-1)))


def varentropy(logits: Tensor) -> float:
    """Variance of the surprisal under the distribution itself, in nats squared, at least 0. logits: [vocab].

    Not monotone in doubt: it is 0 both where one token is certain and where all are alike. A signal, not a gate.
    """
    logp = _log_probabilities(logits)
    p = logp.exp()
    finite = torch.where(p > 0, logp, torch.zeros_like(logp))
    mean = (p * finite).sum()
    return float((p * (finite - mean) ** 2).sum())


def surprisal(logits: Tensor, token: int) -> float:
    """How unexpected `token` was: -ln p(token), in nats, at least 0, infinite where p is 0. logits: [vocab]."""
    return max(0.0, -float(_log_probabilities(logits)[token]))


SCORES: dict[str, Score] = {
    "entropy": entropy,
    "top-entropy": top_entropy,
    "margin": margin_doubt,
    "least-probability": least_probability,
    "collision": collision_entropy,
}
