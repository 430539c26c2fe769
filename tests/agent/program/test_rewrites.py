"""A continuation changes code up to where it comes back to it, and no further."""

import pytest

from agent.program.rewrites import Program, ends_line, fit_rewrite
from agent.program.surprises import check_python

SOURCE = (
    "def f(xs, n):\n    n = max(n)[0]\n    for i in range(n):\n        xs[i] = xs[i - 1] + n  # so\n    return xs, n\n"
)


def fit(at, continuation, source=SOURCE):
    """Return what a continuation from a place on replaces and by what; None where it does not fit."""
    change = fit_rewrite(Program.read(source, check_python(source)), source.index(at), continuation)
    return None if change is None else (source[change.start : change.end], change.text)


@pytest.mark.parametrize(
    ("at", "continuation", "change"),
    [
        ("n):\n        xs", "len(xs)):", ("n", "len(xs)")),
        (" - 1", " + 1]", ("-", "+")),
        (" - 1", "]", (" - 1", "")),
        ("1]", "2]", ("1", "2")),
        (" + n  #", "\n", (" + n", "")),
        (", n\n", "\n", (", n", "")),
        ("n\n", "n + 1\n", ("n", "n + 1")),
        (")[0]", " + 1)", ("", " + 1")),
        ("range(n)", "enumerate(xs):", ("range(n)", "enumerate(xs)")),
    ],
)
def test_a_continuation_that_comes_back_makes_a_change(at, continuation, change):
    assert fit(at, continuation) == change


@pytest.mark.parametrize(
    ("at", "continuation"),
    [
        ("n):\n        xs", "len(xs"),  # it goes on
        ("n):\n        xs", "n):"),  # the same
        ("n):\n        xs", "len(xs):"),  # a bracket stays open
        ("return", "yield from xs\n    x"),  # in the next line
        ("xs, n\n", "xs y\n"),  # no Python any more
        ("xs, n\n", ""),
        (" - 1", "-1]"),  # another layout
    ],
)
def test_a_continuation_that_does_not_come_back_makes_none(at, continuation):
    assert fit(at, continuation) is None


def test_much_code_is_not_dropped_for_a_shorter_way():
    source = "x = sum(c.lower() in 'aeiou' for c in v)\n"
    assert fit("c.lower", "v)\n", source) is None


def test_a_continuation_has_ended_its_line_where_a_word_came_before_the_break():
    assert not ends_line("\n    x") and not ends_line("a b") and ends_line("a\n")


def test_a_name_that_is_nowhere_else_is_a_guess_and_changes_nothing():
    assert fit("n):\n        xs", "size):") is None and fit("n):\n        xs", "xs.guess):") is None
    assert fit("n):\n        xs", "len(xs)):") == ("n", "len(xs)") and fit("max(n)[", "min(n)[") == ("max", "min")


def test_a_name_where_it_is_defined_is_left_alone():
    source = "def f(a, b):\n    c, d = a, b\n    return c\n"
    assert fit(", b):", "):", source) is None and fit(", d =", " =", source) is None


def test_the_one_use_of_what_is_imported_or_defined_stays():
    source = "from m import once, twice\n\n\ndef f(x, y):\n    return once(x) + twice(x) + twice(y)\n"
    assert fit("once(x)", "twice(x) +", source) is None
    assert fit("twice(y)", "once(y)\n", source) == ("twice", "once")
    assert fit("y)\n", "x)\n", source) is None
