"""Extract the program from a chat model's answer.

The program is the last block of Python that defines the entry point, together with the blocks that define names which
it lacks, and with what the request has above the entry point. The model's thought before the answer is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agent.program.extraction.facts import IMPORTS_EVERYTHING, SourceFacts, inspect_source
from agent.program.extraction.fences import Block, find_blocks
from agent.program.extraction.parts import ExtractedProgram, SourcePart, Span, join_parts
from agent.program.extraction.prose import find_indented_runs, find_statement_runs
from agent.program.extraction.thoughts import find_answer_start

_MOST_BLOCKS = 60  # the last blocks of an answer; earlier ones are not read
_INDENT = "    "
_USES = re.compile(r"test|main$|demo|example", re.IGNORECASE)  # functions with such names use the entry point
_RETURNS = re.compile(r"^[ \t]*(?:return|yield)\b", re.MULTILINE)
_FUTURE = re.compile(r"^from __future__ import [^\n]*\n?", re.MULTILINE)


class AnswerRules(NamedTuple):
    """The rules for the program in an answer: the text it continues, and the names it must define."""

    code: str = ""  # the request, if it is Python
    entry_point: str | None = None
    thinking: bool = False  # the prompt ends inside a thought
    begun: str = ""  # the beginning of the answer that the prompt ends with, such as an opened fence


class _Candidate(NamedTuple):
    block: Block
    parts: tuple[SourcePart, ...]
    source: str
    facts: SourceFacts


class _Choice(NamedTuple):
    parts: tuple[SourcePart, ...]
    block: Block  # its last one
    lacks: frozenset[str]


def extract_program(answer: str, rules: AnswerRules) -> ExtractedProgram:
    """Return the program in an answer or, if no code in it defines the entry point, what comes nearest."""
    return _extract(rules.begun + answer, rules).behind(rules.begun)


def is_complete(answer: str, rules: AnswerRules, since: int = 0) -> bool:
    """Decide whether the answer ends with a closed block that completes the program, and that ends after `since`."""
    answer, since = rules.begun + answer, len(rules.begun) + since
    start = find_answer_start(answer, thinking=rules.thinking)
    code_blocks = _find_code_blocks(answer, start) if start is not None else []
    last = code_blocks[-1] if code_blocks else None
    if last is None or not last.closed or last.end <= since or answer[last.end :].strip():
        return False
    choice = _choose([_read_block(answer, block, rules) for block in code_blocks], answer, rules)
    return choice is not None and choice.block is last and not choice.lacks


def extract_open_program(answer: str, rules: AnswerRules) -> str | None:
    """Return the source in the block that is being written; None if no block of Python is open."""
    answer = rules.begun + answer
    start = find_answer_start(answer, thinking=rules.thinking)
    last = next(reversed(find_blocks(answer, start)), None) if start is not None else None
    if last is None or last.closed or not last.is_python:
        return None
    source = join_parts(answer, last.lines)
    body = bool(source) and source.lstrip("\r\n")[:1] in (" ", "\t")
    return f"{rules.code.rstrip()}\n{source}" if body and rules.code else source


def _extract(answer: str, rules: AnswerRules) -> ExtractedProgram:
    """Return the program in an answer that contains its beginning."""
    start = find_answer_start(answer, thinking=rules.thinking)
    if start is None:
        return ExtractedProgram(())
    code_blocks = _find_code_blocks(answer, start)
    candidates = [_read_block(answer, block, rules) for block in code_blocks]
    choice = _choose(candidates, answer, rules) or _search_prose(answer, start, rules)
    if choice is not None:
        return ExtractedProgram(choice.parts)
    nearest = [block for block in code_blocks if block.is_python] or code_blocks
    return ExtractedProgram(nearest[0].lines if nearest else (Span(start, len(answer)),))


def _find_code_blocks(answer: str, start: int) -> list[Block]:
    return [block for block in find_blocks(answer, start) if join_parts(answer, block.lines).strip()][-_MOST_BLOCKS:]


def _read_block(answer: str, block: Block, rules: AnswerRules) -> _Candidate:
    """Read a block as it stands, or without its margin, or, if that defines nothing, as the entry point's body."""
    plain = [_read_parts(answer, block, parts) for parts in (block.lines, _drop_margin(answer, block.lines))]
    whole = [each for each in plain if each.facts.compiles]
    if whole and whole[0].facts.defines:
        return whole[0]
    bodies = [_read_parts(answer, block, parts) for parts in _read_as_body(answer, block.lines, rules.code)]
    return next(each for each in (*(each for each in bodies if each.facts.compiles), *whole, *plain))


def _read_parts(answer: str, block: Block, parts: tuple[SourcePart, ...]) -> _Candidate:
    source = join_parts(answer, parts)
    return _Candidate(block, parts, source, inspect_source(source))


