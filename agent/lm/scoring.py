"""Score a Python program under a model: read it, and weigh what the model would rather have written against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from agent.files.changes import Change
from agent.lm.base import LM, Model
from agent.lm.reading import TextReader
from agent.lm.scheduler import run_together
from agent.program.rewrites import Program, ends_line, fit_rewrite
from agent.program.span_choice import MOST_SPANS, WeighedChange, choose_spans
from agent.program.spans import UncertainSpan
from agent.program.surprises import ReadToken, Surprise, check_python, find_surprises

_WEIGHED = 2  # places that are weighed, for each span that is wanted
_LENGTH = 8  # tokens in which a continuation must come back to the code
_BEHIND = 24  # tokens behind a change, by which it is weighed
_MOST_KEPT = 1000  # continuations of earlier versions
_TOGETHER = 8  # places at which the model writes on side by side; each holds a copy of the model's cache


class SourceScorer:
    """Scores a program and its later versions under one model, each from the first token on that has changed.

    One for each file that is open; one model serves many. Its caller keeps threads apart.
    """

    def __init__(self, model: Model) -> None:
        """Raises InvalidRequestError for a model that cannot read a text at once."""
        self._model = model
        self._reader = TextReader(model)
        self._written = dict[Any, tuple[str, ...]]()  # what the model wrote in the place of tokens, in earlier versions
        self._gains = dict[Any, float]()  # of changes that were weighed

    @property
    def tokens(self) -> Sequence[ReadToken]:
        """The tokens of the latest program that were read so far, each with what the model expected there."""
        return self._reader.tokens

    def score(
        self, source: str, *, file: str = "", most: int = MOST_SPANS, stop: Callable[[], bool] = lambda: False
    ) -> tuple[UncertainSpan, ...] | None:
        """Return at most so many doubtful spans of a program, in its order; None where `stop` became true.

        file: its name, for the spans and for messages. stop: is asked before each forward; what was read by then is not
        read again. Raises InvalidRequestError for a text that is not Python.
        """
        tree, changes = check_python(source, file), list[WeighedChange]()
        if len(self._written) > _MOST_KEPT:
            self._written, self._gains = {}, {}
        for _ in self._reader.read(source):
            if stop():
                return None
        program = Program.read(source, tree)
        surprises = sorted(find_surprises(source, tree, self.tokens), key=lambda each: -each.ratio)
        places = surprises[: _WEIGHED * most]
        try:
            for first in range(0, len(places), _TOGETHER):
                for surprise, change in self._write_changes(program, places[first : first + _TOGETHER], stop):
                    changes.append(self._weigh(program, surprise, change, stop))
        except _Stopped:
            return None
        return choose_spans(program, changes, file=file, most=most)

    def _weigh(self, program: Program, surprise: Surprise, change: Change, stop: Callable[[], bool]) -> WeighedChange:
        """Weigh a change against what stands there. Raises _Stopped."""
        number = surprise.number
        key = self._reader.digest(self._reader.find_end(number, change, _BEHIND)), change
        if key not in self._gains:
            _go_on(stop)
            self._gains[key] = self._reader.weigh(program.source, number, change, _BEHIND)
        return WeighedChange(change, self._gains[key])

    def _write_changes(
        self, program: Program, places: Sequence[Surprise], stop: Callable[[], bool]
    ) -> Iterator[tuple[Surprise, Change]]:
        """Yield each place, in order, at which the model would make a change, and the change. Raises _Stopped."""
        tasks = [partial(self._write_change, program, place) for place in places]
        changes = run_together(self._model.lm, tasks, before=partial(_go_on, stop))
        for place, change in zip(places, changes, strict=True):
            if change is not None:
                yield place, change

    def _write_change(self, program: Program, surprise: Surprise, lm: LM) -> Change | None:
        """Let the model go on from a place with the token that it expected; return the change that this makes."""
        key = self._reader.digest(surprise.number), surprise.text
        known = self._written.get(key, ())
        unknown = islice(self._reader.write_on(surprise.number, surprise.text, _LENGTH, lm), len(known), None)
        for count, text in enumerate(chain(known, unknown if len(known) < _LENGTH else ()), start=1):
            if count > len(known):
                known = self._written[key] = (*known, text)
            change = fit_rewrite(program, surprise.start, text)
            if change is not None or ends_line(text):
                return change
        return None


class _Stopped(Exception):  # noqa: N818 - it is no error
    """Whoever asked for the spans wants them no longer."""


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise _Stopped


def score_source(model: Model, source: str, *, file: str = "", most: int = MOST_SPANS) -> tuple[UncertainSpan, ...]:
    """Return at most so many doubtful spans of a program, in its order.

    Raises InvalidRequestError for a text that is not Python, and for a model that cannot read a text at once.
    """
    return SourceScorer(model).score(source, file=file, most=most) or ()
