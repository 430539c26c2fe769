"""Prompts, as strings: standard, lame, repair; and back from what was generated to a program. No model here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from agent.program.examples.example import Example, find_required_names
from agent.program.extraction.answers import AnswerRules, extract_program
from agent.program.extraction.pieces import ExtractedProgram, Span
from agent.program.syntax import find_entry_point, find_function_end, is_code

_CHAT = "Write the Python code that is asked for. Answer with one code block: complete, no examples of its use.\n\n{}"
_CHAT_CODE = "Complete this Python program:\n```python\n{}\n```"
_CHAT_TESTS = "\n\nIt should pass these tests:\n```python\n{}\n```"
_MOST_TESTS, _LONGEST_TEST = 8, 160  # that a prompt shows; characters of one


def write_prompt(request: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()) -> str:
    """Return the prompt for a request: Python to complete, or a sentence.

    name: of the function that the tests call; tests: what a person gave besides the request. A text to complete shows
    them with a sentence alone: what is Python already has a name, and stays as it is.
    """
    shown = _shown(tests)
    # A prompt that ends in a newline splits the token that carries newline and indentation together.
    if chat:
        asked = _CHAT_CODE.format(request.rstrip()) if is_code(request) else request.strip()
        called = f" The function is named {name}." if name and not is_code(request) else ""
        wanted = _CHAT_TESTS.format("\n".join(shown)) if shown else ""
        return _CHAT.format(f"{asked}{called}{wanted}")
    if is_code(request):
        return request.rstrip()
    # The sentence ends its line, else it is gone on with; it comes last, as the embedded model learned it.
    lines = [f"# {line}" for line in (*shown, *request.strip().splitlines())]
    return "\n".join([*lines, f"def {name}(" if name else ""])


def find_called_function(examples: Sequence[Example]) -> str | None:
    """Return the function that most examples call and none of them defines; of equals the first. None for none."""
    names = find_required_names(examples)
    calls = Counter(word for example in examples for word in re.findall(r"\w+", example.source) if word in names)
    return next((name for name, _ in calls.most_common(1)), None)


def write_repair_prompt(
    request: str, program: str, failure: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()
) -> str:
    """Return the prompt that shows a failed program with its failure and asks for a right one."""
    asked = write_prompt(request, chat=chat, name=name, tests=tests)
    if chat:
        shown = f"This program failed:\n```python\n{program.strip()}\n```\n{failure}\nWrite a corrected version."
        return f"{asked}\n\n{shown}"
    told = "\n".join(f"# {line}" for line in failure.splitlines() if line.strip())
    return f"{program.strip()}\n\n# The program above failed:\n{told}\n# A corrected version:\n{asked}"


def _shown(tests: Sequence[str]) -> list[str]:
    """Return the lines of the first tests that are short enough to be read."""
    short = [test for test in tests if len(test) <= _LONGEST_TEST][:_MOST_TESTS]
    return list(dict.fromkeys(line for test in short for line in test.splitlines() if line.strip()))


def find_program(request: str, text: str, *, chat: bool, name: str | None = None) -> ExtractedProgram:
    """Return the program in what was generated for a request: what a chat answer holds, else the function completed.

    name: of the function asked for, else the last one that the request begins.
    """
    if chat:
        return extract_program(text, answer_rules(request, name))
    return read_completion(write_prompt(request, chat=False), text)


def read_completion(prompt: str, text: str) -> ExtractedProgram:
    """Return the program that a prompt and its completion make, up to the end of the function."""
    end = find_function_end(prompt, text)
    return ExtractedProgram((prompt, Span(0, len(text) if end is None else end)))


def answer_rules(request: str, name: str | None, *, thinking: bool = False) -> AnswerRules:
    """Return what an answer to a request is read by."""
    return AnswerRules(request if is_code(request) else "", name or find_entry_point(request), thinking)