def _drop_margin(answer: str, lines: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the lines without the indentation that they share."""
    texts = [answer[slice(*line)] for line in lines]
    margin = min((len(text) - len(text.lstrip(" \t")) for text in texts if text.strip()), default=0)
    return tuple(
        Span(line.start + margin, line.end) if text.strip() else line for line, text in zip(lines, texts, strict=True)
    )


def _read_as_body(answer: str, lines: tuple[Span, ...], code: str) -> Iterable[tuple[SourcePart, ...]]:
    """Yield the lines as the continuation of the request's code; lines that return at the margin are indented."""
    body = join_parts(answer, lines)
    if code and body.lstrip("\r\n")[:1] in (" ", "\t"):
        yield (f"{code.rstrip()}\n", *lines)
    elif code and _RETURNS.search(body):
        blank = [not answer[slice(*line)].strip() for line in lines]
        indented_lines = ((line,) if empty else (_INDENT, line) for line, empty in zip(lines, blank, strict=True))
        yield (f"{code.rstrip()}\n", *(part for parts in indented_lines for part in parts))


def _choose(candidates: Sequence[_Candidate], answer: str, rules: AnswerRules) -> _Choice | None:
    for python in (True, False):
        among = [each for each in candidates if each.block.is_python is python]
        main = _find_last_defining(among, rules.entry_point)
        if main is not None:
            return _complete(main, candidates, answer, rules)
    return None


def _find_last_defining(candidates: Sequence[_Candidate], entry_point: str | None) -> _Candidate | None:
    """Return the last candidate that defines the entry point; without an entry point, a function or a class."""
    if entry_point is not None:
        return next((each for each in reversed(candidates) if entry_point in each.facts.defines), None)
    defining = [each for each in candidates if each.facts.functions]
    apart = [each for each in defining if any(not _USES.match(name) for name in each.facts.functions)]
    return next(reversed(apart or defining), None)


def _complete(main: _Candidate, candidates: Sequence[_Candidate], answer: str, rules: AnswerRules) -> _Choice:
    """Add to a candidate the others that define names which it lacks, and what the request has above its function."""
    taken, lacks, defines = [main], set(main.facts.lacks), set(main.facts.defines)
    while more := next(
        (c for c in candidates if lacks & c.facts.defines and not any(c is each for each in taken)), None
    ):
        taken.append(more)
        defines |= more.facts.defines
        lacks = (lacks | more.facts.lacks) - defines
    ordered = [each for each in candidates if any(each is other for other in taken)]
    parts = tuple(part for each in ordered for part in _end_line(each, answer))
    above = find_preamble(rules.code, rules.entry_point)
    known = inspect_source(above)
    everything = bool(lacks) and IMPORTS_EVERYTHING.search(above) is not None
    if everything or lacks & known.defines or known.functions - defines:
        parts, lacks = (above, *parts), set() if everything else lacks - known.defines
    return _Choice(_move_futures_first(parts, answer), ordered[-1].block, frozenset(lacks))


def _end_line(candidate: _Candidate, answer: str) -> tuple[SourcePart, ...]:
    return candidate.parts if candidate.source.endswith("\n") else (*candidate.parts, "\n")


def find_preamble(code: str, entry_point: str | None) -> str:
    """Return the imports and functions that a request has above its last function; nothing if they are not Python."""
    begins = list(re.finditer(rf"^(?:async )?def {re.escape(entry_point or '')}\b", code, re.MULTILINE))
    lines = code[: begins[-1].start()].splitlines(keepends=True) if begins and entry_point else []
    while lines and lines[-1].startswith("@"):
        lines.pop()
    above = "".join(lines)
    return above if above.strip() and inspect_source(above).compiles else ""


def _move_futures_first(parts: tuple[SourcePart, ...], answer: str) -> tuple[SourcePart, ...]:
    """Move imports from __future__ to the front, where Python requires them."""
    first, rest = list[SourcePart](), list[SourcePart]()
    for part in parts:
        text = join_parts(answer, (part,))
        moved = _FUTURE.match(text) if len(first) < len(parts) else None
        if moved is None:
            rest.append(part)
        elif isinstance(part, str):
            first.append(moved[0])
            rest.append(part[moved.end() :])
        else:
            first.append(Span(part.start, part.start + moved.end()))
            rest.append(Span(part.start + moved.end(), part.end))
    return (*first, *rest) if first else parts


def _search_prose(answer: str, start: int, rules: AnswerRules) -> _Choice | None:
    """Find the program outside of blocks: the longest run of lines that defines the entry point, or is its body."""
    none = Block("", (), len(answer), closed=False)
    readings = [_read_parts(answer, none, parts) for parts in find_statement_runs(answer, start)]
    readings.sort(key=lambda each: len(each.source))
    main = _find_last_defining(readings, rules.entry_point)
    if main is not None:
        return _complete(main, [main], answer, rules)
    bodies = [
        parts for lines in find_indented_runs(answer, start) for parts in _read_as_body(answer, lines, rules.code)
    ]
    whole = [parts for parts in bodies if inspect_source(join_parts(answer, parts)).compiles]
    longest = max(whole, key=lambda parts: len(join_parts(answer, parts)), default=None)
    return None if longest is None else _Choice(longest, none, frozenset())
