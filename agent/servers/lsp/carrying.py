"""Find out what a change of a text leaves as it was, so that what was said of it stays true. Reads no Python."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from agent.program.spans import UncertainSpan


class TextChange(NamedTuple):
    """The characters of a text that differ from those of a later one."""

    start: int  # in both
    old_end: int
    new_end: int

    def find_new(self, offset: int) -> int | None:
        """Return where a character of the old text stands in the new one; None for one that was changed."""
        if offset < self.start:
            return offset
        return offset + self.new_end - self.old_end if offset >= self.old_end else None

    def find_old(self, offset: int) -> int | None:
        """Return where a character of the new text stood in the old one; None for one that was changed."""
        return TextChange(self.start, self.new_end, self.old_end).find_new(offset)


def compare_texts(old: str, new: str) -> TextChange:
    """Return the shortest part of two texts in which all that differs lies."""
    shortest = min(len(old), len(new))
    start = _count_common(shortest, lambda count: old[:count] == new[:count])
    rest = shortest - start
    end = _count_common(rest, lambda count: old[len(old) - count :] == new[len(new) - count :])
    return TextChange(start, len(old) - end, len(new) - end)


def carry_spans(spans: Iterable[UncertainSpan], change: TextChange) -> tuple[UncertainSpan, ...]:
    """Return the spans of an old text that a change does not touch, at their places in the new text."""
    shift = change.new_end - change.old_end
    carried = list[UncertainSpan]()
    for span in spans:
        if span.end < change.start:
            carried.append(span)
        elif span.start > change.old_end:
            carried.append(replace(span, start=span.start + shift, end=span.end + shift))
    return tuple(carried)


def _count_common(most: int, is_common: Callable[[int], bool]) -> int:
    """Return the largest count of characters, at most so many, that two texts share."""
    return bisect_left(range(1, most + 1), x=True, key=lambda count: not is_common(count))
