"""Let a model read a text that is there already (teacher forcing): what each token surprises it, and what it expected.

Writes nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Protocol

import torch

from agent.errors import InvalidRequestError
from agent.files.changes import Change
from agent.lm.base import LM, Model, OffsetTokenizer, Prefix, Scorer
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

    def _read_on(self, ids: Sequence[int], starts: Sequence[int], at: int) -> Iterator[ReadToken]:
        """Yield the tokens from `at` on that go into one forward. The first of a text follows nothing."""
        if at == 0:
            yield ReadToken(starts[0], 0.0)
            return
        lm: _ReadingLM = self._model.lm  # type: ignore[assignment]  # checked above
        _, end = _find_window(at, self._window)
        tokens = ids[at : min(at + _AT_ONCE, end)]
        logprobs = log_probabilities(lm.score_on(self._read_up_to(at), tokens).logits)
        written = logprobs[torch.arange(len(tokens)), torch.tensor(tokens)].tolist()
        top = logprobs.topk(min(_EXPECTED, logprobs.shape[-1]))
        rows = zip(written, top.indices.tolist(), top.values.tolist(), strict=True)
        for number, (logprob, others, values) in enumerate(rows, start=at):
            likely = [pair for pair in zip(others, values, strict=True) if pair[1] >= _LEAST_LOGPROB]
            yield ReadToken(starts[number], -logprob, tuple(self._name_others(number, likely)))

    def _name_others(self, number: int, likely: Sequence[tuple[int, float]]) -> Iterator[tuple[str, float]]:
        """Yield the texts and probabilities of other tokens than the one that stands at a place. likely: logprobs."""
        others = [pair for pair in likely if pair[0] != self._ids[number]]
        if others:
            stream = self._model.tokenizer.stream(self._ids[max(0, number - _CONTEXT) : number])
            yield from ((stream.feed(token)[1], math.exp(logprob)) for token, logprob in others)

    def write_on(self, number: int, text: str, most: int, lm: LM) -> Iterator[str]:
        """Yield what the model writes in the place of a token and all behind it: `text`, then a token more each time.

        text: with which it begins. Each next token is the likeliest one. Stops after so many tokens, and where the
        model's context ends. lm: writes; it has the weights of the model that read.
        """
        tokenizer = self._model.tokenizer
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
        last = self.find_end(number, change, behind)
        stop = self._tokens[last].start if last < len(self._tokens) else len(source)
        start, prefix = self._tokens[number].start, self._read_up_to(number)
        text = source[start : change.start] + change.text + source[change.end : stop]
        tokens = self._model.tokenizer.encode(text, continues=True)[: (lm.context or _WINDOW) - len(prefix.ids)]
        logprobs = log_probabilities(lm.score_on(prefix, tokens).logits)
        changed = float(logprobs[torch.arange(len(tokens)), torch.tensor(tokens)].sum())
        return changed + sum(token.surprisal for token in self._tokens[number:last])

    def find_end(self, number: int, change: Change, behind: int) -> int:
        """Return the number of the first token that `weigh` leaves out."""
        following = bisect_left(self._tokens, change.end, key=lambda token: token.start)
        return min(max(following, number + 1) + behind, len(self._tokens))

    def digest(self, number: int) -> int:
        """Return a number that is the same for texts with the same tokens before this one."""
        return hash(tuple(self._ids[:number]))

    def _read_up_to(self, number: int) -> Prefix:
        begin, _ = _find_window(number, self._window)
        return self._model.lm.prefill(self._ids[begin:number])


def _find_window(at: int, size: int) -> tuple[int, int]:
    """Return the first token of the window in which a token is read, and the end of that window."""
    step = size - min(_BEFORE, size // 4)
    begin = max(0, -((size - 1 - at) // step)) * step
    return begin, begin + size
