"""Read the visible examples of a prompt: sessions, asserts, and what lines, blocks, sentences and tables show."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from agent.program.examples.asserts import read_tests
from agent.program.examples.bindings import read_assignments, read_input_blocks, read_sentences
from agent.program.examples.docstrings import (
    Definitions,
    Docstring,
    Signature,
    find_definitions,
    find_docstrings,
    find_signatures,
    parse_prompt,
)
from agent.program.examples.doctests import DoctestReader
from agent.program.examples.equations import SIGN, read_equations, read_line
from agent.program.examples.example import Example, ReadExamples
from agent.program.examples.meaning import Surroundings, may_be_reordered, settle_examples
from agent.program.examples.notation import take_value
from agent.program.examples.page import LONGEST_SHOWN_LINE, Page, ShownExample, first_matches, read_page
from agent.program.examples.pairs import read_pairs, read_tables
from agent.program.examples.retractions import corrects
from agent.program.separation.scope import NotSeparableError, Scope
from agent.program.syntax import find_free_names, parse, read_expression

_ASSERT = re.compile(r"assert\b\s*[^\s,.]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # all but the end of a line
_MOST_JOINED = 30  # lines of one assert
_PYTHONS = frozenset(dir(builtins)) | sys.stdlib_module_names


class _Line(NamedTuple):
    """An example, or a text that looks like one, and the line on which it begins."""

    line: int
    example: Example | None
    source: str = ""


def visible_examples(request: str) -> list[Example]:
    """Return the examples of a prompt that can be checked."""
    return read_examples(request).examples


def read_examples(request: str) -> ReadExamples:
    """Return the examples of a prompt, docstring by docstring, and the lines that cannot be parsed."""
    reading, prompt = ReadExamples([], []), _read_prompt(request)
    for number, docstring in enumerate(find_docstrings(request, prompt.tree)):
        # An escape that Python has replaced may have cut an example in two, or left a tab that a session expands.
        texts = dict.fromkeys((docstring.text, docstring.written))
        if _CONTROL.search(docstring.text):
            texts = dict.fromkeys((docstring.written, docstring.text))
        readings = [_read_docstring(prompt, replace(docstring, text=text), number) for text in texts]
        best = min(readings, key=lambda each: (len(each.unparsed), -len(each.examples)))
        reading.examples.extend(best.examples)
        reading.unparsed.extend(best.unparsed)
    return reading


def find_example_lines(request: str, text: str) -> set[int]:
    """Return the numbers of the lines of a text of the request, below headings, that show examples outside sessions."""
    prompt = _read_prompt(request)
    page = read_page(Docstring(text, text, next(reversed(prompt.signatures.values()), None)))
    shown = _settle(prompt, page, prints=False)
    return {line for each in shown if each.call for line in each.lines if page.under_heading[line]}


class _Prompt(NamedTuple):
    """A request, and what it defines."""

    request: str
    tree: ast.Module | None
    defined: Definitions
    signatures: dict[str, Signature]


def _read_prompt(request: str) -> _Prompt:
    tree = parse_prompt(request)
    return _Prompt(request, tree, find_definitions(request, tree), find_signatures(tree))


def _read_docstring(prompt: _Prompt, docstring: Docstring, number: int) -> ReadExamples:
    defined = prompt.defined
    scope = Scope(defined.names, defined.classes, defined.records, closed=bool(defined.names))
    prints = _prints(prompt.request, docstring.text)
    session = DoctestReader(scope, waits=defined.waits, prints=prints, number=number)
    page = read_page(docstring)
    text, taken_back = _split_session(page)
    session.read(text)
    asserts, shown = _read_asserts(page, docstring.text, defined)
    lines = [*asserts, *_list_lines(_settle(prompt, page, shown, prints=prints), page)]
    lines.sort(key=lambda each: each.line)
    lines += _find_unread_headings(page, lines)
    examples = [*session.examples, *(replace(each.example, session=number) for each in lines if each.example)]
    reordered = [each for each in examples if may_be_reordered(_find_expected(each), docstring.text)]
    unparsed = [each.source for each in lines if each.example is None]
    lists = [*session.unparsed, *taken_back, *(each.source for each in reordered), *unparsed]
    return ReadExamples([each for each in examples if each not in reordered], [*dict.fromkeys(lists)])


def _find_expected(example: Example) -> ast.expr | None:
    """Return the literal that an example compares its value with, if that is all it expects."""
    match read_expression(example.expected or ""):
        case ast.Compare(ast.Name("_0"), [ast.Eq()], [literal]):
            return literal
    return None


def _split_session(page: Page) -> tuple[str, list[str]]:
    """Return a docstring without the inputs of sessions below a heading such as `Wrong:`, and these inputs."""
    lines = page.docstring.text.splitlines()
    below = [back and line.lstrip().startswith(">>>") for back, line in zip(page.taken_back, lines, strict=True)]
    kept = ["" if back else line for back, line in zip(below, lines, strict=True)]
    return "\n".join(kept), [line.strip() for back, line in zip(below, lines, strict=True) if back]


def _settle(prompt: _Prompt, page: Page, asserts: Sequence[ShownExample] = (), *, prints: bool) -> list[ShownExample]:
    """Return what a page shows outside of sessions, with one meaning each."""
    functions = prompt.defined.names - prompt.defined.classes
    around = Surroundings(prompt.request, page, prompt.defined, prompt.signatures, prints)
    return settle_examples([*asserts, *_read_shown(page, functions)], around)


def _read_shown(page: Page, functions: set[str]) -> Iterator[ShownExample]:
    """Yield what each way of showing finds."""
    yield from read_equations(page, functions)
    signature = page.docstring.function
    yield from read_input_blocks(page, signature)
    yield from read_sentences(page, signature)
    if signature:
        for read in (read_assignments, read_pairs, read_tables):
            yield from read(page, signature)


def _list_lines(settled: Sequence[ShownExample], page: Page) -> Iterator[_Line]:
    """Yield the examples, and the lines that no way of showing could read."""
    read = {line for each in settled if each.call for line in each.lines}
    for each in settled:
        if example := each.write():
            yield _Line(each.line, example)
        elif each.taken_back or not read & {*each.lines}:
            yield _Line(each.line, None, each.source or page.lines[each.line])


_SHOWS_VALUE = re.compile(rf"(?:{SIGN}|=|:\s)\s*(?=\S)")


def _find_unread_headings(page: Page, lines: Sequence[_Line]) -> Iterator[_Line]:
    """Yield one line for each heading whose examples are neither read nor listed: the first one with a value."""
    ends = [*page.headings[1:], len(page.lines)]
    sessions = [line.strip().startswith(">>>") for line in page.docstring.text.splitlines()]
    for heading, end in zip(page.headings, ends, strict=False):
        below = [line for line in range(heading + 1, end) if page.under_heading[line]]
        if any(sessions[heading:end]) or any(each.line in below for each in lines):
            continue
        texts = (page.lines[line] for line in below)
        shown = next((text for text in texts if _shows_value(text)), None)
        if shown is not None:
            yield _Line(heading, None, shown)


def _shows_value(text: str) -> bool:
    return any(take_value(text, sign.end()) is not None for sign in first_matches(_SHOWS_VALUE, text))


def _read_asserts(page: Page, text: str, defined: Definitions) -> tuple[list[_Line], list[ShownExample]]:
    """Return the asserts of a docstring, and those that Python cannot read as other lines are read."""
    lines, shown = list[_Line](), list[ShownExample]()
    raw = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(raw):
        if not _ASSERT.match(line) or not page.lines[number]:
            continue
        source, last = _join_assert(raw, number)
        examples = [] if _is_taken_back(page, number, source) else _read_assert(source, defined)
        equations = [] if examples else [each for each in read_line(source, defined.names) if not each.has_words]
        lines += [_Line(number, example) for example in examples]
        shown += [each._replace(line=number, last=last) for each in equations]
        if not examples and not equations:
            lines.append(_Line(number, None, line))
        page.lines[number : last + 1] = [""] * (last + 1 - number)
    return lines, shown


def _is_taken_back(page: Page, number: int, source: str) -> bool:
    comment = source.find("#")
    return page.taken_back[number] or (comment >= 0 and corrects(source[comment:]))


def _join_assert(lines: Sequence[str], number: int) -> tuple[str, int]:
    """Return an assert with the lines below it that its brackets need, and the last one."""
    for last in range(number, min(number + _MOST_JOINED, len(lines))):
        source = "\n".join(lines[number : last + 1])
        if (last > number and not lines[last]) or len(source) > LONGEST_SHOWN_LINE:
            break
        if parse(source):
            return source, last
    return lines[number], number


def _read_assert(source: str, defined: Definitions) -> list[Example]:
    """Return the examples of an assert; none for prose that begins with the word, or for what cannot be separated.

    It may name what the prompt defines, or, where that is nothing, the functions that it calls; even a builtin one.
    """
    names, called = _find_asked(source)
    if any(re.search(rf"\b{name}\(", source) for name in defined.waits) or names - (defined.names or called):
        return []
    first = re.match(r"assert\s+(\w+)\(", source)
    asked = {first[1]} if first and not defined.names and first[1] in dir(builtins) else set[str]()
    for program in (set[str](), asked):
        try:
            return read_tests(source, program=program).examples
        except (SyntaxError, NotSeparableError):
            continue
    return []


def _find_asked(source: str) -> tuple[set[str], set[str]]:
    """Return the names in a piece of code that are neither Python's nor its own, and those among its names it calls."""
    tree = parse(source)
    if tree is None or not tree.body:
        return set(), set()
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    return find_free_names(tree.body[0]) - _PYTHONS, called


def _prints(request: str, docstring: str) -> bool:
    """Decide whether shown outputs are printed, not returned: the prose says "print", or the function returns None."""
    prose = "\n".join(line for line in docstring.splitlines() if not line.strip().startswith((">>>", "...")))
    last = [line for line in request.splitlines() if re.match(r"(async )?def ", line)]
    return bool(re.search(r"\bprint(s|ed|ing)?\b", prose, re.IGNORECASE)) or ("-> None:" in last[-1] if last else False)
