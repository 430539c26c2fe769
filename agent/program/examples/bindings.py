"""Read examples that give the arguments by name: `Input: n = 3 / Output: 4`, `For n = 3 the output should be 4`.

Names that the prompt does not have, and values without names, are taken by their place if there is one for each.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from agent.program.examples.docstrings import Signature
from agent.program.examples.equations import SIGN, VERB
from agent.program.examples.notation import find_close, take_literal, take_value
from agent.program.examples.page import Page, ShownExample, first_matches
from agent.program.syntax import read_expression

_BINDING = re.compile(r"[\"']?\b([A-Za-z_]\w*)[\"']?\s*(?:==?|:|\bis equal to\b|\bequals\b|\bis\b)\s*")
_AND = re.compile(r"\s*(?:[,;&]\s*and\b|[,;&]|\band\b)?\s*")
_SUBJECT = (
    r"(?:(?:then|so|the|your|its|it|this|expected|final|correct|function|method|program|code|output|result|answer|value"
    r"|return|returned|solution|you|we|that|call)\s+){0,5}"
)
_LEADS = re.compile(rf"[.,:;]?(?!\s*\n\s*\n)\s*(?:{_SUBJECT}{VERB}:?|{SIGN})\s*", re.IGNORECASE)
_THE_OUTPUT = re.compile(rf"\b(?:output|result|answer|function|return value)\s+{VERB}\s*")
_GIVEN = re.compile(
    r"(?:^|\b(?:for|if|when|given|with|where|let|suppose|input)\s+)(?=[A-Za-z_]\w*\s*(?:=|:|is\b|equals\b))",
    re.IGNORECASE | re.MULTILINE,
)
_INPUT = re.compile(
    r"^(?:sample |test |example )?inputs?\s*\d*\s*[:=]\s*|^(?:sample|test|example) input\s*\d*$", re.IGNORECASE
)
_OUTPUT = re.compile(
    r"^(?:sample|test|example|expected) output\s*\d*$"
    r"|(?:^|[,;]?\s+|\s*(?:=>|->|→)\s*)(?:sample |expected )?(?:outputs?|result|expected|returns?)\s*\d*\s*[:=]\s*",
    re.IGNORECASE,
)
_RESULT = re.compile(
    rf"^(?:the\s+)?(?:returns?|result|output|expected(?: output)?|answer)\s*(?:is\b|should be\b|[:=]|{SIGN})?\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+$")
_KIND = re.compile(
    r"(?:none|any|true|false|integers?|ints?|floats?|numbers?|str(?:ing)?s?|lists?|arrays?|tuples?|dict(?:ionary)?|sets?"
    r"|bool(?:ean)?s?|bytes|objects?|values?|results?|words?|texts?|paths?|files?)$",
    re.IGNORECASE,
)
_STEP = re.compile(rf"^(?:{SIGN}|#)")
_MOST_LINES = 12  # of one input
_MOST_NAMES = 20  # of one example


class _Bindings(NamedTuple):
    """Arguments in a text: by name, or without names, and where they end."""

    names: list[str]
    values: list[ast.expr]
    end: int


def read_input_blocks(page: Page, signature: Signature | None) -> Iterator[ShownExample]:
    """Yield the examples of blocks that say `Input: …` and `Output: …`. Without a signature none can be read."""
    for number, line in enumerate(page.lines):
        if not (begin := _INPUT.match(line)):
            continue
        text, first, last = _collect_input(page, number, begin.end())
        if first is None:
            continue
        joined, last = _join_value(page, first, last)
        value = take_value(joined, 0)
        call = _read_arguments(text, signature)
        source = f"{line} {page.lines[number + 1]}" if last > number else line
        if call and value and not page.goes_on(last, is_text=True):
            yield ShownExample(number, last, source, call, value.tree, loose=value.loose, named=False)
        elif call or value or (_is_datum(text) and _is_datum(joined)):
            yield ShownExample(number, last, source)


def _is_datum(text: str) -> bool:
    """Decide whether a text is one value, or a word that may be a string without quotes and names no kind of value."""
    word = _WORD.match(text.strip())
    return take_literal(text) is not None or (word is not None and _KIND.match(word[0]) is None)


def _collect_input(page: Page, number: int, start: int) -> tuple[str, int | None, int]:
    """Return the text of an input, the line of its output and the place of the value there."""
    parts = list[str]()
    for at in range(number, min(number + _MOST_LINES, len(page.lines))):
        line = page.lines[at]
        begin = start if at == number else 0
        output = _OUTPUT.search(line, begin)
        if output and (at == number or output.start() == 0):
            parts.append(line[begin : output.start()])
            return _join_parts(parts), at, output.end()
        if (not line and any(parts) and not _is_output(page, at + 1)) or (at > number and _INPUT.match(line)):
            break
        parts.append(line[begin:])
    return "", None, 0


def _is_output(page: Page, number: int) -> bool:
    """Decide whether a line begins with the word for the output."""
    output = _OUTPUT.search(page.lines[number]) if number < len(page.lines) else None
    return output is not None and output.start() == 0


def _join_parts(parts: list[str]) -> str:
    """Return the lines of an input as one, with commas where a line ends a value."""
    text = ""
    for part in filter(None, (part.strip().rstrip(",;") for part in parts)):
        opened = text.count("[") > text.count("]") or text.count("{") > text.count("}")
        text = f"{text}{' ' if opened and text.endswith(',') else ', '}{part}" if text else part
    return text


def _join_value(page: Page, number: int, start: int) -> tuple[str, int]:
    """Return the text of a value that begins on a line or on the next one, and its last line."""
    if not page.lines[number][start:].strip() and number + 1 < len(page.lines):
        number, start = number + 1, 0
    line = page.lines[number]
    if line[start : start + 1] in ("[", "(", "{") and find_close(line, start) is None:
        line, number = page.join(number, start)
    return line[start:], number


def _read_arguments(text: str, signature: Signature | None) -> ast.Call | None:
    """Return the call that the text of an input stands for; None unless it names each argument once."""
    if signature is None:
        return None
    call = read_expression(text)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        return call if call.func.id == signature.name else None
    bindings = _take_bindings(text, 0)
    if bindings is None:
        bindings = _take_values(text)
    whole = bindings is not None and not text[bindings.end :].strip(" .,;")
    return _build_call(bindings, signature) if bindings and whole else None


def _take_bindings(text: str, start: int) -> _Bindings | None:
    """Return the names and values that begin at a place of a text."""
    names, values, at = list[str](), list[ast.expr](), start
    end = start
    while len(names) < _MOST_NAMES and (binding := _BINDING.match(text, at)):
        value = take_literal(text, binding.end())
        if value is None:
            break
        names.append(binding[1])
        values.append(value.tree)
        end = value.end
        separator = _AND.match(text, end)
        at = separator.end() if separator else end
    return _Bindings(names, values, end) if names else None


def _take_values(text: str) -> _Bindings | None:
    values, at = list[ast.expr](), 0
    while value := take_literal(text, at):
        values.append(value.tree)
        at = value.end
        if not (comma := re.compile(r"\s*,\s*").match(text, at)):
            break
        at = comma.end()
    return _Bindings([], values, at) if values else None


def _build_call(bindings: _Bindings, signature: Signature, *, strict: bool = False) -> ast.Call | None:
    """Return the call with these arguments. strict: each name must be a parameter's."""
    names, values, parameters = bindings.names, bindings.values, signature.parameters
    function = ast.Name(signature.name, ast.Load())
    if names and set(names) <= set(parameters):
        if names == list(parameters[: len(names)]):
            call = ast.Call(function, values, [])
        else:
            call = ast.Call(function, [], [ast.keyword(*pair) for pair in zip(names, values, strict=True)])
        return call if signature.fits(call) else None
    if strict or len(values) != len(parameters):
        return None
    misplaced = any(name in parameters and parameters[at] != name for at, name in enumerate(names))
    return None if misplaced else ast.Call(function, values, [])


