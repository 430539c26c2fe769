"""Choose the few parts of a program at which a model would rather have written something else. Reads with no model."""

from __future__ import annotations

import ast
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.files.changes import Change
from agent.program.rewrites import Program
from agent.program.spans import Replacement, Severity, SpanKind, UncertainSpan
from uncertainty.places import Places, Span

MOST_SPANS = 10  # of a file
_WARNING = 0.0025  # up to this probability, what stands there is worth a warning: code is seldom wrong (docs/LOG.md)
_UNSURE = 0.05  # up to this probability it is worth a word
_LONGEST = 60  # characters of a span
_SHOWN, _LEAST = 3, 0.01  # alternatives of a span, and the least probability of one


class WeighedChange(NamedTuple):
    """A change that the model would make, and how much likelier it finds the program with it."""

    change: Change
    gain: float  # nats, over the changed code and what follows


def choose_spans(
    program: Program, changes: Iterable[WeighedChange], *, file: str = "", most: int = MOST_SPANS
) -> tuple[UncertainSpan, ...]:
    """Return at most so many spans of a program, in its order: those that the model finds least probable.

    A span is the smallest expression around a change, or its words. Its probability is that of the code that stands
    there, given that it or one of the changes there is right.
    """
    groups = _group(_ShortNodes(program), changes)
    spans = [_describe(file, program.source, span, inside) for span, inside in groups.items()]
    doubtful = sorted((span for span in spans if _is_doubtful(span)), key=lambda span: span.probability or 0.0)
    return tuple(sorted(doubtful[:most], key=lambda span: span.start))


def _is_doubtful(span: UncertainSpan) -> bool:
    return span.probability is not None and span.probability <= _UNSURE


class _ShortNodes:
    """The expressions of a program that are short enough to be shown, and its words."""

    def __init__(self, program: Program) -> None:
        source, places = program.source, Places(program.source)
        spans = {places.find(node) for node in _walk_expressions(program.tree)}
        short = [(start, end) for start, end in spans if end - start <= _LONGEST and "\n" not in source[start:end]]
        self._spans = sorted(short, key=lambda span: (span[0], -span[1]))
        self._words = program.words

    def find(self, change: Change) -> Span:
        """Return the smallest short expression around a change; where there is none, the words that it changes."""
        number = bisect_right(self._spans, (change.start, math.inf)) - 1
        around = list[Span]()
        while number >= 0 and self._spans[number][0] > change.start - _LONGEST:
            start, end = self._spans[number]
            if change.end <= end and change.start < end + (change.start == change.end):
                around.append((start, end))
            number -= 1
        return min(around, key=lambda span: span[1] - span[0], default=None) or self._find_words(change)

    def _find_words(self, change: Change) -> Span:
        """Return what a change replaces, or the word at an insertion."""
        if change.start < change.end:
            return change.start, change.end
        word = self._words[max(bisect_right(self._words, change.start, key=lambda word: word.start) - 1, 0)]
        return min(word.start, change.start), max(word.end, change.start)


def _walk_expressions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield expressions but the parts of an f-string, which Python 3.11 misplaces."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.arg | ast.keyword):
            yield child
        if not isinstance(child, ast.JoinedStr):
            yield from _walk_expressions(child)


def _group(nodes: _ShortNodes, changes: Iterable[WeighedChange]) -> dict[Span, list[WeighedChange]]:
    """Return the changes by spans that lie apart. One whose span reaches out of a likelier one's is left out."""
    groups = dict[Span, list[WeighedChange]]()
    for each in sorted(changes, key=lambda each: -each.gain):
        span = nodes.find(each.change)
        other = next((other for other in groups if span[0] < other[1] and other[0] < span[1]), span)
        if other[0] <= span[0] and span[1] <= other[1]:
            groups.setdefault(other, []).append(each)
    return groups


def _describe(file: str, source: str, span: Span, changes: Sequence[WeighedChange]) -> UncertainSpan:
    """Return the record of a span. The code as it stands and each way to change it share one probability of 1."""
    ways = {"": 0.0}  # nats that each way gains; "" for the code as it stands
    span = span[1] - len(source[slice(*span)].lstrip()), span[1]
    for (start, end, text), gain in changes:
        way = (source[span[0] : start] + text + source[end : span[1]]).lstrip()
        ways[way] = max(gain, ways.get(way, -math.inf))
    best = max(ways.values())
    total = sum(math.exp(gain - best) for gain in ways.values())
    shares = [Replacement(way, math.exp(gain - best) / total) for way, gain in ways.items()]
    likely = [share for share in shares[1:] if share.probability >= _LEAST]
    others = tuple(sorted(likely, key=lambda share: -share.probability)[:_SHOWN])
    severity = Severity.WARNING if shares[0].probability <= _WARNING else Severity.INFO
    return UncertainSpan(file, *span, SpanKind.UNCERTAIN, severity, shares[0].probability, alternatives=others)
