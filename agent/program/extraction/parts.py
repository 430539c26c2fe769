"""The record of a program in a model's text: spans of the text, and source that comes from the prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Characters of the generated text, from `start` up to `end`."""

    start: int
    end: int


SourcePart = str | Span  # source from the prompt, or a span of the generated text


def join_parts(text: str, parts: Iterable[SourcePart]) -> str:
    """Return the parts as one text. The spans are of `text`."""
    return "".join(part if isinstance(part, str) else text[part.start : part.end] for part in parts)


def leave_out(parts: Iterable[SourcePart], cuts: Sequence[tuple[int, int]]) -> Iterator[SourcePart]:
    """Yield the parts without these spans of the text that they make. The spans are in order and apart."""
    at = number = 0
    for part in parts:
        begin, end = at, at + (len(part) if isinstance(part, str) else part.end - part.start)
        start = begin
        while number < len(cuts) and cuts[number][0] < end:
            cut_start, cut_end = cuts[number]
            if start < cut_start:
                yield _slice(part, start - begin, cut_start - begin)
            start = max(start, min(cut_end, end))
            if cut_end > end:
                break
            number += 1
        if start < end:
            yield _slice(part, start - begin, end - begin)
        at = end


def _slice(part: SourcePart, start: int, end: int) -> SourcePart:
    return part[start:end] if isinstance(part, str) else Span(part.start + start, part.start + end)


class ExtractedProgram(NamedTuple):
    """A program, made of parts."""

    parts: tuple[SourcePart, ...]

    def source(self, text: str) -> str:
        """Return the program's source. text: the generated text."""
        return join_parts(text, self.parts)

    def behind(self, opening: str) -> ExtractedProgram:
        """Return the same program, with spans of the text that stands behind a beginning of the present one."""
        length, parts = len(opening), list[SourcePart]()
        for part in self.parts:
            if isinstance(part, str) or not opening:
                parts.append(part)
                continue
            if part.start < length:
                parts.append(opening[part.start : part.end])
            if part.end > length:
                parts.append(Span(max(part.start - length, 0), part.end - length))
        return ExtractedProgram(tuple(parts))

    @property
    def end(self) -> int:
        """The offset in the generated text at which the program ends; 0 if no part of it was generated."""
        return max((part.end for part in self.parts if isinstance(part, Span)), default=0)

    def offsets(self, starts: Sequence[int], length: int) -> list[int | None]:
        """Return where in the program each token begins; None for a token without a character in the program.

        starts: where in the generated text each token begins, never falling; length: of the generated text.
        """
        spans, number, offsets = self._spans(), 0, list[int | None]()
        for start, end in zip(starts, [*starts[1:], length][: len(starts)], strict=True):
            while number < len(spans) and spans[number][0].end <= start:
                number += 1
            span, offset = spans[number] if number < len(spans) else (Span(length, length), 0)
            begin = max(start, span.start)
            offsets.append(offset + begin - span.start if begin < min(end, span.end) else None)
        return offsets

    def _spans(self) -> list[tuple[Span, int]]:
        """Return the spans in the order of the generated text, each with its offset in the program."""
        at, spans = 0, list[tuple[Span, int]]()
        for part in self.parts:
            if isinstance(part, Span):
                spans.append((part, at))
                at += part.end - part.start
            else:
                at += len(part)
        return sorted(span for span in spans if span[0].end > span[0].start)
