"""A task is refused in one sentence before anything is generated."""

import pytest

from agent.cli.inputs import build_task
from agent.errors import InvalidRequestError
from agent.program.task import read_task

PROMPT = 'def total(xs: list[int]) -> int:\n    """Add.\n\n    >>> total([1])\n    1\n    """\n'


@pytest.fixture
def files(tmp_path):
    def written(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "begins no function and no class"),
        ("print('hello')\n", "begins no function and no class"),
        ("def f(x:\n    return 1\ndef g(", "1: this is no prefix of Python code"),
        ("def f(x):\nreturn 1\n\ndef g(x):\n", "2: this is no prefix of Python code (expected an indented block"),
        ("Return the sum of a list.\nNothing else.\n", "1: this is no prefix of Python code"),
        ("def f(x):\n    pass\0\n", "NUL"),
        (" \n", "nothing was asked for"),
    ],
)
def test_a_file_with_nothing_to_complete_is_refused(files, text, message):
    with pytest.raises(InvalidRequestError) as caught:
        build_task(None, files("prompt.py", text), None)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        PROMPT, PROMPT.rstrip(), "def f(x):\n", "def f(x):\n    # comment", "def f(x):\n    return x[", "def f(x",
        'def f(x):\n    """Not closed', "async def f(x):\n    for y in x:\n", "class A:\n",
        "import re\n\n\ndef f(x):\n    if x:\n        y = (1,\n",
        '"""Write f.\nassert f(1) == 2\n"""\n', "@cache\ndef f(x):\n    try:\n        y = 1\n",
    ],
)  # fmt: skip
def test_any_prefix_of_a_program_is_a_prompt(files, text):
    assert build_task(None, files("prompt.py", text), None).request == text


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (
            "assert total([1]) == 1\nassert other(2) == 3\n",
            "2: `assert other(2) == 3` needs other, and the prompt defines total",
        ),
        ("assert total(\n", "1: this is no valid Python ('(' was never closed)"),
        ("assert total([1]) == 1\nif total([]) != 0:\n    raise ValueError\n", "2: this if judges"),
        ("import helpers\n", "holds no assert"),
    ],
)
def test_tests_of_something_else_are_refused_with_their_line(files, tests, message):
    with pytest.raises(InvalidRequestError) as caught:
        build_task(None, files("prompt.py", PROMPT), files("tests.py", tests))
    assert message in str(caught.value)


def test_tests_of_a_sentence_say_what_is_asked_for(files):
    task = build_task("Return the sum of a list.", None, files("tests.py", "assert total([1]) == 1\n"))
    assert (task.entry_point, len(task.examples)) == ("total", 1)


def test_tests_run_apart_from_the_examples_of_the_prompt(files):
    task = build_task(
        None, files("prompt.py", PROMPT), files("tests.py", "import os\nassert total([]) == 0\nos.listdir()\n")
    )
    assert [example.session for example in task.examples] == [0, 1]
    assert len(task.unparsed) == 1 and task.unparsed[0].endswith("tests.py:3: os.listdir()")


def test_an_example_in_a_sentence_names_the_function_that_is_asked_for():
    task = build_task("Count vowels. For example, count_vowels('hello') is 2.", None, None)
    assert (task.entry_point, [example.source for example in task.examples]) == (
        "count_vowels",
        ["count_vowels('hello') == 2"],
    )


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Write slugify(title) to make URL slugs.", "slugify"),
        ("Please write a function add_months(date, months=1). It is like dict.get(key).", "add_months"),
        ("Give me fizzbuzz(n: int) -> str.", "fizzbuzz"),
        ("I need a small function called `parse_date(text)`.", "parse_date"),
        ("Write parse(configuration_file, values: dict[str, int]) please.", "parse"),
        ("Write parse(" + "a" * 60 + "!)", None),
        ("Count the word(s) in a text that occur most.", None),
        ("Write the function(s) that parse dates.", None),
        ("Find an item in a sorted list in log(n) time.", None),
        ("Integrate sin(x) from a to b.", None),
        ("It works like re's sub(pattern, repl).", None),
        ("Write a function that works like str.split(text).", None),
        ("Sort a list, as sorted(items) does.", None),
        ("Write a function; for 1 it gives foo(1).", None),
        ("Write a class Stack with push(item) and pop().", None),
    ],
)
def test_a_sentence_that_writes_a_call_with_parameters_names_its_function(sentence, name):
    assert read_task(sentence).entry_point == name
