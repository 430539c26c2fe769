"""Let the model fill the holes of its own partial program: further completions, for the behavioural label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.program.holes import GAP, place_holes, put_fillings
from agent.program.syntax import PARSE_ERRORS
from agent.workflow.context import Context
from agent.workflow.fill import propose_fillings
from uncertainty.places import Span

_MOST_TOKENS = 64  # of one filling


def fill_partial(context: Context, source: str, spans: Sequence[Span], k: int) -> Iterator[str]:
    """Yield up to k programs: the best filling in each hole, then the second best in each, and so on.

    A hole with fewer fillings keeps its last one. Yields nothing without a hole, where `...` cannot stand in each hole,
    or where the model has no filling for one. spans: characters of the source, in order and disjoint.
    """
    plain, places = _write_gaps(source, spans)
    try:
        holes = place_holes(plain, places)
    except PARSE_ERRORS:
        return
    if not holes or len(holes) < len(spans):
        return
    own = replace(context, max_tokens=_MOST_TOKENS)
    filled = [propose_fillings(own, plain, hole, k).fillings for hole in holes]
    if not all(filled):
        return
    for rank in range(max(map(len, filled))):
        texts = (fillings[min(rank, len(fillings) - 1)].text for fillings in filled)
        yield put_fillings(plain, dict(zip(holes, texts, strict=True)))


def _write_gaps(source: str, spans: Sequence[Span]) -> tuple[str, list[int]]:
    """Return the source with `...` in place of these spans, and where each `...` begins."""
    text, places, at = "", list[int](), 0
    for start, end in spans:
        text += source[at:start]
        places.append(len(text))
        text, at = text + GAP, end
    return text + source[at:], places
