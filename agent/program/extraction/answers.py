"""Extract the program from a chat model's answer.

The program is the last block of Python that defines the entry point, together with the blocks that write the
request's other stubs, with the code that defines names which it lacks, and with what the request has above the entry
point. The model's thought before the answer is not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.program.extraction.facts import IMPORTS_EVERYTHING, inspect_source
from agent.program.extraction.fences import Block, find_blocks
from agent.program.extraction.parts import ExtractedProgram, SourcePart, Span, join_parts
from agent.program.extraction.pieces import AnswerRules, CodePiece, read_blocks, read_bodies, read_prose
from agent.program.extraction.thoughts import find_answer_start
from agent.program.syntax import find_stubs, is_degenerate

_USES = re.compile(r"test|main$|demo|example", re.IGNORECASE)  # functions with such names use the entry point
_FUTURE = re.compile(r"^from __future__ import [^\n]*\n?", re.MULTILINE)


class _Answer(NamedTuple):
    """A whole answer, with its beginning, and the blocks in it."""

    text: str
    start: int  # of what follows the thought
    rules: AnswerRules
    blocks: list[CodePiece]


class _Choice(NamedTuple):
    parts: tuple[SourcePart, ...]
    block: Block | None  # its last one
    whole: bool  # it lacks no name, and the entry point has a body


def extract_program(answer: str, rules: AnswerRules) -> ExtractedProgram:
    """Return the program in an answer or, if no code in it defines the entry point, what comes nearest."""
    read = _read_answer(answer, rules)
    if read is None:
        return ExtractedProgram(())
    choice = _choose_block(read) or _choose_prose(read) or _choose_script(read)
    if choice is None:
        blocks = [each.block for each in read.blocks if each.block]
        nearest = [block for block in blocks if block.is_python] or blocks
        choice = _Choice(nearest[0].lines if nearest else (Span(read.start, len(read.text)),), None, whole=False)
    return ExtractedProgram(choice.parts).behind(rules.opening)


def is_complete(answer: str, rules: AnswerRules, since: int = 0) -> bool:
    """Decide whether the answer ends with a closed block that completes the program, and that ends after `since`."""
    read = _read_answer(answer, rules)
    last = read.blocks[-1].block if read and read.blocks else None
    if read is None or last is None or not last.closed or last.end <= len(rules.opening) + since:
        return False
    choice = None if read.text[last.end :].strip() else _choose_block(read) or _choose_script(read)
    return choice is not None and choice.block is last and choice.whole


def is_whole(answer: str, rules: AnswerRules) -> bool:
    """Decide whether the answer ends inside a block of Python that makes the program whole as it stands."""
    source = extract_open_program(answer, rules)
    if source is None or not inspect_source(source).compiles:
        return False
    read = _read_answer(answer, rules)
    choice = _choose_block(read) if read else None
    return read is not None and choice is not None and choice.block is read.blocks[-1].block and choice.whole


def extract_open_program(answer: str, rules: AnswerRules) -> str | None:
    """Return the source in the block that is being written; None if no block of Python is open."""
    answer = rules.opening + answer
    start = find_answer_start(answer, thinking=rules.thinking, has_opening=bool(rules.opening))
    last = next(reversed(find_blocks(answer, start)), None) if start is not None else None
    if last is None or last.closed or not last.is_python:
        return None
    source = join_parts(answer, last.lines)
    body = bool(source) and source.lstrip("\r\n")[:1] in (" ", "\t")
    return f"{rules.code.rstrip()}\n{source}" if body and rules.code else source


def _read_answer(answer: str, rules: AnswerRules) -> _Answer | None:
    """Return the answer with the blocks in it; None while the model thinks."""
    text = rules.opening + answer
    start = find_answer_start(text, thinking=rules.thinking, has_opening=bool(rules.opening))
    return None if start is None else _Answer(text, start, rules, read_blocks(text, start, rules))


def _choose_block(answer: _Answer) -> _Choice | None:
    """Choose among the blocks; those of another language only where no block of Python defines the entry point."""
    for python in (True, False):
        among = [each for each in answer.blocks if each.block and each.block.is_python is python]
        main = _find_last_defining(among, answer.rules.entry_point)
        if main is not None:
            return _complete(main, answer.blocks, answer)
    return None


def _choose_prose(answer: _Answer) -> _Choice | None:
    """Choose outside of blocks: the last run of lines that defines the entry point, or the longest that is its body."""
    runs = read_prose(answer.text, answer.start, answer.rules)
    main = _find_last_defining(runs, answer.rules.entry_point)
    if main is not None:
        return _complete(main, runs, answer)
    bodies = read_bodies(answer.text, answer.start, answer.rules)
    longest = max(bodies, key=lambda each: len(each.source), default=None)
    return None if longest is None else _Choice(longest.parts, None, whole=True)


def _choose_script(answer: _Answer) -> _Choice | None:
    """Choose, where nobody gave a name, the first block of Python that does something without defining a function."""
    if answer.rules.entry_point is not None:
        return None
    python = (each for each in answer.blocks if each.block and each.block.is_python and each.facts.compiles)
    main = next((each for each in python if not is_degenerate(each.source)), None)
    return None if main is None else _complete(main, answer.blocks, answer)


def _find_last_defining(pieces: Sequence[CodePiece], entry_point: str | None) -> CodePiece | None:
    """Return the last piece that defines the entry point; without an entry point, a function or a class.

    Pass over a stub, and over an excerpt of another piece: explanations quote them.
    """
    if entry_point is None:
        defining = [each for each in pieces if each.facts.functions]
        written = [each for each in defining if any(not _USES.match(name) for name in each.facts.functions)]
    else:
        defining = [each for each in pieces if entry_point in each.facts.defines]
        written = [each for each in defining if entry_point not in each.facts.stubs]
    among = written or defining
    texts = [_normalise_lines(each.source) for each in among]
    whole = [
        each
        for each, text in zip(among, texts, strict=True)
        if not any(text in other and text != other for other in texts)
    ]
    return whole[-1] if whole else None


def _normalise_lines(source: str) -> str:
    """Return the lines of code without indentation and comments on lines of their own, each behind a line break."""
    lines = (line.strip() for line in source.splitlines())
    return "".join(f"\n{line}" for line in lines if line and not line.startswith("#")) + "\n"


def _complete(main: CodePiece, pieces: Sequence[CodePiece], answer: _Answer) -> _Choice:
    """Add to a piece what defines the names that it lacks: other pieces, the request's code, prose.

    The functions of the request's code are added in any case, unless the answer defines them.
    """
    above = _read_preamble(answer.rules)
    taken = _add_asked(_add_defining([main], [*pieces, *above]), pieces, answer.rules)
    taken = _add_defining(taken, [*pieces, *above])
    starred = any(_find_lacks(taken) and IMPORTS_EVERYTHING.search(each.source) for each in above)
    missing = [each for each in above if starred or each.facts.functions - _find_defined(taken)]
    taken += [each for each in missing if each not in taken]
    prose = read_prose(answer.text, answer.start, answer.rules) if _find_lacks(taken) and not starred else []
    taken = _add_defining(taken, prose)
    ordered = [each for each in (*prose, *above, *pieces) if any(each is other for other in taken)]
    parts = tuple(part for each in ordered for part in _end_line(each))
    whole = (starred or not _find_lacks(taken)) and not _find_unwritten(ordered, answer.rules)
    return _Choice(_move_futures_first(parts, answer.text), ordered[-1].block, whole)


def _add_defining(taken: Sequence[CodePiece], pieces: Sequence[CodePiece]) -> list[CodePiece]:
    """Return what is taken and, one after another, the first piece that defines a name which is still lacking."""
    taken = list(taken)
    while more := next((each for each in pieces if _find_lacks(taken) & each.facts.defines), None):
        taken.append(more)
    return taken


def _add_asked(taken: Sequence[CodePiece], pieces: Sequence[CodePiece], rules: AnswerRules) -> list[CodePiece]:
    """Return what is taken and the last pieces that write what else was asked for.

    That is what the request leaves to write or, where nobody gave a name, all functions that are no tests.
    """
    taken = list(taken)
    if rules.entry_point is None:
        for each in reversed(pieces):
            if any(not _USES.match(name) for name in each.facts.functions - _find_defined(taken)):
                taken.append(each)
        return taken
    for name in _find_unwritten(taken, rules):
        piece = _find_last_defining(pieces, name)
        if piece is not None and all(piece is not each for each in taken):
            taken.append(piece)
    return taken


def _find_unwritten(pieces: Sequence[CodePiece], rules: AnswerRules) -> list[str]:
    """Return what was asked for and what the last of these pieces that defines it does not write."""
    asked = dict.fromkeys((*find_stubs(rules.code), *([rules.entry_point] if rules.entry_point else [])))
    last = {name: each for each in pieces for name in each.facts.defines}
    return [name for name in asked if name not in last or name in last[name].facts.stubs]


def _find_defined(pieces: Sequence[CodePiece]) -> set[str]:
    return {name for each in pieces for name in each.facts.defines}


def _find_lacks(pieces: Sequence[CodePiece]) -> set[str]:
    """Return the names that these pieces read and none of them defines."""
    return {name for each in pieces for name in each.facts.lacks} - _find_defined(pieces)


def _end_line(piece: CodePiece) -> tuple[SourcePart, ...]:
    return piece.parts if piece.source.endswith("\n") else (*piece.parts, "\n")


def _read_preamble(rules: AnswerRules) -> list[CodePiece]:
    above = find_preamble(rules.code, rules.entry_point)
    return [CodePiece(None, (above,), above, inspect_source(above))] if above else []


def find_preamble(code: str, entry_point: str | None) -> str:
    """Return the imports and functions that a request has above its last function; nothing if they are not Python."""
    begins = list(re.finditer(rf"^(?:(?:async )?def|class) {re.escape(entry_point or '')}\b", code, re.MULTILINE))
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
