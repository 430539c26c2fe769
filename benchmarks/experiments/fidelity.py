"""How near one model comes to another while both read canonical solutions: two precisions of the same weights, say.

Judges neither model by what it writes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.errors import InvalidRequestError
from agent.lm.base import Model
from agent.views.report import Report
from agent.views.text import format_code
from benchmarks.base import Problem
from benchmarks.experiments.teacher_forcing import encode_solution, open_scorer
from uncertainty.scores import entropy, log_probabilities

_MOST_SHOWN = 10  # texts of tokens at which the models part


@dataclass(frozen=True, slots=True)
class ComparedSolution:
    """The distances of two models over the tokens of one solution."""

    task_id: str
    tokens: int
    surprisal: float  # of the solution for the first model, in nats
    other_surprisal: float
    kl: float  # from the other model's distributions to the first one's, summed over the tokens, in nats
    entropy_moved: float  # absolute differences, summed over the tokens, in nats
    parted: list[str]  # texts of the tokens at which the first choices differ


def compare_models(model: Model, other: Model, problems: Iterable[Problem]) -> Iterator[ComparedSolution]:
    """Yield the distances over each solution that fits into both contexts. Raises InvalidRequestError."""
    lm, other_lm = open_scorer(model), open_scorer(other)
    room = min((each.context for each in (lm, other_lm) if each.context is not None), default=None)
    for problem in problems:
        prompt, tokens = encode_solution(model, problem)
        if (prompt, tokens) != encode_solution(other, problem):
            raise InvalidRequestError(
                f"{model.name} and {other.name} have different tokens for {problem.task_id}; compare models that share "
                "a tokenizer and a prompt style"
            )
        if room is None or len(prompt) + len(tokens) <= room:
            logits = (each.score_tokens(prompt, tokens) for each in (lm, other_lm))
            first, second = (torch.stack([log_probabilities(row) for row in rows]) for rows in logits)
            parted = [_text(model, prompt, tokens, at) for at in _find_partings(first, second)]
            yield _compare(problem.task_id, torch.tensor(tokens), first, second, parted)


def _compare(task_id: str, tokens: Tensor, first: Tensor, second: Tensor, parted: list[str]) -> ComparedSolution:
    """first, second: logprobs, [tokens, vocab]."""
    own, other_own = (-float(each.gather(1, tokens[:, None]).sum()) for each in (first, second))
    # Entries that are -inf in both are equal; subtracting them would give NaN.
    kl = float((second.exp() * (second - first).masked_fill(first == second, 0.0)).sum())
    moved = sum(
        abs(entropy(one, normalised=True) - entropy(two, normalised=True))
        for one, two in zip(first, second, strict=True)
    )
    return ComparedSolution(task_id, len(tokens), own, other_own, kl, moved, parted)


def _find_partings(first: Tensor, second: Tensor) -> list[int]:
    """Return the positions at which the second's first choice is not among the first's: bf16 rounds into ties."""
    chosen = first.gather(1, second.argmax(1, keepdim=True))[:, 0]
    return torch.nonzero(chosen < first.amax(1))[:, 0].tolist()


def _text(model: Model, prompt: Sequence[int], tokens: Sequence[int], at: int) -> str:
    stream, text = model.tokenizer.stream(prompt), ""
    for token in tokens[: at + 1]:
        stream, text = stream.feed(token)
    return text


def report_fidelity(solutions: Sequence[ComparedSolution], names: tuple[str, str]) -> Report:
    """Report perplexities, the mean KL, and where the first choices part. names: of the two models."""
    tokens = sum(each.tokens for each in solutions)
    if not tokens:
        raise InvalidRequestError("there is no solution to read: none fits into the model's context")
    parted = Counter(text for each in solutions for text in each.parted)
    surprisals = [sum(each.surprisal for each in solutions), sum(each.other_surprisal for each in solutions)]
    perplexities = [math.exp(each / tokens) for each in surprisals]
    kl, moved = (sum(getattr(each, name) for each in solutions) / tokens for name in ("kl", "entropy_moved"))
    record = {
        "models": list(names),
        "solutions": len(solutions),
        "tokens": tokens,
        "perplexity": perplexities,
        "kl": kl,
        "entropy_moved": moved,
        "parted": parted.total(),
        "parted_at": dict(parted.most_common()),
    }  # fmt: skip
    rows = {
        "solutions, tokens": f"{len(solutions)}, {tokens}",
        f"perplexity of {names[0]}": f"{perplexities[0]:.4f}",
        f"perplexity of {names[1]}": f"{perplexities[1]:.4f}",
        "mean KL, nats": f"{kl:.2e}",
        "entropy moves by, nats": f"{moved:.4f}",
        "first choices part at": f"{parted.total()} tokens, {parted.total() / tokens:.2%}",
        "most often at": "  ".join(f"{format_code(text)} {n}" for text, n in parted.most_common(_MOST_SHOWN)) or "-",
    }
    return Report(record, "\n".join(f"{name:<46}{value}" for name, value in rows.items()))
