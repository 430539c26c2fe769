"""Read calls and their values where a line shows both: `f(2) ➞ 4`, `f(2) should return 4, and f(3) 9`."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.program.examples.example import Example
from agent.program.examples.notation import (
    ShownValue,
    find_close,
    read_arithmetic,
    read_value,
    take_literal,
    take_value,
)
from agent.program.examples.page import Page, ShownExample, first_matches
from agent.program.examples.retractions import denies, find_sentence, takes_back
from agent.program.syntax import PARSE_ERRORS, read_expression

SIGN = r"(?:==>|=>|➞|➔|➜|➡|→|⇒|⟶|⟹|-->|->)"
VERB = (
    r"(?:(?:should|must|will|shall|would|has to|needs to|is expected to)\s+)?"
    r"(?:returns?|be|gives?|is equal to|equals?|is|yields?|evaluates? to|results? in|produces?|outputs?)\b"
)
_ARROW = re.compile(rf"\s*(?:(?:#|//)\s*)?(?:{SIGN}|==|=|:(?=\s)|{VERB}:?)\s*")
_COMMENTED = re.compile(r"\s*#\s*(?=\S)")
_RAISES = re.compile(
    rf"\s*(?:(?:#|//)\s*)?(?:{SIGN}\s*)?(?:(?:should|must|will)\s+)?(?:raises?|throws?|{SIGN})\s+(?:an?\s+)?"
    r"([A-Z]\w*)\s*[.;,]?\s*(?:\(.*\)|:.*)?$"
)
_CALL = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)\(")
_OPENS = re.compile(r"[=>➞→⇒:]\s*(?=[\[({])")
_JOINED = re.compile(r"\s*(?:[,&|+*/%<>^-]|(?:and|or|in|is not)\b)")
_BEFORE = re.compile(r"(?:^|[\w.,;:!)]\s+|[:;,]|(?:^|\s)\()$")
_BUILTINS = frozenset(dir(builtins))


_OUTPUT_BEHIND = re.compile(r"\s+(?=[\[({'\"\w-])")
_BARE_WORD = re.compile(r"\s*([A-Za-z]\w+)\s*(?:[#(].*)?$")
_HAS_SIGN = re.compile(r"[=>➞➔➜➡→⇒⟶⟹]")


class _Place(NamedTuple):
    """A call in a text."""

    call: ast.Call
    end: int


def read_equations(page: Page, defined: set[str]) -> Iterator[ShownExample]:
    """Yield the examples of the lines that show a call and its value, line by line.

    defined: the functions of the prompt. Another name is read, too: whether it can be meant is for `read` to decide.
    """
    number = 0
    while number < len(page.lines):
        text, last = _join_line(page, number)
        below = page.lines[last + 1] if last + 1 < len(page.lines) else ""
        for example in read_line(text, defined, below):
            yield example._replace(line=number, last=last)
        number = last + 1


def read_line(text: str, defined: set[str], below: str = "") -> list[ShownExample]:
    """Return the examples of one line, and a record without a call for each that cannot be read.

    below: the next line, which may take back what this one shows.
    """
    examples, at = list[ShownExample](), 0
    for match in first_matches(_CALL, text):
        if match.start() < at:
            continue
        place = _find_call(text, match, defined)
        if place is None and match[1] in defined and _has_gap(text, match):
            examples.append(ShownExample(0, 0, text))
        if place is None or _BEFORE.search(text[: match.start()]) is None:
            continue
        example, end = _read_value_of(text, place)
        if example is None and _all_literal(place.call) and _JOINED.match(text, place.end):  # f(1), f(2) -> 3
            break
        lead = text[at : match.start()]
        if example and example.call and (denies(lead) or takes_back(text, match.start(), place.end, end, below)):
            sentence = text[find_sentence(text, match.start()) : end].strip()
            example = ShownExample(0, 0, sentence, taken_back=True) if _all_literal(place.call) else None
        examples += [example] if example else []
        at = end
    return examples


def read_session_line(text: str, defined: set[str]) -> Example | None:
    """Return the example that the code of a session shows on its own line: `f(1)  # -> 2`, or `f(1) [2]`, its output.

    Whoever indexes a value leaves no space before the bracket.
    """
    match = _CALL.match(text)
    place = _find_call(text, match, defined) if match and match[1] in defined else None
    if place is None or not _all_literal(place.call):
        return None
    example, _ = _read_value_of(text, place)
    output = _OUTPUT_BEHIND.match(text, place.end)
    value = take_value(text, output.end()) if output and not example else None
    if value:
        example = ShownExample(0, 0, text, place.call, value.tree, loose=value.loose)
    return example.write() if example and not example.loose else None


def _join_line(page: Page, number: int) -> tuple[str, int]:
    """Return a line, and those below that a bracket of its call or of its value needs."""
    text, last = page.lines[number], number
    while (opening := _find_open_bracket(text)) is not None:
        joined, end = page.join(number, opening)
        if end <= last:
            break
        text, last = joined, end
    return text, last


def _find_open_bracket(text: str) -> int | None:
    """Return the place of a bracket of a call, or of the value behind one, that is not closed."""
    calls = [match.end() - 1 for match in first_matches(_CALL, text)]
    values = [match.end() for match in first_matches(_OPENS, text) if calls and match.start() > calls[0]]
    return next((place for place in [*calls, *values] if find_close(text, place) is None), None)


def _find_call(text: str, match: re.Match[str], defined: set[str]) -> _Place | None:
    """Return the call that begins at a match: its arguments are literals, or words that may be strings."""
    end = find_close(text, match.end() - 1)
    if end is None or (match[1] in _BUILTINS and match[1] not in defined):
        return None
    call = read_expression(text[match.start() : end])
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    arguments = [_read_argument(argument) for argument in call.args]
    keywords = [(keyword.arg, _read_argument(keyword.value)) for keyword in call.keywords]
    if None in arguments or any(name is None or value is None for name, value in keywords):
        return None
    options = [ast.keyword(name, value) for name, value in keywords if value]
    return _Place(ast.Call(call.func, [argument for argument in arguments if argument], options), end)


def _has_gap(text: str, match: re.Match[str]) -> bool:
    """Decide whether a call leaves out some of its argument, as `f([1, 2, ..., 10]) -> 55` does, and shows a value."""
    end = find_close(text, match.end() - 1)
    arrow = _ARROW.match(text, end) if end and re.search(r"\.\.\.|…", text[match.end() : end]) else None
    return arrow is not None and take_literal(text, arrow.end()) is not None


def _read_argument(node: ast.expr) -> ast.expr | None:
    try:
        return read_value(node) or (node if isinstance(node, ast.Name) else None)
    except PARSE_ERRORS:
        return None


def _read_value_of(text: str, place: _Place) -> tuple[ShownExample | None, int]:
    """Return the example of a call and of what stands behind it, and where it ends."""
    if (raised := _RAISES.match(text, place.end)) and _is_exception(raised[1]):
        return ShownExample(0, 0, text, place.call, raises=raised[1]), len(text)
    arrow = _ARROW.match(text, place.end)
    start = arrow or _COMMENTED.match(text, place.end)
    if start is None:
        return None, place.end
    value = take_value(text, start.end()) or _take_last_of_chain(text, start.end())
    if value:
        return ShownExample(0, 0, text, place.call, value.tree, loose=value.loose), value.end
    word = _BARE_WORD.match(text, start.end()) if arrow and _HAS_SIGN.search(arrow[0]) else None
    if word and not _all_literal(place.call):
        return ShownExample(0, 0, text, place.call, ast.Name(word[1], ast.Load())), len(text)
    shows = arrow and (_HAS_SIGN.search(arrow[0]) or take_literal(text, arrow.end()))
    return (ShownExample(0, 0, text) if shows and _all_literal(place.call) else None), len(text)


def _is_exception(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, Exception)


def _all_literal(call: ast.Call) -> bool:
    return not any(isinstance(value, ast.Name) for value in [*call.args, *(each.value for each in call.keywords)])


def _take_last_of_chain(text: str, start: int) -> ShownValue | None:
    """Return the last value of a chain such as `= 1 + 9 = 10`, if the sums before it come to the same."""
    ends = [
        match.span() for match in first_matches(re.compile(rf"\s*(?:==|=|{SIGN})\s*"), text) if match.start() > start
    ]
    if not ends:
        return None
    value = take_value(text, ends[-1][1])
    begins = [start, *(end for _, end in ends[:-1])]
    sums = [read_arithmetic(text[begin:end]) for begin, (end, _) in zip(begins, ends, strict=True)]
    same = value is not None and all(each == ast.literal_eval(value.tree) for each in sums)
    return value if same else None
