"""Find what ends an answer: a stop text, or a line at the margin behind the program. Generates nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from agent.program.extraction.answers import is_whole
from agent.program.extraction.pieces import AnswerRules

_COMMENTS = re.compile(r"(?:^#[^\n]*\n|^[ \t\r]*\n)+\Z", re.MULTILINE)


def find_stop_text(text: str, stops: Sequence[str], since: int = 0) -> int | None:
    """Return where the first of these texts begins; None without one. since: where the latest character begins.

    A stop text that is whole before `since` is passed over, so that a caller that asks at each token reads a text once.
    """
    places = (text.find(stop, max(0, since - len(stop) + 1)) for stop in stops)
    return min((at for at in places if at >= 0), default=None)


def find_margin_stop(answer: str, stops: tuple[str, ...], rules: AnswerRules, since: int = 0) -> int | None:
    """Return where what ends the program begins in a chat answer; None without it.

    A line at the margin ends the program if it begins with a stop, and if the block above it already makes the program
    whole. The comments right above that line belong to it. Where nobody gave a name, any line may be asked for, and
    none ends the program. since: the search passes over stops that are whole before this character.
    """
    if rules.entry_point is None or not stops:
        return None
    length = len(rules.opening)
    text = rules.opening + answer
    for line in _margin(stops).finditer(text, length + max(0, since - max(map(len, stops)))):
        above = text[length : line.start()]
        if is_whole(above, rules):
            comments = _COMMENTS.search(above)
            return comments.start() if comments else len(above)
    return None


@lru_cache(maxsize=64)
def _margin(stops: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"^(?:{'|'.join(map(re.escape, stops))})", re.MULTILINE)
