"""Find out where in an unfinished answer its code is. Time is linear in the text as that grows."""

from __future__ import annotations

import re
from functools import lru_cache

from agent.program.extraction.fences import find_blocks
from agent.program.extraction.pieces import AnswerRules
from agent.program.extraction.thoughts import find_answer_start

_MARKS = ("```", "~~~", "</", "[/")  # of fences, and of the ends of thoughts
_FENCE = re.compile(r"[ \t>]*(?:```|~~~)")
_FIRST_LINE = re.compile(r"\s*[^\n]*\n?")
_BEGINS_WITH_CODE = re.compile(r"\s*(?:(?:def|class|import|from|async def) |@\w)")


def goes_on_with_code(answer: str, rules: AnswerRules) -> bool:
    """Decide whether the next token of an unfinished answer belongs to the program.

    Tokens inside an open block of Python do. So do tokens behind a first line of code without a fence.
    """
    text = _drop_unfinished_line(rules.opening + answer)
    # Only marks, and the first line behind the last one, decide. So one cached decision serves many tokens.
    last = max(text.rfind(mark) for mark in _MARKS)
    line_end = text.find("\n", last) + 1 if last >= 0 else 0
    decisive = text if last >= 0 and not line_end else text[: _end_of_first_line(text, line_end)]
    return _goes_on_with_code(decisive, rules.thinking, bool(rules.opening))


def _drop_unfinished_line(text: str) -> str:
    """Return the whole lines, and a fence behind them: any other line may still become one with its next characters."""
    start = text.rfind("\n") + 1
    return text if _FENCE.match(text, start) or not text[:start].strip() else text[:start]


def _end_of_first_line(text: str, start: int) -> int:
    """Return where the first line that is not blank ends; `start` where all lines are."""
    line = _FIRST_LINE.match(text, start)
    return line.end() if line and line[0].strip() else start


@lru_cache(maxsize=64)
def _goes_on_with_code(text: str, thinking: bool, has_opening: bool) -> bool:
    start = find_answer_start(text, thinking=thinking, has_opening=has_opening)
    if start is None:
        return False
    if _BEGINS_WITH_CODE.match(text, start):
        text = f"{text[:start]}```python\n{text[start:].lstrip()}"
    last = next(reversed(find_blocks(text, start, unfinished=True)), None)
    content_begins = bool(last and last.lines) or text.endswith("\n")  # behind the whole line of the opening fence
    return last is not None and last.is_python and not last.closed and content_begins