def read_sentences(page: Page, signature: Signature | None) -> Iterator[ShownExample]:
    """Yield the examples of prose that binds each parameter and says what is returned.

    Without a signature nobody knows what is called, so that none can be read.
    """
    text = "\n".join(page.lines)
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    for given in first_matches(_GIVEN, text, most=200):
        bindings = _take_bindings(text, given.end())
        call = _build_call(bindings, signature, strict=True) if bindings and signature else None
        if bindings is None or (signature and call is None):
            continue
        lead = _LEADS.match(text, bindings.end) or _find_output(text, bindings.end)
        if lead is None:
            continue
        first = bisect_right(starts, given.end()) - 1
        value = take_value(text, lead.end())
        if value and call:
            last = bisect_right(starts, value.end) - 1
            yield ShownExample(first, last, "", call, value.tree, loose=value.loose, named=False)
        elif value or page.under_heading[first]:
            yield ShownExample(first, first, page.lines[first])


def _find_output(text: str, start: int) -> re.Match[str] | None:
    """Return what leads to the value, later in the sentence: `, the sum will be 6 and the output should be`."""
    end = text.find("\n", start)
    line = text[start : len(text) if end < 0 else end]
    leads = list(first_matches(_THE_OUTPUT, line))
    if not line.startswith((",", ":")) or len(leads) != 1 or re.search(r"\.\s", line[: leads[0].start()]):
        return None
    return _THE_OUTPUT.search(text, start)


def read_assignments(page: Page, signature: Signature) -> Iterator[ShownExample]:
    """Yield the examples that assign each parameter on lines of their own, and show the result below."""
    number = 0
    while number < len(page.lines):
        first, text = number, ""
        while number < len(page.lines) and (bindings := _take_bindings(page.lines[number], 0)):
            if page.lines[number][bindings.end :].strip(" .,;") or not {*bindings.names} <= {*signature.parameters}:
                break
            text = f"{text}, {page.lines[number]}" if text else page.lines[number]
            number += 1
        bindings = _take_bindings(text, 0) if text else None
        call = _build_call(bindings, signature, strict=True) if bindings else None
        if call:
            yield from _read_result(page, first, number, call)
        number = max(number, first + 1)


def _read_result(page: Page, first: int, number: int, call: ast.Call) -> Iterator[ShownExample]:
    """Yield the example of a call whose result stands below it, with nothing but steps on the way."""
    while number < len(page.lines) and _STEP.match(page.lines[number]):
        number += 1
    result = _RESULT.match(page.lines[number]) if number < len(page.lines) else None
    if result and (value := take_value(page.lines[number], result.end())):
        yield ShownExample(first, number, "", call, value.tree, loose=value.loose, named=False)
