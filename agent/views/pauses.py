"""Say in one line what a pause decided: which candidate won over which, and by what."""

from __future__ import annotations

import math

from agent.decoding.step import Candidate, Pause
from agent.views.numbers import format_probability
from agent.views.text import format_code

_SHOWN = 24  # characters of a candidate
_SCORES = {"rerank": "lookahead", "contrast": "contrast"}  # what a resolver's scores are called


def describe_pause(pause: Pause, line: int, written: str = "") -> str:
    """Return a pause as one line, as in `12 │ n-1 over n (lookahead -0.31, -0.84)`.

    line: of what is being written, from 1. written: the text of the token that was taken. The loser is the candidate
    that came nearest by what the resolver ranks by.
    """
    chosen = next((each for each in pause.candidates if each.token == pause.chosen), None)
    others = [each for each in pause.candidates if each is not chosen]
    head = f"{line:>3} │ "
    if chosen is None:
        taken = format_code(written, _SHOWN) or "another token"
        return f"{head}{taken}, none of {', '.join(_show(each) for each in others)} ({pause.reason})"
    if not others:
        return f"{head}{_show(chosen)} ({pause.reason})"
    if pause.resolver not in _SCORES:
        rival = others[0]
        by = f"probability {_probability(chosen)}, {_probability(rival)}"
    else:
        rival = max(others, key=lambda each: each.score)
        by = f"{_SCORES[pause.resolver]} {chosen.score:.2f}, {rival.score:.2f}"
    return f"{head}{_show(chosen)} over {_show(rival)} ({by})"


def _show(candidate: Candidate) -> str:
    return format_code(candidate.text.strip(" ") or candidate.text, _SHOWN) or "the end"


def _probability(candidate: Candidate) -> str:
    return format_probability(math.exp(min(candidate.logprob, 0.0)))
