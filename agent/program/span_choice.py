"""Choose the few parts of a file at which a model would have written something else. Reads with no model."""

from __future__ import annotations

import ast
import math
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.program.source_tokens import SourceToken, list_line_starts, read_tokens
from agent.program.spans import Replacement, Severity, SpanKind, UncertainSpan
from agent.program.syntax import PARSE_ERRORS, read_module
from agent.program.wording import Wording, read_wording
from uncertainty.places import Places, Span

MOST_SPANS = 10  # of a file
_LEAST_ALTERNATIVE = 0.4  # probability of what the model would have written
_MOST_WRITTEN = 0.1  # probability of what stands there
_WARNING = 0.01  # from this probability down, what stands there is worth a warning
_LONGEST = 60  # characters of a span; a longer node stands for its own words only
_SHOWN = 3  # alternatives of a span
_BLANKS = re.compile(r"\s*")
_WORD_KINDS = (tokenize.NAME, tokenize.NUMBER, tokenize.OP)


class ReadToken(NamedTuple):
    """A token of a text that a model read."""

    start: int  # character at which it begins
    surprisal: float  # nats; 0 for the first token, which follows nothing
    expected: tuple[tuple[str, float], ...] = ()  # other tokens and their probabilities there, the likeliest first


class _Surprise(NamedTuple):
    """A place at which the model expected something else."""

    at: int  # character, behind the blanks with which the token may begin
    probability: float  # of what stands there
    others: tuple[Replacement, ...]  # of the text from here on


def choose_spans(
    source: str, tokens: Sequence[ReadToken], *, file: str = "", most: int = MOST_SPANS
) -> tuple[UncertainSpan, ...]:
    """Return at most so many spans of a Python text, in its order: those that surprised the model most.

    A span is a short syntax node, or a word of a longer one. tokens: of the whole text, as the model read them; of an
    unfinished reading, those so far. Raises InvalidRequestError for a text that is not Python.
    """
    tree = check_python(source, file)
    nodes = _ShortNodes(source, tree)
    places = dict[Span, list[_Surprise]]()
    for surprise in _find_surprises(source, tokens, read_wording(source), nodes.words):
        places.setdefault(nodes.find(surprise.at), []).append(surprise)
    spans = [_describe(file, source, *merged) for merged in _merge(places)]
    chosen = sorted(spans, key=lambda span: span.probability or 0.0)[:most]
    return tuple(sorted(chosen, key=lambda span: span.start))


def check_python(source: str, file: str = "") -> ast.Module:
    """Return the syntax tree of a text. Raises InvalidRequestError for one that is not Python.

    file: its name, for the message.
    """
    try:
        return read_module(source)
    except PARSE_ERRORS as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise InvalidRequestError(f"{file or 'the text'}{line}: this is no Python ({reason}); mend it first") from error


class _ShortNodes:
    """The expressions of a program that are short enough to be shown, and its words."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        places = Places(source)
        spans = {places.find(node) for node in _walk_expressions(tree)}
        short = [(start, end) for start, end in spans if end - start <= _LONGEST and "\n" not in source[start:end]]
        self._spans = sorted(short, key=lambda span: (span[0], -span[1]))
        self.words = [each for each in read_tokens(source, list_line_starts(source)) if each.kind in _WORD_KINDS]

    def find(self, at: int) -> Span:
        """Return the deepest short expression at a place; where there is none, the word there."""
        number = bisect_right(self._spans, (at, math.inf)) - 1
        while number >= 0 and self._spans[number][0] > at - _LONGEST:
            start, end = self._spans[number]
            if at < end:
                return start, end
            number -= 1
        word = self.words[bisect_right(self.words, at, key=lambda each: each.start) - 1]
        return (word.start, word.end) if word.start <= at < word.end else (at, at + 1)


def _walk_expressions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield expressions but the parts of an f-string, which Python 3.11 misplaces."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.arg | ast.keyword):
            yield child
        if not isinstance(child, ast.JoinedStr):
            yield from _walk_expressions(child)


def _find_surprises(
    source: str, tokens: Sequence[ReadToken], wording: Wording, words: Sequence[SourceToken]
) -> Iterator[_Surprise]:
    """Yield the places at which the model clearly preferred another token, and not only other words for the same."""
    starts = {word.start for word in words}
    for token, following in pairwise([*tokens, ReadToken(len(source), 0.0)]):
        written = math.exp(-token.surprisal)
        at = _skip_blanks(source, token.start)
        if written > _MOST_WRITTEN or at >= following.start or at not in starts or wording.is_prose(at):
            continue
        others = [(text, p) for text, p in token.expected if p > written and _is_other(source, token.start, text)]
        others = [(text, p) for text, p in others if not wording.is_reworded(token.start, text)]
        if others and others[0] == token.expected[0] and others[0][1] >= _LEAST_ALTERNATIVE:
            yield _Surprise(at, written, tuple(Replacement(text.lstrip(), p) for text, p in others))


def _is_other(source: str, at: int, text: str) -> bool:
    """Decide whether a token is another word than the one that stands at a place: no blanks, comment or text."""
    word = text.strip()
    return bool(word) and "\n" not in text and word[0] not in "#\"'" and not source.startswith(text, at)


def _skip_blanks(source: str, at: int) -> int:
    blanks = _BLANKS.match(source, at)
    return blanks.end() if blanks else at


def _merge(places: dict[Span, list[_Surprise]]) -> Iterator[tuple[Span, list[_Surprise]]]:
    """Yield the outermost spans, with all surprises inside."""
    outer, inside = (-1, -1), list[_Surprise]()
    for span, surprises in sorted(places.items(), key=lambda item: (item[0][0], -item[0][1])):
        if span[0] >= outer[1]:
            if inside:
                yield outer, inside
            outer, inside = span, []
        inside += surprises
    if inside:
        yield outer, inside


def _describe(file: str, source: str, span: Span, surprises: Sequence[_Surprise]) -> UncertainSpan:
    """Return the record of a span, by its most surprising place."""
    worst = min(surprises, key=lambda each: each.probability)
    others = tuple(Replacement(source[span[0] : worst.at] + each.text, each.probability) for each in worst.others)
    severity = Severity.WARNING if worst.probability <= _WARNING else Severity.INFO
    return UncertainSpan(file, *span, SpanKind.UNCERTAIN, severity, worst.probability, alternatives=others[:_SHOWN])
