"""Find where a model that read a program clearly expected something else. Reads with no model."""

from __future__ import annotations

import ast
import math
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.program.source_tokens import SourceToken, list_line_starts, read_tokens
from agent.program.syntax import DEFINITIONS, PARSE_ERRORS, read_module
from agent.program.wording import Wording, read_wording
from uncertainty.places import Places, Span

LONGEST_SOURCE = 400_000  # characters of a file: about 10,000 lines
_MOST_WRITTEN = 0.2  # probability of what stands there
_LEAST_EXPECTED = 0.2  # probability of what the model expected
_MOST_EXPECTED = 2  # other tokens of a place
_BLANKS = re.compile(r"\s*")
_WORD_KINDS = (tokenize.NAME, tokenize.NUMBER, tokenize.OP)
_FREE = re.compile(r"[#\"'\n]")  # what a comment, a text or a line begins with


class ReadToken(NamedTuple):
    """A token of a text that a model read."""

    start: int  # character at which it begins
    surprisal: float  # nats; 0 for the first token, which follows nothing
    expected: tuple[tuple[str, float], ...] = ()  # other tokens and their probabilities there, the likeliest first


class Surprise(NamedTuple):
    """A place of a program, and a token that the model expected there rather than the one that stands there."""

    number: int  # of the token that stands there
    start: int  # character at which it begins, with the blanks before its word
    text: str  # of the expected token
    ratio: float  # nats: the log-probability of the expected token, less that of the one that stands there


def check_python(source: str, file: str = "") -> ast.Module:
    """Return the syntax tree of a text. Raises InvalidRequestError for one that is not Python, or too long to be read.

    file: its name, for the message.
    """
    name = file or "the text"
    if len(source) > LONGEST_SOURCE:
        raise InvalidRequestError(
            f"{name} has {len(source):,} characters, and a model reads at most {LONGEST_SOURCE:,} of a file; split it"
        )
    try:
        return read_module(source)
    except (RecursionError, MemoryError) as error:
        raise InvalidRequestError(f"{file or 'the text'} is nested too deeply to be read; simplify it first") from error
    except PARSE_ERRORS as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise InvalidRequestError(f"{name}{line}: this is no Python ({reason}); mend it first") from error


def list_words(source: str) -> list[SourceToken]:
    """Return the names, keywords, numbers and operators of a program, in order."""
    return [each for each in read_tokens(source, list_line_starts(source)) if each.kind in _WORD_KINDS]


def find_surprises(source: str, tree: ast.Module, tokens: Sequence[ReadToken]) -> Iterator[Surprise]:
    """Yield the places of a program, in order, at which the model preferred another token that is code of its own.

    A comment, a text, the layout and a name where it is defined are free to choose: no place in them is surprising.
    tokens: of the whole text, or of its beginning.
    """
    wording, words = read_wording(source), {word.start for word in list_words(source)}
    free = list_free_spans(source, tree)
    ends = [*(token.start for token in tokens[1:]), len(source)]
    for number, (token, end) in enumerate(zip(tokens, ends, strict=False)):
        at, written = _skip_blanks(source, token.start), math.exp(-token.surprisal)
        if written > _MOST_WRITTEN or at >= end or at not in words or _is_inside(free, at):
            continue
        for text, probability in token.expected[:_MOST_EXPECTED]:
            if probability >= max(_LEAST_EXPECTED, written) and _is_code(source, wording, token.start, text):
                yield Surprise(number, token.start, text, math.log(probability) + token.surprisal)


def _is_code(source: str, wording: Wording, at: int, text: str) -> bool:
    """Decide whether an expected token is code that says something else than what stands there."""
    is_free = not text.strip() or _FREE.search(text.strip()[0]) or "\n" in text
    return not (is_free or source.startswith(text, at) or wording.is_prose(at) or wording.is_reworded(at, text))


def list_free_spans(source: str, tree: ast.Module) -> list[Span]:
    """Return the places that no doubt points at: imports, annotations, and names where they are defined.

    Nothing before them says how to choose a name, and other tools check imports and types.
    """
    places, spans = Places(source), [(name.start, name.end) for name in read_wording(source).names]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.arg):
            spans.append(places.find(node))
        elif isinstance(node, ast.AnnAssign):
            spans.append(places.find(node.annotation))
        elif isinstance(node, DEFINITIONS):
            start = places.locate(node.lineno, node.col_offset)
            spans.append((start, source.index(node.name, start + len("def ")) + len(node.name)))
            spans += [places.find(node.returns)] if not isinstance(node, ast.ClassDef) and node.returns else []
    return list(_merge(sorted(spans)))


def _merge(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans that lie apart, for those that come in order and may overlap."""
    last: Span | None = None
    for start, end in spans:
        if last is None or start >= last[1]:
            if last is not None:
                yield last
            last = start, end
        else:
            last = last[0], max(last[1], end)
    if last is not None:
        yield last


def _is_inside(spans: Sequence[Span], at: int) -> bool:
    """Decide whether an offset lies in one of spans that lie apart, in order."""
    number = bisect_right(spans, at, key=lambda span: span[0])
    return number > 0 and at < spans[number - 1][1]


def _skip_blanks(source: str, at: int) -> int:
    blanks = _BLANKS.match(source, at)
    return blanks.end() if blanks else at
