"""Write prompts as text in a style, and find the program in what a model wrote for one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.program.cases import MOST_CASES
from agent.program.examples.example import Example, find_required_names
from agent.program.extraction.answers import extract_program
from agent.program.extraction.parts import ExtractedProgram, Span
from agent.program.extraction.pieces import AnswerRules
from agent.program.stop_texts import find_margin_stop, find_stop_text
from agent.program.styles import FILL_TURN, PromptStyle, Turn
from agent.program.syntax import find_asked_name, find_entry_point, find_function_end, is_code, is_open

_FENCE = "```python\n"
_MOST_TESTS, _LONGEST_TEST = 8, 160  # tests that a prompt shows; characters of each


class PromptText(NamedTuple):
    """A prompt as text: the user's turn, and the text with which the answer begins."""

    user: str
    opening: str
    forbidden_first: str = ""  # what the completion's first token may not begin with


@dataclass(frozen=True, slots=True)
class CodeBeside:
    """Code that a prompt shows before the request: a file, or the program that the request changes."""

    title: str
    code: str


def write_prompt(
    request: str,
    style: PromptStyle,
    *,
    name: str | None = None,
    parameters: str = "",
    tests: Sequence[str] = (),
    beside: Sequence[CodeBeside] = (),
) -> PromptText:
    """Return the prompt for a request, which is Python to complete or a sentence.

    name: the function that the tests call; parameters: those that a sentence names for it. tests: given by a person
    besides the request. beside: code before it.
    """
    turn, code, test_lines = _choose_turn(request, style), is_code(request), _choose_test_lines(tests)
    defines = code and re.search(r"^(?:async def|def|class) ", request, re.MULTILINE)
    values = {
        # A prompt that ends in a newline splits the token that carries newline and indentation together.
        "request": request.strip("\n").rstrip() if code else request.strip(),
        "comment": _write_comment(request.strip().splitlines()),
        "head": f"def {name}({parameters}" if name and not defines else "",
        "kind": "class" if find_asked_name(request) and not find_entry_point(request) else "function",
        "naming": style.naming.format(name=name) if name and not code else "",
        "tests": style.tests.format(tests="\n".join(test_lines), comments=_write_comment(test_lines))
        if test_lines
        else "",
    }
    before = "".join(_show_code(each, style) for each in beside)
    return PromptText(before + turn.user.format(**values), turn.opening.format(**values), turn.forbidden_first)


def _show_code(beside: CodeBeside, style: PromptStyle) -> str:
    code = beside.code.strip("\n")
    return f"{beside.title}:\n{_FENCE}{code}\n```\n\n" if style.chat else f"{code}\n\n"


def read_opening_code(opening: str) -> str:
    """Return the code of the text with which an answer begins: what is behind its fence, if it has one."""
    return opening.partition(_FENCE)[2] if _FENCE in opening else opening


def write_repair_prompt(
    request: str,
    program: str,
    failure: str,
    style: PromptStyle,
    *,
    name: str | None = None,
    parameters: str = "",
    tests: Sequence[str] = (),
    beside: Sequence[CodeBeside] = (),
) -> PromptText:
    """Return the prompt that shows a failed program and its failure, and asks for a corrected one."""
    first = write_prompt(request, style, name=name, parameters=parameters, tests=tests, beside=beside)
    comments = _write_comment([line for line in failure.splitlines() if line.strip()])
    user = style.repair.format(question=first.user, program=program.strip(), failure=failure, comments=comments)
    return first._replace(user=user)


def write_cases_prompt(request: str, signature: str, name: str, style: PromptStyle) -> PromptText | None:
    """Return the prompt that asks for test cases; None in a style that has none.

    signature: of a function or class that answers the request, without its code.
    """
    if style.cases is None:
        return None
    values = {
        "request": "" if is_code(request) else request.strip(),
        "signature": request.strip("\n").rstrip() if is_code(request) else signature,
        "name": name,
        "count": MOST_CASES,
        # A bracket at its end would split the token that carries bracket and quote together.
        "lead": f"# Test cases of {name}\n" if signature.startswith("class ") else f"assert {name}",
    }
    return PromptText(style.cases.user.format(**values).lstrip("\n"), style.cases.opening.format(**values))


def write_fill_prompt(before: str, after: str) -> PromptText:
    """Return the chat prompt that asks for what stands between two parts of a program."""
    values = {"before": before, "after": after.rstrip(), "line": before.rpartition("\n")[2]}
    return PromptText(FILL_TURN.user.format(**values), FILL_TURN.opening.format(**values))


def add_trace(user: str, trace: str, style: PromptStyle) -> str:
    """Return the user's turn of a prompt, followed by a trace of the lines that the answer has so far."""
    return f"{user.rstrip()}\n\n{trace}\n" if style.chat else f"{user}{_write_comment(trace.splitlines())}\n"


def find_called_function(examples: Sequence[Example]) -> str | None:
    """Return the function that most examples call and none defines, the first of equals; None if there is none."""
    names = find_required_names(examples)
    calls = Counter(word for example in examples for word in re.findall(r"\w+", example.source) if word in names)
    return next((name for name, _ in calls.most_common(1)), None)


def find_program(text: str, style: PromptStyle, rules: AnswerRules) -> ExtractedProgram:
    """Return the program in a completion: out of a chat answer, or the function that was completed."""
    if style.chat:
        return extract_program(cut_at_stop(text, style, rules), rules)
    end = find_function_end(rules.opening, text)
    return ExtractedProgram((rules.opening, Span(0, len(text) if end is None else end)))


def cut_at_stop(text: str, style: PromptStyle, rules: AnswerRules) -> str:
    """Return the completion of a chat answer up to the first text that ends it."""
    text = text[: find_stop_text(text, style.stops)]
    stop = find_margin_stop(text, style.margin_stops, rules)
    return text if stop is None else f"{text[:stop].rstrip()}\n"


def read_answer_rules(request: str, name: str | None, opening: str = "", *, thinking: bool = False) -> AnswerRules:
    """Return what an answer to a request is searched for. opening: the text with which it begins."""
    return AnswerRules(request if is_code(request) else "", name or find_asked_name(request), thinking, opening)


def _choose_turn(request: str, style: PromptStyle) -> Turn:
    if not is_code(request):
        return style.sentence
    return style.open if style.open and is_open(request) else style.code


def _write_comment(lines: Sequence[str]) -> str:
    return "\n".join(f"# {line}" for line in lines)


def _choose_test_lines(tests: Sequence[str]) -> list[str]:
    """Return the lines of the first tests that are short enough to be shown."""
    short = [test for test in tests if len(test) <= _LONGEST_TEST][:_MOST_TESTS]
    return list(dict.fromkeys(line for test in short for line in test.splitlines() if line.strip()))
