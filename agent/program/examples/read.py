"""Read the visible examples of a prompt: interpreter sessions, asserts, and lines such as `f(2) ➞ 4`."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from agent.program.examples.asserts import read_tests
from agent.program.examples.doctests import DoctestReader
from agent.program.examples.example import Example, ReadExamples
from agent.program.separation.scope import NotSeparableError, Scope
from agent.program.syntax import PARSE_ERRORS, find_bound_names, parse, read_expression, read_literal

_LONGEST_LINE = 2_000  # characters of a line that is looked at
_MOST_ARROWS = 8  # arrows of a line that are tried
_RECORDS = {"dataclass", "NamedTuple", "Enum"}


class Definitions(NamedTuple):
    """The names that a prompt defines, or begins to define."""

    names: set[str]
    classes: set[str]
    records: set[str]  # classes that are no more than their fields
    waits: set[str]  # functions that return coroutines


def visible_examples(request: str) -> list[Example]:
    """Return the examples of a prompt that can be checked."""
    return read_examples(request).examples


def read_examples(request: str) -> ReadExamples:
    """Return the examples of a prompt, docstring by docstring, and the lines that cannot be parsed."""
    reading, defined = ReadExamples([], []), find_definitions(request)
    for number, docstring in enumerate(_find_docstrings(request)):
        scope = Scope(defined.names, defined.classes, defined.records, closed=bool(defined.names))
        session = DoctestReader(scope, waits=defined.waits, prints=_prints(request, docstring), number=number)
        session.read(docstring)
        lines = _read_lines(docstring, defined)
        reading.examples.extend([*session.examples, *(replace(example, session=number) for example in lines.examples)])
        reading.unparsed.extend([*session.unparsed, *lines.unparsed])
    return reading


def find_definitions(request: str) -> Definitions:
    """Return the names that a prompt defines at its top level."""
    tree = _parse_prompt(request)
    body = tree.body if tree else []
    names = {name for statement in body for name in find_bound_names(statement)}
    names |= set(re.findall(r"^(?:async )?def (\w+)", request, re.MULTILINE))
    classes = set(re.findall(r"^class (\w+)", request, re.MULTILINE))
    waits = set(re.findall(r"^async def (\w+)", request, re.MULTILINE))
    records = {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef)
        and {word for part in (*node.decorator_list, *node.bases) for word in re.findall(r"\w+", ast.unparse(part))}
        & _RECORDS
        and not _compares_in_its_own_way(node)
    }
    return Definitions(names | classes, classes, records, waits)


def _compares_in_its_own_way(group: ast.ClassDef) -> bool:
    own = any(isinstance(each, ast.FunctionDef) and each.name == "__eq__" for each in group.body)
    return own or any("eq=False" in ast.unparse(decorator) for decorator in group.decorator_list)


def _parse_prompt(request: str) -> ast.Module | None:
    """Return the syntax tree of a prompt, with a body for the function that it begins if it needs one."""
    trees = (parse(request.rstrip() + ending) for ending in ("\n    pass\n", "\n", "\n        pass\n"))
    return next((tree for tree in trees if tree is not None), None)


def _find_docstrings(request: str) -> list[str]:
    tree = _parse_prompt(request)
    if tree is None:
        return [request]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return [text for text in texts if text]


def _prints(request: str, docstring: str) -> bool:
    """Decide whether shown outputs are printed, not returned: the prose says "print", or the function returns None."""
    prose = "\n".join(line for line in docstring.splitlines() if not line.strip().startswith((">>>", "...")))
    last = [line for line in request.splitlines() if re.match(r"(async )?def ", line)]
    return bool(re.search(r"\bprint(s|ed|ing)?\b", prose, re.IGNORECASE)) or ("-> None:" in last[-1] if last else False)


def _read_lines(docstring: str, defined: Definitions) -> ReadExamples:
    """Read the lines of a docstring outside of its sessions."""
    reading, general = ReadExamples([], []), _find_recurrences(docstring)
    for line in (line.strip() for line in docstring.splitlines()):
        if re.match(r"assert\b\s*[^\s,.]", line):
            examples = _read_assert(line, defined.waits)
            reading.examples.extend(examples)
            reading.unparsed.extend([] if examples else [line])
        elif not line.startswith((">>>", "...")) and len(line) <= _LONGEST_LINE:
            try:
                examples, looks = _read_equation(line, defined.names - defined.waits - general)
            except PARSE_ERRORS:  # a number too long to write again
                examples, looks = [], True
            reading.examples.extend(examples)
            reading.unparsed.extend([line] if looks and not examples else [])
    return reading


def _find_recurrences(docstring: str) -> set[str]:
    """Return the functions that a line defines, as the recurrence `f(n) = …` does: their lines are no examples."""
    return set(re.findall(r"\b(\w+)\s*\(\s*[a-zA-Z_]\w*\s*\)\s*=(?![=>])", docstring))


def _read_assert(line: str, waits: Collection[str]) -> list[Example]:
    try:
        examples = read_tests(line).examples
    except (SyntaxError, NotSeparableError):  # prose that begins with the word, or an assert that cannot be separated
        return []
    return [] if any(re.search(rf"\b{name}\(", line) for name in waits) else examples


_ARROW = re.compile(
    r"\s*(?:==>|=>|➞|➔|→|⇒|⟶|⟹|-->|->|==|=|\breturns?\b|\bshould (?:return|be|give)\b|\bgives?\b|\byields?\b"
    r"|\bevaluates to\b|\bis equal to\b|\bequals\b|\bis\b)\s*"
)
_SIGN = re.compile(r"\s*[=>➞➔→⇒⟶⟹]")
_BULLET = re.compile(r"^(?:[-*•+]|\(?\d{1,3}[.)])\s+")


def _read_equation(line: str, defined: Collection[str]) -> tuple[list[Example], bool]:
    """Return the example of a line that holds a call with literals, an arrow and a literal; none for another line.

    Also return whether the line looks like an example.
    """
    text = _BULLET.sub("", line).replace("`", "")
    looks = bool(defined) and any(
        _read_literal_call(text[: sign.start()].rstrip("-= "), defined) for sign in _first(_SIGN, text)
    )
    for arrow in _first(_ARROW, text):
        call = _read_literal_call(text[: arrow.start()], defined)
        if call is None:
            continue
        wanted = read_expression(text[arrow.end() :].strip().rstrip(" .,;"))
        if wanted is not None and read_literal(wanted) is not None:
            value = ast.unparse(wanted)
            return [Example(f"{call} == {value}", (call,), f"_0 == {value}")], True
    return [], looks


def _first(pattern: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    return islice(pattern.finditer(text), _MOST_ARROWS)


def _read_literal_call(source: str, defined: Collection[str]) -> str | None:
    match read_expression(source.strip()):
        case ast.Call(ast.Name(name), arguments, keywords) as call if name in defined:
            values = [*arguments, *(keyword.value for keyword in keywords)]
            return ast.unparse(call) if all(read_literal(value) is not None for value in values) else None
    return None
