"""Let a model read a text that is there already (teacher forcing): what each token surprises it, and what it expected.

Writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from agent.errors import InvalidRequestError
from agent.lm.base import Model, OffsetTokenizer, Scorer, Tokenizer
from uncertainty.scores import log_probabilities

_AT_ONCE = 512  # tokens whose logits are held at once: 300 MiB of a usual vocabulary
_EXPECTED = 4  # tokens that are kept of each distribution
_LEAST_LOGPROB = math.log(0.01)  # of an expected token
_CONTEXT = 8  # tokens before another one, with which its text is made
_BEFORE = 1536  # tokens that are read again before those, at least, where the text is too long for one reading


class ReadToken(NamedTuple):
    """A token of a text."""

    start: int  # character at which it begins
    surprisal: float  # nats; 0 for the first token, which follows nothing
    expected: tuple[tuple[str, float], ...] = ()  # other tokens and their probabilities there, the likeliest first


def read_through(model: Model, text: str) -> Iterator[ReadToken]:
    """Yield the tokens of a text, each given the text before it, or the last part of that.

    Raises InvalidRequestError for a model that cannot read a text at once, and ModelLoadError.
    """
    if not (isinstance(model.lm, Scorer) and isinstance(model.tokenizer, OffsetTokenizer)):
        raise InvalidRequestError("a text is read by the backend hf; choose a model of it")
    ids, starts = model.tokenizer.encode_with_offsets(text)
    window = min(_BEFORE + _AT_ONCE, model.lm.context or _BEFORE + _AT_ONCE)
    for first in range(0, len(ids), _AT_ONCE):
        tokens = ids[max(first, 1) : first + _AT_ONCE]
        if first == 0:
            yield ReadToken(starts[0], 0.0)
        if tokens:
            at = max(first, 1)
            before = ids[max(0, at + len(tokens) - window) : at]
            logits = model.lm.score_tokens(before, tokens)
            for number, (token, each) in enumerate(zip(tokens, logits, strict=True), start=at):
                logprobs = log_probabilities(each)
                others = tuple(_name_others(model.tokenizer, ids[max(0, number - _CONTEXT) : number], logprobs, token))
                yield ReadToken(starts[number], -float(logprobs[token]), others)


def _name_others(
    tokenizer: Tokenizer, before: Sequence[int], logprobs: Tensor, token: int
) -> Iterator[tuple[str, float]]:
    """Yield the likeliest tokens but this one as text, with their probabilities. logprobs: [vocab]."""
    top = logprobs.topk(min(_EXPECTED, len(logprobs)))
    stream = tokenizer.stream(before)
    for other, logprob in zip(top.indices.tolist(), top.values.tolist(), strict=True):
        if other != token and logprob >= _LEAST_LOGPROB:
            yield stream.feed(other)[1], math.exp(logprob)
