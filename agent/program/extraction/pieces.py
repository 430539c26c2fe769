"""Read pieces of an answer as source that may be the program, or a part of it. Chooses none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.program.extraction.facts import SourceFacts, inspect_source
from agent.program.extraction.fences import Block, find_blocks
from agent.program.extraction.parts import SourcePart, Span, join_parts, leave_out
from agent.program.extraction.prose import find_imports, find_indented_runs, find_statement_runs, split_prose
from agent.program.extraction.uses import find_uses

_MOST_BLOCKS = 60  # the last blocks of an answer; earlier ones are not read
_INDENT = "    "
_MARGIN_RETURNS = re.compile(r"^(?:return|yield)\b", re.MULTILINE)
_RETURNS = re.compile(r"^[ \t]*(?:return|yield)\b", re.MULTILINE)


class AnswerRules(NamedTuple):
    """The rules for the program in an answer: the text it continues, and the names it must define."""

    code: str = ""  # the request, if it is Python
    entry_point: str | None = None  # a function or a class
    thinking: bool = False  # the prompt ends inside a thought
    opening: str = ""  # the beginning of the answer that the prompt ends with, such as an opened fence


class CodePiece(NamedTuple):
    """Source from an answer, without the statements that only use the entry point."""

    block: Block | None  # None outside of fences
    parts: tuple[SourcePart, ...]
    source: str
    facts: SourceFacts


def read_blocks(answer: str, start: int, rules: AnswerRules) -> list[CodePiece]:
    """Return the fenced blocks of an answer that hold anything, in order."""
    blocks = [block for block in find_blocks(answer, start) if join_parts(answer, block.lines).strip()]
    return [_read_block(answer, block, rules) for block in blocks[-_MOST_BLOCKS:]]


def read_prose(answer: str, start: int, rules: AnswerRules) -> list[CodePiece]:
    """Return the imports that sentences quote, then the runs of statements between sentences, in order."""
    runs = (*find_imports(answer, start), *find_statement_runs(answer, split_prose(answer, start)))
    return [_read_parts(answer, None, parts, rules) for parts in runs]


def read_bodies(answer: str, start: int, rules: AnswerRules) -> list[CodePiece]:
    """Return the indented runs between sentences that compile as a continuation of the request's code."""
    runs = find_indented_runs(answer, start)
    bodies = (
        _read_parts(answer, None, parts, rules) for run in runs for parts in _read_as_body(answer, run, rules.code)
    )
    return [each for each in bodies if each.facts.compiles]


def _read_block(answer: str, block: Block, rules: AnswerRules) -> CodePiece:
    """Return the first reading of a block that compiles.

    The readings are: an opened head with its body indented, the block as it stands, without its margin, as the body of
    what was asked for, its whole statements alone.
    """
    lines = _drop_margin(answer, block.lines)
    indented = _indent_body(answer, block.lines, len(rules.opening))
    plain = [_read_parts(answer, block, parts, rules) for parts in (*indented, block.lines, lines)]
    whole = [each for each in plain if each.facts.compiles]
    if whole and whole[0].facts.defines:
        return whole[0]
    bodies = [_read_parts(answer, block, parts, rules) for parts in _read_as_body(answer, block.lines, rules.code)]
    whole = [each for each in (*bodies, *whole) if each.facts.compiles]
    if whole:
        return whole[0]
    statements = _read_parts(answer, block, _find_statements(answer, lines), rules)
    return statements if statements.facts.defines else plain[-2]


def _find_statements(answer: str, lines: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the lines of whole statements: a block may be cut off, or have a sentence in it."""
    return tuple(line for run in find_statement_runs(answer, lines) for line in run)


def _read_parts(answer: str, block: Block | None, parts: tuple[SourcePart, ...], rules: AnswerRules) -> CodePiece:
    cuts = find_uses(join_parts(answer, parts), rules.entry_point) if rules.entry_point else ()
    parts = tuple(leave_out(parts, cuts)) if cuts else parts
    source = join_parts(answer, parts)
    return CodePiece(block, parts, source, inspect_source(source))


def _drop_margin(answer: str, lines: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the lines without the indentation that they share."""
    texts = [answer[slice(*line)] for line in lines]
    margin = min((len(text) - len(text.lstrip(" \t")) for text in texts if text.strip()), default=0)
    return tuple(
        Span(line.start + margin, line.end) if text.strip() else line for line, text in zip(lines, texts, strict=True)
    )


def _indent_body(answer: str, lines: tuple[Span, ...], length: int) -> Iterator[tuple[SourcePart, ...]]:
    """Yield the lines with those behind the first `length` characters indented, if they return at the margin."""
    head, body = (tuple(each for each in lines if (each.start < length) is inside) for inside in (True, False))
    if head and _MARGIN_RETURNS.search(join_parts(answer, body)):
        yield (*head, *_indent(answer, body))


def _indent(answer: str, lines: tuple[Span, ...]) -> tuple[SourcePart, ...]:
    pairs = ((_INDENT, line) if answer[slice(*line)].strip() else (line,) for line in lines)
    return tuple(part for pair in pairs for part in pair)


def _read_as_body(answer: str, lines: tuple[Span, ...], code: str) -> Iterator[tuple[SourcePart, ...]]:
    """Yield the lines as the continuation of the request's code; lines that return at the margin are indented."""
    body = join_parts(answer, lines)
    if code and body.lstrip("\r\n")[:1] in (" ", "\t"):
        yield (f"{code.rstrip()}\n", *lines)
    elif code and _RETURNS.search(body):
        yield (f"{code.rstrip()}\n", *_indent(answer, lines))
