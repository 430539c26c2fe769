"""Find Markdown's fenced code blocks, by CommonMark's rules and by models' habits. Time is linear in the text.

Beyond CommonMark: a fence may open after text on its line, and close after code. A fence inside a Python string is
text. A fence with a language inside a Python block opens the next block. Blocks inside a block of Markdown are read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.program.extraction.parts import Span, join_parts
from agent.program.syntax import parse

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_CONTAINER = re.compile(r"(?:[ \t]{0,8}(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*")  # marks of block quotes and lists
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_QUOTE_MARK = re.compile(r"[ \t]{0,3}> ?")
_LANGUAGE = re.compile(r"[{(\s.]*([\w+#-]*)")
_PYTHON = re.compile(r"[icu]?(?:python|py)[\d.]*", re.IGNORECASE)
_UNSAID = ("", "code", "text", "txt", "plaintext", "plain")
_MARKDOWN = ("markdown", "md")
_QUOTED = re.compile(r"\"\"\"|'''|\\.|#.*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_QUOTE_ENDS = {quote: re.compile(rf"\\.|{quote}", re.DOTALL) for quote in ('"""', "'''")}
_SECOND_READINGS = 8  # blocks with fences inside strings that are read twice, so that time stays linear


class Block(NamedTuple):
    """A fenced block: its language, and its lines without the indentation of its container."""

    language: str  # lower-case name; "python" for any name of Python, "" if none is named
    lines: tuple[Span, ...]  # a line without its carriage return is two spans
    end: int  # the offset after the closing fence; the end of the text if the block is open
    closed: bool

    @property
    def is_python(self) -> bool:
        """Whether it may hold Python: its fence names that language, or none."""
        return self.language in ("python", "")


class _Fence(NamedTuple):
    mark: str  # the run of backticks or tildes
    info: str
    quotes: int = 0  # marks of block quotes before it
    indent: int = 0  # other characters before it


class _Closing(NamedTuple):
    content: int  # number of the line after the content
    following: int  # number of the line where reading continues
    end: int
    cut: int | None = None  # where the last line of the content ends, if it ends early
    closed: bool = True
    passed_over: bool = False  # a fence inside a string stands in the content
    margin: int | None = None  # offset of the first line at the margin behind that string


def split_lines(text: str, start: int = 0) -> list[Span]:
    """Return the lines from `start` on, each with its line break."""
    return [Span(*line.span()) for line in _LINE.finditer(text, start)]


def find_blocks(text: str, start: int = 0, *, unfinished: bool = False) -> list[Block]:
    """Return the fenced blocks that begin at `start` or later. The last one may be open.

    unfinished: the text goes on, so a string that is open in it may still end.
    """
    lines, read, number = split_lines(text, start), list[Block](), 0
    in_list, outer, seconds = False, 0, _SECOND_READINGS
    while number < len(lines):
        line = text[slice(*lines[number])]
        fence, number = _read_opening(line, in_list=in_list), number + 1
        in_list = in_list or bool(_LIST_MARK.match(line))
        if fence is None:
            continue
        language = read_language(fence.info)
        if language in _MARKDOWN or (outer and not fence.info and len(fence.mark) >= outer):
            outer = 0 if outer and not fence.info else len(fence.mark)
            continue
        python = language in ("python", "")
        closing = _find_closing(text, lines, number, fence, python=python, strings=python and seconds > 0)
        block = _make_block(text, lines, number, fence, language, closing)
        if closing.passed_over and not unfinished and not _has_whole_strings(text, block, closing.margin):
            seconds -= 1
            closing = _find_closing(text, lines, number, fence, python=True, strings=False)
            block = _make_block(text, lines, number, fence, language, closing)
        read.append(block)
        number = closing.following
    return read


def _has_whole_strings(text: str, block: Block, margin: int | None) -> bool:
    """Decide whether a fence in the block stood in a string that ends: what is whole around it is Python."""
    lines = block.lines
    behind = next((number for number, line in enumerate(lines) if line.start >= margin), None) if margin else None
    return any(parse(join_parts(text, lines[:end])) is not None for end in (behind, len(lines), -1) if end)


def is_fence(line: str) -> bool:
    """Decide whether a line is only a fence: it ends a block, or opens one without a language."""
    fence = _read_opening(line, in_list=True)
    return fence is not None and not fence.info


