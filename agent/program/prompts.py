"""Write prompts as text, and find the program in what a model wrote for one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from agent.program.examples.example import Example, find_required_names
from agent.program.extraction.answers import AnswerRules, extract_program
from agent.program.extraction.parts import ExtractedProgram, Span
from agent.program.syntax import find_entry_point, find_function_end, is_code

_CHAT = "Write the Python code that is asked for. Answer with one code block: complete, no examples of its use.\n\n{}"
_CHAT_CODE = "Complete this Python program:\n```python\n{}\n```"
_CHAT_TESTS = "\n\nIt should pass these tests:\n```python\n{}\n```"
_MOST_TESTS, _LONGEST_TEST = 8, 160  # tests that a prompt shows; characters of each


def write_prompt(request: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()) -> str:
    """Return the prompt for a request, which is Python to complete or a sentence.

    name: the function that the tests call; tests: given by a person besides the request. Outside of a chat, they stand
    above a sentence only: Python to complete has a name already, and stays as it is.
    """
    test_lines = _choose_test_lines(tests)
    # A prompt that ends in a newline splits the token that carries newline and indentation together.
    if chat:
        question = _CHAT_CODE.format(request.rstrip()) if is_code(request) else request.strip()
        naming = f" The function is named {name}." if name and not is_code(request) else ""
        tests_part = _CHAT_TESTS.format("\n".join(test_lines)) if test_lines else ""
        return _CHAT.format(f"{question}{naming}{tests_part}")
    if is_code(request):
        return request.rstrip()
    # A sentence without a line break would be continued. It comes last, as the embedded model learned it.
    lines = [f"# {line}" for line in (*test_lines, *request.strip().splitlines())]
    return "\n".join([*lines, f"def {name}(" if name else ""])


def find_called_function(examples: Sequence[Example]) -> str | None:
    """Return the function that most examples call and none defines, the first of equals; None if there is none."""
    names = find_required_names(examples)
    calls = Counter(word for example in examples for word in re.findall(r"\w+", example.source) if word in names)
    return next((name for name, _ in calls.most_common(1)), None)


def write_repair_prompt(
    request: str, program: str, failure: str, *, chat: bool, name: str | None = None, tests: Sequence[str] = ()
) -> str:
    """Return the prompt that shows a failed program and its failure, and asks for a corrected one."""
    question = write_prompt(request, chat=chat, name=name, tests=tests)
    if chat:
        report = f"This program failed:\n```python\n{program.strip()}\n```\n{failure}\nWrite a corrected version."
        return f"{question}\n\n{report}"
    comment = "\n".join(f"# {line}" for line in failure.splitlines() if line.strip())
    return f"{program.strip()}\n\n# The program above failed:\n{comment}\n# A corrected version:\n{question}"


def _choose_test_lines(tests: Sequence[str]) -> list[str]:
    """Return the lines of the first tests that are short enough to be shown."""
    short = [test for test in tests if len(test) <= _LONGEST_TEST][:_MOST_TESTS]
    return list(dict.fromkeys(line for test in short for line in test.splitlines() if line.strip()))


def find_program(request: str, text: str, *, chat: bool, name: str | None = None) -> ExtractedProgram:
    """Return the program in what a model wrote for a request: out of a chat answer, or the completed function.

    name: the function that was asked for; without it, the last one that the request begins.
    """
    if chat:
        return extract_program(text, read_answer_rules(request, name))
    return read_completion(write_prompt(request, chat=False), text)


def read_completion(prompt: str, text: str) -> ExtractedProgram:
    """Return the program that a prompt and its completion make, up to the end of the function."""
    end = find_function_end(prompt, text)
    return ExtractedProgram((prompt, Span(0, len(text) if end is None else end)))


def read_answer_rules(request: str, name: str | None, *, thinking: bool = False) -> AnswerRules:
    """Return what an answer to a request is searched for."""
    return AnswerRules(request if is_code(request) else "", name or find_entry_point(request), thinking)
