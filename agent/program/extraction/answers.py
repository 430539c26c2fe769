"""The program in a chat model's answer: which blocks it is, and what is put before them. Reads text; runs nothing.

It is the last block of Python that defines what was asked for. Blocks that define names which it lacks are joined to
it, and so is what the request has above the asked function. What the model thought before it answered is no part of it.
"""

from __future__ import annotations

import builtins
import re
import symtable
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.program.extraction.fences import Block, find_blocks
from agent.program.extraction.pieces import ExtractedProgram, SourcePart, Span, join_parts
from agent.program.extraction.prose import find_indented, find_statements
from agent.program.syntax import ignore_warnings

_MOST_BLOCKS = 60  # that are looked into, the last ones
_INDENT = "    "
_THOUGHT = re.compile(r"<(/?)(?:think|thinking|thought|reasoning|seed:think)>|\[(/?)THINK\]", re.IGNORECASE)
_ALONE = re.compile(r"^[ \t]*(?:</(?:think|thinking|thought|reasoning|seed:think)>|\[/THINK\])[ \t\r]*$", re.M | re.I)
_KNOWN = {*dir(builtins), "__name__", "__file__", "__doc__", "__builtins__"}
_USES = re.compile(r"test|main$|demo|example", re.IGNORECASE)  # names of functions that use what was asked for
_RETURNS = re.compile(r"^[ \t]*(?:return|yield)\b", re.MULTILINE)
_EVERYTHING = re.compile(r"^[ \t]*from [\w.]+ import \*", re.MULTILINE)
_FUTURE = re.compile(r"^from __future__ import [^\n]*\n?", re.MULTILINE)


class AnswerRules(NamedTuple):
    """What an answer was asked for."""

    code: str = ""  # the request where it is Python, else empty
    entry_point: str | None = None
    thinking: bool = False  # the prompt ends inside a thought


class SourceFacts(NamedTuple):
    """What is known of a source without running it."""

    compiles: bool = False
    defines: frozenset[str] = frozenset()  # names of its module
    functions: frozenset[str] = frozenset()  # and classes
    lacks: frozenset[str] = frozenset()  # names that it uses and nobody defines


class _Candidate(NamedTuple):
    block: Block
    parts: tuple[SourcePart, ...]
    source: str
    facts: SourceFacts


class _Choice(NamedTuple):
    parts: tuple[SourcePart, ...]
    block: Block  # the last one that it is made of
    lacks: frozenset[str]


def extract_program(answer: str, asked: AnswerRules) -> ExtractedProgram:
    """Return the program in an answer. Where nothing in it is the program, return what comes nearest."""
    start = find_answer_start(answer, thinking=asked.thinking)
    if start is None:
        return ExtractedProgram(())
    read = _blocks_with_code(answer, start)
    candidates = [_candidate(answer, block, asked) for block in read]
    choice = _chosen(candidates, answer, asked) or _among_prose(answer, start, asked)
    if choice is not None:
        return ExtractedProgram(choice.parts)
    nearest = [block for block in read if block.language in ("python", "")] or read
    return ExtractedProgram(nearest[0].lines if nearest else (Span(start, len(answer)),))


def is_complete(answer: str, asked: AnswerRules, since: int = 0) -> bool:
    """Whether the answer ends with a closed block that makes it a program, and that block ends behind `since`."""
    start = find_answer_start(answer, thinking=asked.thinking)
    read = _blocks_with_code(answer, start) if start is not None else []
    if not read or not read[-1].closed or read[-1].end <= since or answer[read[-1].end :].strip():
        return False
    choice = _chosen([_candidate(answer, block, asked) for block in read], answer, asked)
    return choice is not None and choice.block is read[-1] and not choice.lacks


