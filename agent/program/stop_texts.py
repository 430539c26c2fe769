"""Find what ends an answer: a stop text, or a line at the margin behind the program. Generates nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from agent.program.syntax import stands_in_brackets_or_string

_BODY = re.compile(r"^[ \t]+\S", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)


def find_stop_text(text: str, stops: Sequence[str], since: int = 0) -> int | None:
    """Return where the first of these texts begins; None without one. since: where the latest character begins.

    A stop text that is whole before `since` is passed over, so that a caller that asks at each token reads a text once.
    """
    places = (text.find(stop, max(0, since - len(stop) + 1)) for stop in stops)
    return min((at for at in places if at >= 0), default=None)


def find_margin_stop(answer: str, stops: Sequence[str], name: str | None, since: int = 0) -> int | None:
    """Return where the first line begins that ends the program: it stands at the margin and begins as a stop does.

    The program is a function or class of this name (without a name: any), with a line of its body, in the same code
    block above the line. since: lines that are decided before this character are passed over.
    """
    if not stops:
        return None
    defined = [match.start() for match in _definition(name).finditer(answer)]
    for line in _margin(tuple(stops)).finditer(answer, max(0, since - max(map(len, stops)))):
        start = max((each for each in defined if each < line.start()), default=None)
        if start is not None and _ends_program(answer[start : line.start()]):
            return line.start()
    return None


def may_stop_at_margin(text: str, stops: tuple[str, ...], since: int) -> bool:
    """Decide whether a line that `since` does not pass over begins as a stop does; `find_margin_stop` decides more."""
    return _margin(stops).search(text, max(0, since - max(map(len, stops)))) is not None


def _ends_program(source: str) -> bool:
    """Decide whether a line at the margin below this source, which begins with a definition, stands behind that."""
    return bool(_BODY.search(source)) and not _FENCE.search(source) and not stands_in_brackets_or_string(source)


@lru_cache(maxsize=64)
def _definition(name: str | None) -> re.Pattern[str]:
    word = r"\w+" if name is None else re.escape(name)
    return re.compile(rf"^(?:async def|def|class) +{word}\b", re.MULTILINE)


@lru_cache(maxsize=64)
def _margin(stops: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"^(?:{'|'.join(map(re.escape, stops))})", re.MULTILINE)
