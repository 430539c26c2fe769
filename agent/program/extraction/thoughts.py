"""Find where a chat model's answer begins: behind its thought, if it wrote one. Reads no code."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"<(/?)(?:think|thinking|thought|reasoning|seed:think)>|\[(/?)THINK\]", re.IGNORECASE)
_ALONE = re.compile(r"^[ \t]*(?:</(?:think|thinking|thought|reasoning|seed:think)>|\[/THINK\])[ \t\r]*$", re.M | re.I)


def find_answer_start(text: str, *, thinking: bool = False, has_opening: bool = False) -> int | None:
    """Return where the answer begins, after the thought if there is one; None while the model thinks.

    thinking: the prompt opened the thought. has_opening: the prompt begins
    the answer, so that no thought precedes it.
    """
    if has_opening:
        return 0
    at = 0
    while True:
        first = len(text) - len(text[at:].lstrip())
        opening = _THOUGHT.match(text, first)
        if opening is not None and not (opening[1] or opening[2]):
            at, thinking = opening.end(), True
        elif not thinking:
            alone = _ALONE.search(text, at)  # the prompt opened a thought after all
            return alone.end() if alone else at
        closing = next((tag for tag in _THOUGHT.finditer(text, at) if tag[1] or tag[2]), None)
        if closing is None:
            return None
        at, thinking = closing.end(), False
        if not _THOUGHT.match(text, len(text) - len(text[at:].lstrip())):
            return at
