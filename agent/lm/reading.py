"""Let a model read a text that is there already (teacher forcing): what each token surprises it, and what it expected.

Writes nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Protocol

from torch import Tensor

from agent.errors import InvalidRequestError
from agent.files.changes import Change
from agent.lm.base import LM, Model, OffsetTokenizer, Prefix, Scorer, Tokenizer
from agent.program.surprises import ReadToken
from uncertainty.scores import log_probabilities

_AT_ONCE = 256  # tokens of one forward, and whose logits are held at once: 150 MiB of a usual vocabulary
_EXPECTED = 4  # tokens that are kept of each distribution
_LEAST_LOGPROB = math.log(0.01)  # of an expected token
_CONTEXT = 8  # tokens before another one, with which its text is made
_WINDOW, _BEFORE = 8192, 1536  # tokens that are read in one piece, and how many of them the next piece begins with


class _ReadingLM(LM, Scorer, Protocol):
    """A model that reads texts."""


def read_through(model: Model, text: str) -> Iterator[ReadToken]:
    """Yield the tokens of a text, each given the text before it, or the last part of that.

    Raises InvalidRequestError for a model that cannot read a text at once, and ModelLoadError.
    """
    return TextReader(model).read(text)


class TextReader:
    """Reads a text and its later versions, and each of them only from the first token on that has changed.

    A token is read with less than _WINDOW tokens before it. The readings of one model follow each other; its caller
    keeps threads apart.
    """

    def __init__(self, model: Model) -> None:
        """Raises InvalidRequestError for a model that cannot read a text at once."""
        if not (isinstance(model.lm, Scorer) and isinstance(model.tokenizer, OffsetTokenizer)):
            raise InvalidRequestError("a text is read by the backend hf; choose a model of it")
        self._model = model
        self._window = min(_WINDOW, model.lm.context or _WINDOW)
        self._ids, self._tokens = list[int](), list[ReadToken]()

    @property
    def tokens(self) -> Sequence[ReadToken]:
        """The tokens of the latest text that were read so far."""
        return self._tokens

    def read(self, text: str) -> Iterator[ReadToken]:
        """Yield the tokens of a text, some hundred a forward; whoever stops earlier keeps what was read."""
        assert isinstance(self._model.tokenizer, OffsetTokenizer)
        ids, starts = self._model.tokenizer.encode_with_offsets(text)
        known = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._ids, ids, strict=False)))
        known = min(known, len(self._tokens))
        places = zip(self._tokens[:known], starts, strict=False)
        self._ids, self._tokens = ids, [token._replace(start=start) for token, start in places]
        yield from tuple(self._tokens)
        while (at := len(self._tokens)) < len(ids):
            tokens = list(self._read_on(ids, starts, at))
            self._tokens = [*self._tokens[:at], *tokens]
            yield from tokens

    def _read_on(self, ids: list[int], starts: list[int], at: int) -> Iterator[ReadToken]:
        """Yield the tokens from `at` on that go into one forward. The first of a text follows nothing."""
        if at == 0:
            yield ReadToken(starts[0], 0.0)
            return
        lm: _ReadingLM = self._model.lm  # type: ignore[assignment]  # checked above
        _, end = _find_window(at, self._window)
        tokens = ids[at : min(at + _AT_ONCE, end)]
        logits = lm.score_on(self._read_up_to(at), tokens).logits
        for number, (token, each) in enumerate(zip(tokens, logits, strict=True), start=at):
            logprobs = log_probabilities(each)
            before = ids[max(0, number - _CONTEXT) : number]
            others = tuple(_name_others(self._model.tokenizer, before, logprobs, token))
            yield ReadToken(starts[number], -float(logprobs[token]), others)

    def write_on(self, number: int, text: str, most: int) -> Iterator[str]:
        """Yield what the model writes in the place of a token and all behind it: `text`, then a token more each time.

        text: with which it begins. Each next token is the likeliest one. Stops after so many tokens, and where the
        model's context ends.
        """
        lm, tokenizer = self._model.lm, self._model.tokenizer
        prefix, tokens = self._read_up_to(number), tokenizer.encode(text, continues=True)
        stream, written = tokenizer.stream(prefix.ids[-_CONTEXT:]), ""
        for _ in range(most):
            for token in tokens:
                stream, piece = stream.feed(token)
                written += piece
            yield written
            if lm.context is not None and len(prefix.ids) + len(tokens) > lm.context:
                return
            prefix = lm.extend(prefix, tokens)
            tokens = [int(prefix.logits.argmax())]

    def weigh(self, source: str, number: int, change: Change, behind: int) -> float:
        """Return how much likelier the text becomes by a change, in nats, over the change and the tokens behind it.

        number: of the first token that changes. behind: so many tokens.
        """
        lm: _ReadingLM = self._model.lm  # type: ignore[assignment]  # checked above
        following = bisect_left(self._tokens, change.end, key=lambda token: token.start)
        last = min(max(following, number + 1) + behind, len(self._tokens))
        stop = self._tokens[last].start if last < len(self._tokens) else len(source)
        start, prefix = self._tokens[number].start, self._read_up_to(number)
        text = source[start : change.start] + change.text + source[change.end : stop]
        tokens = self._model.tokenizer.encode(text, continues=True)[: (lm.context or _WINDOW) - len(prefix.ids)]
        logits = lm.score_on(prefix, tokens).logits
        changed = sum(float(log_probabilities(each)[token]) for token, each in zip(tokens, logits, strict=True))
        return changed + sum(token.surprisal for token in self._tokens[number:last])

    def _read_up_to(self, number: int) -> Prefix:
        begin, _ = _find_window(number, self._window)
        return self._model.lm.prefill(self._ids[begin:number])


def _find_window(at: int, size: int) -> tuple[int, int]:
    """Return the first token of the window in which a token is read, and the end of that window."""
    step = size - min(_BEFORE, size // 4)
    begin = max(0, -((size - 1 - at) // step)) * step
    return begin, begin + size


def _name_others(
    tokenizer: Tokenizer, before: Sequence[int], logprobs: Tensor, token: int
) -> Iterator[tuple[str, float]]:
    """Yield the likeliest tokens but this one as text, with their probabilities. logprobs: [vocab]."""
    top = logprobs.topk(min(_EXPECTED, len(logprobs)))
    stream = tokenizer.stream(before)
    for other, logprob in zip(top.indices.tolist(), top.values.tolist(), strict=True):
        if other != token and logprob >= _LEAST_LOGPROB:
            yield stream.feed(other)[1], math.exp(logprob)
