"""Score a Python text under a model: read it, and choose the parts at which the model would have written another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.lm.base import Model
from agent.lm.reading import TextReader
from agent.program.span_choice import MOST_SPANS, ReadToken, check_python, choose_spans
from agent.program.spans import UncertainSpan


class SourceScorer:
    """Scores a Python text and its later versions under one model, each from the first token on that has changed.

    One for each file that is open; one model serves many. Its caller keeps threads apart.
    """

    def __init__(self, model: Model) -> None:
        """Raises InvalidRequestError for a model that cannot read a text at once."""
        self._reader = TextReader(model)

    @property
    def tokens(self) -> Sequence[ReadToken]:
        """The tokens of the latest text that were read so far, each with what the model expected there."""
        return self._reader.tokens

    def score(
        self, source: str, *, file: str = "", most: int = MOST_SPANS, stop: Callable[[], bool] = lambda: False
    ) -> tuple[UncertainSpan, ...] | None:
        """Return at most so many doubtful spans of a Python text, in its order; None where `stop` became true.

        file: its name, for the spans and for messages. stop: is asked before each forward, some seconds apart; what was
        read by then is not read again. Raises InvalidRequestError for a text that is not Python.
        """
        check_python(source, file)
        for _ in self._reader.read(source):
            if stop():
                return None
        return choose_spans(source, self._reader.tokens, file=file, most=most)


def score_source(model: Model, source: str, *, file: str = "", most: int = MOST_SPANS) -> tuple[UncertainSpan, ...]:
    """Return at most so many doubtful spans of a Python text, in its order.

    Raises InvalidRequestError for a text that is not Python, and for a model that cannot read a text at once.
    """
    return SourceScorer(model).score(source, file=file, most=most) or ()