def read_language(info: str) -> str:
    """Return the language that an info string names, in lower case; "python" for any name of Python."""
    name = info.split(maxsplit=1)[0] if info.split() else ""
    match = _LANGUAGE.match(name)
    word = match[1].lower() if match else ""
    if _PYTHON.fullmatch(word) or name.lower().endswith(".py"):
        return "python"
    return "" if word in _UNSAID else word


def _read_opening(line: str, *, in_list: bool) -> _Fence | None:
    container = _CONTAINER.match(line)
    marks = container.end() if container else 0
    inside = line[marks:].lstrip(" \t")
    before = len(line) - len(inside)
    if inside.startswith(("```", "~~~")):
        mark, info = _split_mark(inside)
        quotes = line[:marks].count(">")
        indented = before > 3 and not marks and not in_list
        return None if indented or (mark[0] == "`" and "`" in info) else _Fence(mark, info, quotes, before)
    # After text, as in "Sure: ```python": it is a fence if its line has no other backticks.
    at = line.find("```")
    if at < 0:
        return None
    mark, info = _split_mark(line[at:])
    return None if "`" in info or "`" in line[:at] else _Fence(mark, info)


def _split_mark(text: str) -> tuple[str, str]:
    rest = text.lstrip(text[0])
    return text[: len(text) - len(rest)], rest.strip()


def _find_closing(text: str, lines: list[Span], number: int, fence: _Fence, *, python: bool, strings: bool) -> _Closing:
    """Find where the block ends whose content begins at this line. strings: a fence inside a string ends nothing."""
    quote, passed_over, margin = "", False, None
    for here in range(number, len(lines)):
        span = lines[here]
        content = _find_content(text, span, fence)
        line = text[content : span.end]
        closes = _closes(line, fence)
        if closes and quote:
            passed_over = True
        elif closes:
            return _Closing(here, here + 1, content + len(line.rstrip()), passed_over=passed_over, margin=margin)
        elif python and not quote and line.startswith(fence.mark) and _split_mark(line)[1]:  # the next block opens
            return _Closing(here, here, span.start, passed_over=passed_over, margin=margin)
        elif python and not quote and _ends_with(line, fence):
            code = line.rstrip().rstrip(fence.mark[0])
            return _Closing(
                here + 1, here + 1, content + len(line.rstrip()), content + len(code), True, passed_over, margin
            )
        if passed_over and margin is None and not quote and line[:1].strip():
            margin = content
        if strings:
            quote = find_open_quote(line, quote)
    return _Closing(len(lines), len(lines), len(text), closed=False, passed_over=passed_over, margin=margin)


def _closes(line: str, fence: _Fence) -> bool:
    """Decide whether a line, without its container's indentation, closes the block that a fence opened."""
    mark = line.strip(" \t\r\n")
    indented = len(line) - len(line.lstrip(" \t")) > 3
    return not indented and len(mark) >= len(fence.mark) and not mark.strip(fence.mark[0])


def _ends_with(line: str, fence: _Fence) -> bool:
    """Decide whether a line of code ends with a closing fence, which Python has only in strings and comments."""
    return line.rstrip().endswith(fence.mark) and "#" not in line


def find_open_quote(line: str, quote: str) -> str:
    """Return the triple quote that is open after a line; `quote` is open before it."""
    at = 0
    while at < len(line):
        match = (_QUOTE_ENDS[quote] if quote else _QUOTED).search(line, at)
        if match is None:
            break
        if match[0] in _QUOTE_ENDS:
            quote = "" if quote else match[0]
        at = match.end()
    return quote


def _find_content(text: str, line: Span, fence: _Fence) -> int:
    """Return where a line's content begins, inside the container in which its block's opening fence stands."""
    at = line.start
    for _ in range(fence.quotes):
        mark = _QUOTE_MARK.match(text, at, line.end)
        at = mark.end() if mark else at
    most = min(line.end, at + max(0, fence.indent - (at - line.start)))
    while at < most and text[at] in " \t":
        at += 1
    return at


def _make_block(text: str, lines: list[Span], number: int, fence: _Fence, language: str, closing: _Closing) -> Block:
    spans = list[Span]()
    for here in range(number, closing.content):
        line = lines[here]
        start, end = _find_content(text, line, fence), line.end
        if closing.cut is not None and here == closing.content - 1:
            end = max(start, closing.cut)
        if text.endswith("\r\n", start, end):
            spans += [Span(start, end - 2), Span(end - 1, end)]
        else:
            spans.append(Span(start, end))
    return Block(language, tuple(spans), closing.end, closing.closed)