def extract_open_program(answer: str, asked: AnswerRules) -> str | None:
    """Return what stands in the block that is being written; None where no block of Python is open."""
    start = find_answer_start(answer, thinking=asked.thinking)
    read = find_blocks(answer, start) if start is not None else []
    if not read or read[-1].closed or read[-1].language not in ("python", ""):
        return None
    source = join_parts(answer, read[-1].lines)
    body = bool(source) and source.lstrip("\r\n")[:1] in (" ", "\t")
    return f"{asked.code.rstrip()}\n{source}" if body and asked.code else source


def find_answer_start(text: str, *, thinking: bool = False) -> int | None:
    """Return where the answer begins, behind the thought if there is one; None while the model thinks.

    thinking: the prompt opened the thought.
    """
    at = 0
    while True:
        first = len(text) - len(text[at:].lstrip())
        opening = _THOUGHT.match(text, first)
        if opening is not None and not (opening[1] or opening[2]):
            at, thinking = opening.end(), True
        elif not thinking:
            alone = _ALONE.search(text, at)  # nobody said that the prompt opens a thought, and it does
            return alone.end() if alone else at
        closing = next((tag for tag in _THOUGHT.finditer(text, at) if tag[1] or tag[2]), None)
        if closing is None:
            return None
        at, thinking = closing.end(), False
        if not _THOUGHT.match(text, len(text) - len(text[at:].lstrip())):
            return at


