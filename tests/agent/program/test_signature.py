"""A program has the function that a request asks for: by its name, and for the calls that the request allows."""

import inspect
import itertools

import pytest

from agent.program.extraction.facts import inspect_source
from agent.program.failures import FailureKind
from agent.program.signature import find_head_failure, find_named_function, read_parameters


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Given the function f(x), write integrate(f, a, b).", "integrate"),
        ("An API has a function isBad(version). Implement a function first_bad(n).", "first_bad"),
        ("Write an O(n) function two_sum(nums, target).", "two_sum"),
        ("Write a function(n) that returns the factorial.", None),
        ("Write lcm using the function gcd(a, b).", None),
        ("Write a function that inverts the function encode(text).", None),
        ("For a function called f(x), find a root.", "f"),
        ("Write the function add(a, b).", "add"),
    ],
)
def test_the_function_that_is_asked_for_comes_before_one_that_is_mentioned(sentence, name):
    assert find_named_function(sentence) == name


@pytest.mark.parametrize(
    ("sentence", "parameters"),
    [
        ("Write f(a, b=1).", "a, b=1"),
        ("Write f(items: List[int], *, key: Optional[str] = None).", "items, *, key=None"),
        ("Write f(a). No, write f(a, b) instead.", "a, b"),
        ("Write f(int, int).", ""),
        ("Write f(host, port=DEFAULT).", ""),
        ("Write f(options={[]: 1}).", ""),
        ("Write f().", ""),
        ("Write a method f(x) for a stack.", ""),
        ("Find a root of the function f(x).", ""),
        ("def f(a, b):\n", ""),
    ],
)
def test_the_parameters_of_a_sentence_begin_a_function_that_runs(sentence, parameters):
    assert read_parameters(sentence, "f") == parameters
    assert inspect_source(f"def f({parameters}):\n    return 1\n").compiles


ADD = "Write add(a, b)."


@pytest.mark.parametrize(
    ("asked", "program"),
    [
        (ADD, "async def add(a, b): ..."),
        (ADD, "import functools\n@functools.cache\ndef add(*numbers): ..."),
        (ADD, "@wraps(plus)\ndef add(a): ..."),
        (ADD, "from functools import partial\ndef add(zero, a, b): ...\nadd = partial(add, 0)"),
        (ADD, "try:\n    from operator import add\nexcept ImportError:\n    def add(a, b): ..."),
        (ADD, "from operator import *"),
        (ADD, "add = lambda a, b: a + b"),
        ("Write a function add() of two numbers.", "def add(a, b): ..."),
        ("Write a method push(x) for a stack.", "class Stack:\n    def push(self, x): ..."),
        ("Write a program that integrates the function f(x).", "def integrate(f, a, b): ..."),
        ("Write add(a, b). Now write add(a, b, c) instead.", "def add(a, b, c): ..."),
        ("def add(a: int, b: int) -> int:\n", "def add(x, y): ..."),
        ("from typing import overload\ndef add(a, b): ...", "def add(a, b): ..."),
        ("Add two numbers.", "def plus(a): ..."),
    ],
)
def test_a_program_fits_where_no_call_of_the_request_can_be_seen_to_fail(asked, program):
    assert find_head_failure(asked, program, "add") is None


@pytest.mark.parametrize(
    ("asked", "program", "kind"),
    [
        (ADD, "def plus(a, b): ...", FailureKind.OTHER_NAME),
        (ADD, "numbers = map(lambda add: add, [])", FailureKind.OTHER_NAME),
        ("def add(a, b):\n", "def plus(a, b): ...", FailureKind.OTHER_NAME),
        (ADD, "def add(a): ...", FailureKind.OTHER_PARAMETERS),
        ("def add(a, b=2):\n", "def add(a, b): ...", FailureKind.OTHER_PARAMETERS),
    ],
)
def test_a_program_without_the_function_of_the_request_misfits(asked, program, kind):
    assert find_head_failure(asked, program, "add").kind == kind


LISTS = [
    "x", "x, y", "x, y=1", "x=1, y=2", "x, /, y", "*more", "x, *more", "x, *, key", "x, *, key=1", "*, key, other=1",
    "x, key", "x, key=1", "**named", "x, **named", "x, *more, key=1, **named",
]  # fmt: skip


def list_calls(function):
    """Return the calls that a function takes: the number of its arguments, and keywords that stand for themselves."""
    code, named = function.__code__, function.__code__.co_flags & inspect.CO_VARKEYWORDS
    own = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    keywords = [*own, "one_more"] if named else own
    chosen = [each for count in range(len(keywords) + 1) for each in itertools.combinations(keywords, count)]
    return [call for call in itertools.product(range(4), chosen) if takes(function, *call)]


def takes(function, count, names):
    try:
        function(*range(count), **dict.fromkeys(names))
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(("asked", "written"), [*itertools.product(LISTS, LISTS)])
def test_a_function_fits_if_it_takes_every_call_that_the_asked_one_takes(asked, written):
    theirs, ours = (eval(f"lambda {each}: None") for each in (asked, written))
    fits = all(takes(ours, *call) for call in list_calls(theirs))
    misfit = find_head_failure(f"Write f({asked}).", f"def f({written}):\n    return 1\n", "f")
    assert (misfit is None) == fits, misfit
