"""A docstring as lines that can be searched for examples: cleaned, without its sessions, with its headings known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from agent.program.examples.docstrings import Docstring
from agent.program.examples.example import Example
from agent.program.examples.notation import find_close, read_value
from agent.program.examples.retractions import heads_retraction

LONGEST_SHOWN_LINE = 2_000  # characters of a line that is looked at
_MOST_JOINED = 30  # lines of one value
_CURLY = str.maketrans("“”„‘’\u00a0", '"""\'\' ')
_BULLET = re.compile(r"^(?:[-*•+]|\(?\d{1,3}[.)])\s+")
_HEADING = re.compile(
    r"^\W*(?:for |some |here are |sample |more )*"
    r"(?:(?:doc)?test ?cases?|exa?m[pb]+les?|e\.g\.?|samples?|usage|i\.e\.)(?: usage| cases?)?\s*\d*\W*$",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"^\W*(?:for example|example|e\.g\.?)(?:\s*\d+)?\s*[:,]\s*(?=\S)", re.IGNORECASE)
_OTHER_HEADING = re.compile(
    r"^\W*(?:notes?|constra?i?n?t?s?|arg(?:ument)?s|param(?:eter)?s|returns?|raises|yields|definitions?|rules?|see also"
    r"|references|attributes|variables|(?:in|out)put format|warnings?|complexity|todo)\s*:?\s*$",
    re.IGNORECASE,
)
_SPEECH = re.compile(
    r"^\W*(?:(?:explanation|notes?|because|since|as|so|where|here|this|the|and|constraints?)\b|[A-Z][\w'-]*(?:[^\w\n]+\w+){2}"
    r"|[A-Za-z][\w ]*\d*\s*[:=](?:\s|$))|:\s*$|[a-z]{2}\.\s*$",
    re.IGNORECASE,
)
_UNDERLINE = re.compile(r"^[-=~^*]{3,}$")


class ShownExample(NamedTuple):
    """A call and its value, as the text shows them. Without a call, it looks like an example and cannot be read.

    An argument or the value may be a bare word, which `meaning` quotes or refuses.
    """

    line: int
    last: int  # line
    source: str
    call: ast.Call | None = None
    value: ast.expr | None = None
    raises: str | None = None
    loose: bool = False  # the value may lack its parentheses, or have them in vain
    named: bool = True  # the text names the function
    taken_back: bool = False  # the text says that it is not what is wanted

    @property
    def lines(self) -> range:
        """The lines on which it stands."""
        return range(self.line, self.last + 1)

    @property
    def has_words(self) -> bool:
        """An argument or the value is a bare word: a variable, or a string without its quotes."""
        values = [self.value, *self.call.args, *(each.value for each in self.call.keywords)] if self.call else []
        return any(isinstance(value, ast.Name) for value in values)

    def write(self) -> Example | None:
        """Return it as an example that can be run; None if it cannot be read."""
        if self.call is None:
            return None
        source = ast.unparse(self.call)
        if self.value is None:
            return Example(f"{source} raises {self.raises}", (source,), raises=self.raises, subclasses=True)
        value = ast.unparse(self.value)
        return Example(f"{source} == {value}", (source,), f"_0 == {value}")


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a docstring, and what is known of them."""

    docstring: Docstring
    lines: list[str]  # stripped; those of sessions are empty
    under_heading: list[bool]  # that says that examples follow
    headings: list[int]
    taken_back: list[bool]  # below a heading such as `Wrong:`

    def goes_on(self, last: int, *, is_text: bool = False) -> bool:
        """Decide whether the output that ends on a line may go on below it, as the lines of a contest's output do.

        is_text: what goes on need not be a literal; whatever is no prose and no heading will do.
        """
        below = self.lines[last + 1] if last + 1 < len(self.lines) else ""
        if read_value(below) is not None:
            return True
        return is_text and bool(below) and not (_SPEECH.search(below) or _UNDERLINE.match(below) or "(" in below)

    def join(self, first: int, start: int) -> tuple[str, int]:
        """Return a line, with those behind it that its bracket at `start` needs to be closed, and the last one."""
        text = self.lines[first]
        for last in range(first + 1, min(first + _MOST_JOINED, len(self.lines)) + 1):
            if find_close(text, start) is not None:
                return text, last - 1
            if last == len(self.lines) or not self.lines[last] or len(text) > LONGEST_SHOWN_LINE:
                break
            text = f"{text} {self.lines[last]}"
        return self.lines[first], first


def read_page(docstring: Docstring) -> Page:
    """Return the lines of a docstring."""
    lines = list(_clean_lines(docstring.text))
    under, headings, inside = list[bool](), list[int](), False
    taken_back, retracted = list[bool](), False
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _HEADING.match(line):
            headings.append(number)
            inside = True
        elif _OTHER_HEADING.match(line) or (_UNDERLINE.match(below) and line):
            inside = False
        if heads_retraction(line):
            retracted = True
        elif line.endswith(":") or _HEADING.match(line) or _OTHER_HEADING.match(line):
            retracted = False
        taken_back.append(retracted)
        under.append(inside or _BEGINS.match(line) is not None)
    lines = [_BEGINS.sub("", line) for line in lines]
    return Page(docstring, lines, under, headings, taken_back)


def _clean_lines(text: str) -> Iterator[str]:
    session = False
    for raw in text.splitlines():
        line = raw.strip()
        session = line.startswith((">>>", "...")) or (session and bool(line))
        too_long = len(line) > LONGEST_SHOWN_LINE
        yield "" if session or too_long else _BULLET.sub("", line.translate(_CURLY).replace("`", "")).strip()


def first_matches(pattern: re.Pattern[str], text: str, most: int = 16) -> Iterator[re.Match[str]]:
    """Yield the first matches of a pattern, few enough that reading a line takes bounded time."""
    return islice(pattern.finditer(text), most)
