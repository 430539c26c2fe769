"""Score one next-token distribution: logits in, one number out. Higher is always more uncertain.

Every score takes raw logits of any floating dtype, computes in at least float32 and accepts -inf entries. A caller of
several scores normalises once and passes `normalised=True`. Logits that are no distribution (NaN or +inf somewhere,
-inf everywhere) have the score NaN, never one that looks certain.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Score(Protocol):
    """A score. normalised: the logits are log-probabilities already."""

    def __call__(self, logits: Tensor, *, normalised: bool = False) -> float:
        """Return the score. logits: [vocab]."""
        ...


def log_probabilities(logits: Tensor) -> Tensor:
    """Normalise raw logits of any floating dtype, in at least float32. [vocab]."""
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return torch.log_softmax(wide, dim=-1)


def entropy(logits: Tensor, *, normalised: bool = False) -> float:
    """Shannon entropy of the next token, in nats, from 0 to ln(vocab). logits: [vocab]."""
    # AdaDec, eq. 1 (arXiv:2506.08980). Clamped, because 0 * -inf is NaN.
    logp = logits if normalised else log_probabilities(logits)
    return _at_least_zero(-float(logp.exp() @ logp.clamp(min=torch.finfo(logp.dtype).min)))


def top_entropy(logits: Tensor, *, count: int = 20, normalised: bool = False) -> float:
    """Entropy of the `count` likeliest tokens, renormalised, in nats, from 0 to ln(count). logits: [vocab]."""
    return entropy(logits.topk(min(count, logits.shape[-1])).values)


def margin_doubt(logits: Tensor, *, normalised: bool = False) -> float:
    """One minus the gap between the two largest probabilities, from 0 (certain) to 1 (a tie). logits: [vocab]."""
    logp = logits if normalised else log_probabilities(logits)
    first, *others = logp.topk(min(2, logp.shape[-1])).values.exp().tolist()
    return float(1.0 - (first - sum(others)))


def least_probability(logits: Tensor, *, normalised: bool = False) -> float:
    """One minus the largest probability, from 0 (certain) to 1 - 1/vocab. logits: [vocab]."""
    logp = logits if normalised else log_probabilities(logits)
    return 1.0 - float(logp.max().exp())


def collision_entropy(logits: Tensor, *, normalised: bool = False) -> float:
    """Renyi entropy of order two, -ln(sum of p squared), in nats, from 0 to ln(vocab). logits: [vocab]."""
    # Portable form of USCD's gate on std(p) (arXiv:2409.05923): std means something else for each vocabulary size.
    logp = logits if normalised else log_probabilities(logits)
    return _at_least_zero(-float(torch.logsumexp(2 * logp, dim=-1)))


def varentropy(logits: Tensor, *, normalised: bool = False) -> float:
    """Variance of the surprisal under the distribution itself, in nats squared, at least 0. logits: [vocab].

    Not monotone in doubt: it is 0 both where one token is certain and where all are alike. A signal, not a gate.
    """
    logp = logits if normalised else log_probabilities(logits)
    p = logp.exp()
    finite = torch.where(p > 0, logp, torch.zeros_like(logp))
    mean = (p * finite).sum()
    return float((p * (finite - mean) ** 2).sum())


def collision_of_deviation(deviation: float, vocab: int) -> float:
    """Return the collision entropy, in nats, at which the standard deviation of the probabilities is `deviation`.

    USCD's released code contrasts unless std(p) > deviation: exactly where the collision entropy is at least this. The
    result is negative where no distribution over so many tokens deviates so much; then every token is contrasted.
    """
    return -math.log(deviation**2 * (vocab - 1) + 1 / vocab)


def surprisal(logits: Tensor, token: int) -> float:
    """Return how unexpected `token` was: -ln p(token), in nats, at least 0, infinite where p is 0. logits: [vocab]."""
    return _at_least_zero(-float(log_probabilities(logits)[token]))


class Summary(NamedTuple):
    """What a decoding step mostly needs of a distribution."""

    token: int  # the likeliest; of equals the one with the lowest id
    logprob: float  # of this token, in nats
    entropy: float  # as `entropy` gives it
    margin: float  # as `margin_doubt` gives it


def summarise_logits(logits: Tensor) -> list[Summary]:
    """Summarise many distributions at once, which on a GPU takes hardly longer than one. logits: [rows, vocab]."""
    return read_summaries(compute_summaries(logits))


def compute_summaries(logits: Tensor) -> Tensor:
    """Return summaries as numbers on the device of the logits, for `read_summaries`. [rows, vocab] gives [rows, 4]."""
    logp = log_probabilities(logits)
    token = logits.argmax(-1)
    first = logp.gather(-1, token[:, None])[:, 0]
    entropies = -(logp.exp() * logp.clamp(min=torch.finfo(logp.dtype).min)).sum(-1)
    second = logp.scatter(-1, token[:, None], -torch.inf).amax(-1)
    margins = 1 - (first.exp() - second.exp())
    return torch.stack([token.double(), first.double(), entropies.double(), margins.double()], dim=-1)


def read_summaries(numbers: Tensor) -> list[Summary]:
    """Return what `compute_summaries` computed. numbers: [rows, 4]."""
    return [
        Summary(int(token), logprob, _at_least_zero(entropy), margin)
        for token, logprob, entropy, margin in numbers.tolist()
    ]


def _at_least_zero(number: float) -> float:
    return max(number, 0.0)  # keeps NaN: max(0.0, NaN) would be 0.0


SCORES: dict[str, Score] = {
    "entropy": entropy,
    "top-entropy": top_entropy,
    "margin": margin_doubt,
    "least-probability": least_probability,
    "collision": collision_entropy,
}
