"""Decide whether a text takes back an example that it shows: it is what a faulty version gives, or holds only once.

A person who reports a bug shows what is wrong first. Such an example is listed, and never read as what is wanted.
"""

from __future__ import annotations

import re

_VERSION = (
    r"(?:version|code|function|implementation|program|method|script|behaviou?r|output|result|solution|one|attempt)"
)
_OBSERVED = (
    rf"my|today|now|currently|buggy|broken|faulty|counter-?examples?|used to|so far|at (?:the moment|present)"
    r"|actual(?:ly)?|observed|(?:I|we) (?:get|got|see|saw)|bug report|(?:fix|debug|correct) (?:this|that|it|the)"
    rf"|returned|gave|printed|produced"
    rf"|(?:old|previous|existing|original|present|current|wrong|bad|incorrect) {_VERSION}"
)
_WANTED = r"(?:so that|such that|should|must|wanted|expected|to make)\b"
# Words before a call that take back what is said of it, put it under a condition, or make it a part of something else.
_DENIED = re.compile(
    r"\b(?:if|unless|until|whether|when|where|suppose)\b[^.;]*$"
    r"|(?:\b(?:not|never|cannot|wrong|incorrect|bug|instead|unlike|while|previously|currently|fails?|without|than)\b"
    r"|n't\b)[^.;:,]*$"
    r"|\b(?:or|in|(?<!value )(?<!result )(?<!output )of)\s*$",
    re.IGNORECASE,
)
_OF_ANOTHER = re.compile(
    rf"(?:\b(?:{_OBSERVED})\b|^\W*(?:before|after|once|bad|wrong|incorrect)\b"
    rf"|\b(?:first|second|third|next|last|\d(?:st|nd|rd|th)) (?:time|call|use)\b|\btwice\b)(?:(?!\b{_WANTED}).)*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.;!?](?=\s)")
_CALL = re.compile(r"\b[A-Za-z_]\w*\(")
_REQUIRED = re.compile(r"\s*(?:should|must|shall|has to|needs to|is expected to)\b", re.IGNORECASE)
_MUST_GIVE = (
    r"(?:should|must|ought to|has to|is supposed to)\s+(?:be|have been|give|return|yield|equal|print|output)\s+"
    r"(?=[-\d\[({'\"]|true\b|false\b|none\b)"
)
_CORRECTED = re.compile(
    rf"\b(?:(?:wrong|incorrect|buggy|a bug|broken|mistaken|instead|currently|at (?:the moment|present)"
    rf"|but (?:it |that )?should|but (?:I |we )?(?:want|need|expect)\w*)\b|{_MUST_GIVE})",
    re.IGNORECASE,
)
_CORRECTED_NEXT = re.compile(
    rf"\s*(?:and |but )?(?:(?:it|this|that|the (?:right |correct )?(?:result|answer|output|value))\s+(?:{_MUST_GIVE}"
    r"|(?:is|was|looks|seems) (?:wrong|incorrect|a bug|not right|not correct|broken))"
    r"|(?:I|we) (?:want|need|expect)\w*|expected\b|(?:please )?(?:fix|repair|correct|debug)\b|wrong\b|why\b)",
    re.IGNORECASE,
)
_HEADING = re.compile(
    rf"^\W*(?:(?:wrong|incorrect|bad|buggy|broken|faulty|counter-?examples?|failing|before|today|now|actual|current|currently"
    rf"|observed|not)\b[^:.()]{{0,40}}|[^:.()]{{0,40}}\b(?:{_OBSERVED})\b[^:.()]{{0,40}}):?\W*$",
    re.IGNORECASE,
)


def denies(lead: str) -> bool:
    """Decide whether the words between the last example and a call leave the call no example of its own."""
    return _DENIED.search(lead) is not None


def takes_back(text: str, start: int, call_end: int, end: int, below: str = "") -> bool:
    """Decide whether the sentence around an example, or the next one, says that its value is not the wanted one.

    The call begins at `start` and ends at `call_end`; the value ends at `end`. below: the line that follows the text.
    """
    required = _REQUIRED.match(text, call_end) is not None
    if not required and _OF_ANOTHER.search(text[find_sentence(text, start) : start]):
        return True
    rest = text[end:]
    stop = _SENTENCE.search(rest)
    tail, following = (rest[: stop.start()], rest[stop.end() :]) if stop else (rest, "")
    call = _CALL.search(tail)
    if corrects(tail[: call.start()] if call else tail):
        return True
    return not required and call is None and _CORRECTED_NEXT.match(following.strip() or below) is not None


def corrects(text: str) -> bool:
    """Decide whether the words behind a value say that it is not the wanted one."""
    return _CORRECTED.search(text) is not None


def find_sentence(text: str, place: int) -> int:
    """Return where the sentence begins that goes on at a place of a text."""
    return max((match.end() for match in _SENTENCE.finditer(text, 0, place)), default=0)


def heads_retraction(line: str) -> bool:
    """Decide whether a line alone, such as `Wrong:`, says that the examples below it are not the wanted ones."""
    last = line[find_sentence(line, len(line)) :].strip()
    return last.endswith(":") and _HEADING.match(last) is not None
