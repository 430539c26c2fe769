"""Behaviour is text that can be compared: what a program returns on generated inputs."""

from contextlib import closing

import pytest
from fakes import outputs

from agent.program.outputs import describe_output
from agent.verification.behaviour import find_function, observe_behaviour, read_output
from sandbox import Limits, open_sandbox


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


def observe(box, body: str, *inputs: str) -> list[str]:
    limits = Limits(cpu_seconds=1.0, wall_seconds=2.0)
    return list(map(describe_output, observe_behaviour(box, f"def f(x):\n    {body}\n", "f", inputs, limits)))


def test_a_behaviour_is_what_is_returned_raised_or_changed(box):
    assert observe(box, "return 1 / x", "(2,)", "(0,)") == ["0.5", "raises ZeroDivisionError"]
    assert observe(box, "x.append(1)", "([],)", "([2],)") == ["None and leaves [[1]]", "None and leaves [[2, 1]]"]
    assert observe(box, "return iter(x)", "([1],)") == ["[1]"]
    assert observe(box, "return object()", "(1,)") == ["returns what is no plain data"]
    assert observe(box, "return {'b': 1, 'a': 2}", "(1,)") == observe(box, "return {'a': 2, 'b': 1}", "(1,)")
    assert observe(box, "return 10 ** x", "(5000,)") != observe(box, "return 10 ** (x + 1)", "(5000,)")
    assert observe(box, "return {3, 1, 2}, {'a': (1,)}", "(0,)") == ["({1, 2, 3}, {'a': (1,)},)"]


def test_floats_agree_to_six_digits_and_nan_with_itself(box):
    assert observe(box, "return 0.1 + 0.2", "(0,)") == observe(box, "return 0.3", "(0,)")
    assert observe(box, "return float('nan')", "(0,)") == ["nan"]
    assert observe(box, "return 1", "(0,)") != observe(box, "return True", "(0,)")


def test_what_differs_between_two_calls_is_said_to_vary(box):
    assert observe(box, "import random; return random.random()", "(0,)", "(1,)") == ["varies from run to run"] * 2


def test_what_takes_too_long_is_cut_off_and_what_cannot_be_takes_the_rest_with_it(box):
    late = "raises TimeoutError"
    assert observe(box, "while x: pass", "(0,)", "(1,)", "(0,)") == ["None", late, "None"]
    stubborn = "return sum(iter(int, 1)) if x else None"  # no Python code runs in it, so no signal is seen
    assert observe(box, stubborn, "(0,)", "(1,)", "(0,)") == ["None", *["not reached in time"] * 2]


def test_long_values_are_told_apart_by_a_digest(box):
    one, other = (observe(box, f"return 'a' * 500 + {end!r}", "(0,)")[0] for end in "bc")
    assert one != other and len(one) < 300


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("[1,2]", "[1, 2]"),
        (" 'a' ", "'a'"),
        ("0.30000000000000004", "0.3"),
        ("KeyError", "raises KeyError"),
        ("OwnError", "raises OwnError"),
        ("hello", None),
        ("", None),
        ("who knows?", None),
        ("f(1)", None),
    ],
)
def test_what_a_person_types_is_a_literal_an_exception_or_nothing(typed, meant):
    output = read_output(typed, outputs("5", "raises OwnError"))
    assert (output and describe_output(output)) == meant


def test_the_function_that_is_meant_is_the_named_one_or_the_last_that_tests_nothing():
    source = "def helper(): pass\ndef main(): pass\n"
    tested = "def total(): pass\ndef check_solution(): pass\ndef main(): pass\n"
    asked = "def clean(s): pass\ndef check_palindrome(s):\n    return clean(s)\n"
    assert find_function(asked, None) == "check_palindrome", "a test returns nothing"
    assert (find_function(tested, None), find_function("def check_luhn(): pass\n", None)) == ("total", "check_luhn")
    assert (find_function(source, "helper"), find_function(source, None), find_function(source, "x")) == (
        "helper",
        "helper",
        None,
    )
    assert find_function("x = (", None) is None
