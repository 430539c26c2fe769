"""Prompts: what is shown, what is left out for a contrast, and how a program is found in an answer."""

import ast

import pytest
from data import humaneval, needs_data

from agent.prompts import entry_point, is_code, lame, piece, repair, standard

CODE = 'def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """\n'


def test_a_code_prompt_loses_its_last_newline():
    assert standard(CODE, chat=False) == CODE.rstrip()


def test_a_sentence_becomes_a_comment_for_a_completion_model():
    assert standard("Add one.\nQuickly.", chat=False) == "# Add one.\n# Quickly."


def test_a_chat_model_is_given_the_code_in_a_block():
    assert "```python\ndef f(x):" in standard(CODE, chat=True)
    assert standard("Add one.", chat=True).endswith("Add one.")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (CODE, True),
        ("import re\n\ndef f(): ...", True),
        ('"""Text.\nassert f(1) == 2\n"""', True),
        ("Write a def.", False),
        ("import a file", False),
    ],
)
def test_python_is_told_from_a_sentence(request_, code):
    assert is_code(request_) is code


def test_a_repair_prompt_for_completion_ends_where_the_answer_begins():
    text = repair(CODE, CODE + "    return x\n", "f(1) returned 1, wanted 2", chat=False)
    assert text.endswith(
        f"# The program above failed:\n# f(1) returned 1, wanted 2\n# A corrected version:\n{CODE.rstrip()}"
    )


def test_a_repair_prompt_for_chat_carries_program_and_failure():
    text = repair(CODE, "def f(x): return x", "f(1) returned 1, wanted 2", chat=True)
    assert "def f(x): return x" in text
    assert "f(1) returned 1, wanted 2" in text


def test_a_completed_program_ends_with_its_function():
    text = "\n    return x + 1\n\nprint(f(1))\n"
    assert piece(CODE, text, chat=False).source(text) == CODE.rstrip() + "\n    return x + 1\n"


def test_a_program_for_a_sentence_contains_the_function_begun_by_the_answer():
    text = "\ndef f(x):\n    return x + 1\n\nprint(f(1))\n"
    assert piece("Add one.", text, chat=False).source(text) == "# Add one.\ndef f(x):\n    return x + 1\n"


@pytest.mark.parametrize("answer", ["Sure:\n```python\nx = 1\n```\nDone.", "```\nx = 1\n```", "```python\nx = 1\n"])
def test_a_chat_answer_is_its_first_code_block(answer):
    assert piece("Set x.", answer, chat=True).source(answer) == "x = 1\n"


def test_a_chat_answer_is_its_first_block_of_python_with_something_in_it():
    answer = "```bash\npip install x\n```\n```\n```\n```python\nx = 1\n```"
    assert piece("Set x.", answer, chat=True).source(answer) == "x = 1\n"


def test_a_chat_answer_without_a_block_is_taken_whole():
    assert piece("Set x.", "x = 1", chat=True).source("x = 1") == "x = 1"


def test_the_entry_point_is_the_last_function_begun():
    assert entry_point("def a():\n    pass\n\ndef b(x):\n") == "b"
    assert entry_point("Add one.") is None


def test_the_lame_prompt_drops_examples_and_keeps_notes():
    request = (
        'def f(x):\n    """Add one.\n    Note: x is >= 0.\n    Examples:\n    f(1) ➞ 2\n    >>> f(2)\n    3\n    """'
    )
    assert lame(request, "f") == 'def f(x):\n    """Add one.\n    Note: x is >= 0.\n    """'


def test_the_lame_prompt_of_mbpp_drops_the_assert():
    assert lame('"""\nAdd one.\nassert f(1) == 2\n"""', "f") == '"""\nAdd one.\n"""'


def test_a_prompt_without_examples_is_its_own_lame_prompt():
    assert lame('def f(x):\n    """Add one."""', "f") == 'def f(x):\n    """Add one."""'


@needs_data
def test_lame_prompts_of_humaneval_still_parse_and_keep_recurrences():
    by_id = {problem["task_id"]: problem for problem in humaneval()}
    for problem in by_id.values():
        ast.parse(lame(problem["prompt"], problem["entry_point"]) + "\n    pass\n")
    for task_id, line in {
        "HumanEval/46": "fib4(n) -> fib4(n-1) + fib4(n-2) + fib4(n-3) + fib4(n-4).",
        "HumanEval/63": "fibfib(n) == fibfib(n-1) + fibfib(n-2) + fibfib(n-3).",
        "HumanEval/130": "tri(n) =  tri(n - 1) + tri(n - 2) + tri(n + 1), if n is odd.",
        "HumanEval/115": "* grid[i][j] -> 0 | 1",
    }.items():
        assert line in lame(by_id[task_id]["prompt"], by_id[task_id]["entry_point"]), task_id
