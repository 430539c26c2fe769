"""Teacher forcing: canonical solutions read by a model, one forward each, and what it would have written instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from agent.errors import InvalidRequestError
from agent.lm.base import Model, OffsetTokenizer, Scorer
from benchmarks.base import Problem
from uncertainty import SCORES, varentropy
from uncertainty.scores import log_probabilities
from uncertainty.thresholds import Ranked

MEASURED = {**SCORES, "varentropy": varentropy}


@dataclass(frozen=True, slots=True)
class Read:
    """One solution, token by token: the scores before each token, by name, and the rank of each. All [tokens]."""

    task_id: str
    scores: Mapping[str, list[float]]
    ranks: list[int]  # 1: it is the argmax


def read(model: Model, problems: Iterable[Problem]) -> Iterator[Read]:
    """Yield what the model thinks of each solution that its context holds.

    Prompt and solution are encoded as one text; counted are the tokens that start in the solution (AdaDec, section 3.2,
    arXiv:2506.08980). Ties of logits rank the lower id first. Raises InvalidRequestError.
    """
    lm, tokenizer = model.lm, model.tokenizer
    if not (isinstance(lm, Scorer) and isinstance(tokenizer, OffsetTokenizer)):
        raise InvalidRequestError("teacher forcing needs the backend hf; choose a model of it")
    for problem in problems:
        ids, starts = tokenizer.encode_with_offsets(problem.reference_program)
        if lm.context is not None and len(ids) > lm.context:
            continue
        begun = next((at for at in range(1, len(ids)) if starts[at] >= len(problem.prompt)), len(ids))
        logits, tokens = lm.teacher_forced(ids[:begun], ids[begun:]), ids[begun:]
        logprobs = [log_probabilities(each) for each in logits]
        scores = {name: [score(each, normalised=True) for each in logprobs] for name, score in MEASURED.items()}
        yield Read(problem.task_id, scores, [_rank(each, token) for each, token in zip(logits, tokens, strict=True)])


def _rank(logits: Tensor, token: int) -> int:
    own = logits[token]
    return 1 + int((logits > own).sum()) + int((logits[:token] == own).sum())


def ranked(reads: Iterable[Read]) -> dict[str, Ranked]:
    """Return the tokens of all solutions together, once for each score. Raises InvalidRequestError."""
    found = list(reads)
    ranks = np.array([rank for each in found for rank in each.ranks], np.int64)
    if not len(ranks):
        raise InvalidRequestError("there are no tokens to learn from: no solution fits into this model's context")
    tasks = np.repeat(np.arange(len(found)), [len(each.ranks) for each in found])
    columns = {name: np.array([score for each in found for score in each.scores[name]]) for name in MEASURED}
    try:
        return {name: Ranked(scores, ranks, tasks) for name, scores in columns.items()}
    except ValueError as error:  # NaN logits, as from float16 that overflowed
        raise InvalidRequestError(f"this model's scores are no numbers ({error}); try another --dtype") from error
