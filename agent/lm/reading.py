"""Let a model read a text that is there already (teacher forcing): what each token surprises it. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.lm.base import Model, OffsetTokenizer, Scorer
from uncertainty.scores import log_probabilities

_AT_ONCE = 512  # tokens whose logits are held at once: 300 MiB of a usual vocabulary
_BEFORE = 1536  # tokens that are read again before those, at least, where the text is too long for one reading


class ReadToken(NamedTuple):
    """A token of a text."""

    start: int  # character at which it begins
    surprisal: float  # nats; 0 for the first token, which follows nothing


def read_surprisals(model: Model, text: str) -> Iterator[ReadToken]:
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
                yield ReadToken(starts[number], -float(log_probabilities(each)[token]))
