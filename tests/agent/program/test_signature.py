"""A program's function is called as the request says: with as many arguments as it names."""

import pytest

from agent.program.signature import describe_misfit, find_signed_function


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Write slugify(title) that makes a slug.", "slugify"),
        ("Please implement a function called `add(a, b=1)`.", "add"),
        ("Write a class Stack with push(x) and pop().", None),
        ("Write the function(s) that sort a list.", None),
        ("Write a function like print(x), but quieter.", None),
        ("Write add(1, 2) as a program.", None),
        ("Turn '2m' into seconds.", None),
    ],
)
def test_a_sentence_may_name_a_function_with_its_parameters(sentence, name):
    function = find_signed_function(sentence)
    assert (function and function.name) == name


ADD = "Write add(a, b)."


@pytest.mark.parametrize(
    ("request_text", "head"),
    [
        (ADD, "add(x, y)"),
        (ADD, "add(a, b, c=0)"),
        (ADD, "add(*numbers)"),
        (ADD, "add(a, b=0, *rest, **named)"),
        ("Write add(a, b=1).", "add(a, b=2, c=3)"),
        ("Write add(*numbers).", "add(*values)"),
        ("Write add(a, *, start).", "add(a, start=0, *, more=1)"),
        ("Write add(a, *, start).", "add(a, **named)"),
        ("def add(a: int, b: int) -> int:\n", "add(a, b)"),
        ("Add two numbers.", "add(a)"),
        ("Write sub(a, b).", "add(a)"),
    ],
)
def test_a_function_fits_that_takes_every_call_of_the_request(request_text, head):
    assert describe_misfit(request_text, f"def {head}:\n    return 0\n", "add") is None


@pytest.mark.parametrize(
    ("request_text", "head"),
    [
        (ADD, "add(a)"),
        (ADD, "add(a, b, c)"),
        (ADD, "add()"),
        (ADD, "add(a, b, *, start)"),
        ("Write add(a, b=1).", "add(a, b)"),
        ("Write add(*numbers).", "add(numbers)"),
        ("Write add(a, *, start).", "add(a, begin=0)"),
        ("def add(a: int, b: int = 2) -> int:\n", "add(a, b)"),
    ],
)
def test_a_function_misfits_that_does_not_take_some_call_of_the_request(request_text, head):
    asked, written = describe_misfit(request_text, f"def {head}:\n    return 0\n", "add")
    assert written == head and asked.startswith("add(")


def test_a_program_without_the_function_has_no_parameters_to_compare():
    assert describe_misfit(ADD, "def plus(a):\n    return a\n", "add") is None
    assert describe_misfit(ADD, "add = (", "add") is None