@lru_cache(maxsize=256)
def inspect_source(source: str) -> SourceFacts:
    """Return what is known of a source; of no Python, that it is none."""
    try:
        with ignore_warnings():
            compile(source, "program.py", "exec", dont_inherit=True)
            module = symtable.symtable(source, "program.py", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return SourceFacts()
    own = {each for each in module.get_symbols() if each.is_assigned() or each.is_imported()}
    tables, used = [module], set[str]()
    defines = {each.get_name() for each in own}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            outside = symbol.is_global() or (table is module and symbol not in own)
            if outside and symbol.is_referenced():
                used.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                defines.add(symbol.get_name())
    lacks = frozenset[str]() if _EVERYTHING.search(source) else frozenset(used - defines - _KNOWN)
    functions = frozenset(each.get_name() for each in own if each.is_namespace())
    return SourceFacts(True, frozenset(defines), functions, lacks)


def _blocks_with_code(answer: str, start: int) -> list[Block]:
    return [block for block in find_blocks(answer, start) if join_parts(answer, block.lines).strip()][-_MOST_BLOCKS:]


def _candidate(answer: str, block: Block, asked: AnswerRules) -> _Candidate:
    """Read a block as it stands, without its margin, or, where that defines nothing, as the asked function's body."""
    plain = [_read(answer, block, parts) for parts in (block.lines, _at_margin(answer, block.lines))]
    whole = [each for each in plain if each.facts.compiles]
    if whole and whole[0].facts.defines:
        return whole[0]
    bodies = [_read(answer, block, parts) for parts in _as_body(answer, block.lines, asked.code)]
    return next(each for each in (*(each for each in bodies if each.facts.compiles), *whole, *plain))


def _read(answer: str, block: Block, parts: tuple[SourcePart, ...]) -> _Candidate:
    source = join_parts(answer, parts)
    return _Candidate(block, parts, source, inspect_source(source))


def _at_margin(answer: str, lines: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the lines without the blanks that all of them begin with."""
    texts = [answer[slice(*line)] for line in lines]
    margin = min((len(text) - len(text.lstrip(" \t")) for text in texts if text.strip()), default=0)
    return tuple(
        Span(line.start + margin, line.end) if text.strip() else line for line, text in zip(lines, texts, strict=True)
    )


def _as_body(answer: str, lines: tuple[Span, ...], code: str) -> Iterable[tuple[SourcePart, ...]]:
    """Read the lines as what follows the request's code; what returns something at the margin is indented for it."""
    body = join_parts(answer, lines)
    if code and body.lstrip("\r\n")[:1] in (" ", "\t"):
        yield (f"{code.rstrip()}\n", *lines)
    elif code and _RETURNS.search(body):
        blank = [not answer[slice(*line)].strip() for line in lines]
        indented_lines = ((line,) if empty else (_INDENT, line) for line, empty in zip(lines, blank, strict=True))
        yield (f"{code.rstrip()}\n", *(part for parts in indented_lines for part in parts))


def _chosen(candidates: Sequence[_Candidate], answer: str, asked: AnswerRules) -> _Choice | None:
    for python in (True, False):
        among = [each for each in candidates if (each.block.language in ("python", "")) is python]
        main = _last_defining(among, asked.entry_point)
        if main is not None:
            return _completed(main, candidates, answer, asked)
    return None


def _last_defining(candidates: Sequence[_Candidate], entry_point: str | None) -> _Candidate | None:
    """Return the last candidate that defines what was asked for; where nobody gave a name, a function or a class."""
    if entry_point is not None:
        return next((each for each in reversed(candidates) if entry_point in each.facts.defines), None)
    defining = [each for each in candidates if each.facts.functions]
    apart = [each for each in defining if any(not _USES.match(name) for name in each.facts.functions)]
    return next(reversed(apart or defining), None)


def _completed(main: _Candidate, candidates: Sequence[_Candidate], answer: str, asked: AnswerRules) -> _Choice:
    """Join to a candidate the others that define names which it lacks, and what the request has above its function."""
    taken, lacks, defines = [main], set(main.facts.lacks), set(main.facts.defines)
    while more := next(
        (c for c in candidates if lacks & c.facts.defines and not any(c is each for each in taken)), None
    ):
        taken.append(more)
        defines |= more.facts.defines
        lacks = (lacks | more.facts.lacks) - defines
    ordered = [each for each in candidates if any(each is other for other in taken)]
    parts = tuple(part for each in ordered for part in _ended(each, answer))
    above = find_preamble(asked.code, asked.entry_point)
    known = inspect_source(above)
    everything = bool(lacks) and _EVERYTHING.search(above) is not None
    if everything or lacks & known.defines or known.functions - defines:
        parts, lacks = (above, *parts), set() if everything else lacks - known.defines
    return _Choice(_futures_first(parts, answer), ordered[-1].block, frozenset(lacks))


def _ended(candidate: _Candidate, answer: str) -> tuple[SourcePart, ...]:
    return candidate.parts if candidate.source.endswith("\n") else (*candidate.parts, "\n")


def find_preamble(code: str, entry_point: str | None) -> str:
    """Return what a request has above its function, imports and functions; nothing where that is no Python."""
    begins = list(re.finditer(rf"^(?:async )?def {re.escape(entry_point or '')}\b", code, re.MULTILINE))
    lines = code[: begins[-1].start()].splitlines(keepends=True) if begins and entry_point else []
    while lines and lines[-1].startswith("@"):
        lines.pop()
    above = "".join(lines)
    return above if above.strip() and inspect_source(above).compiles else ""


def _futures_first(parts: tuple[SourcePart, ...], answer: str) -> tuple[SourcePart, ...]:
    """Move imports from __future__ to the front, where Python wants them."""
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


def _among_prose(answer: str, start: int, asked: AnswerRules) -> _Choice | None:
    """Find the program where no block is it: the longest stretch of lines that defines it, or is its body."""
    none = Block("", (), len(answer), closed=False)
    readings = [_read(answer, none, parts) for parts in find_statements(answer, start)]
    readings.sort(key=lambda each: len(each.source))
    main = _last_defining(readings, asked.entry_point)
    if main is not None:
        return _completed(main, [main], answer, asked)
    bodies = [parts for lines in find_indented(answer, start) for parts in _as_body(answer, lines, asked.code)]
    whole = [parts for parts in bodies if inspect_source(join_parts(answer, parts)).compiles]
    longest = max(whole, key=lambda parts: len(join_parts(answer, parts)), default=None)
    return None if longest is None else _Choice(longest, none, frozenset())
