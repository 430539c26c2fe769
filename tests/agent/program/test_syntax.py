"""Source is parsed without warnings, in any number of threads."""
# ruff: noqa: E501 - a program is read best on one line

import ast
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.program import syntax
from agent.program.syntax import find_asked_name, find_entry_point, is_open, parse


def test_threads_that_read_source_leave_the_filters_of_warnings_as_they_were(monkeypatch):
    pauses = iter((0.001, 0.002, 0.004, 0.001) * 5)

    def parse_slowly(source):
        time.sleep(next(pauses))  # so that threads overlap, unless one waits for another
        return ast.Module([], [])

    before = list(warnings.filters)
    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(syntax.ast, "parse", parse_slowly)
        list(pool.map(parse, ["x"] * 20))
    after = list(warnings.filters)
    warnings.filters[:] = before
    assert after == before


STUBS = {
    "def f(x):": True,
    "def f(\n    x,\n):\n    # Add one.\n": True,
    'def f(x):\n    """Add."""\n    # here\n': True,
    'class A:\n    """A thing."""': True,
    'class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        """Do."""': True,
    'class A:\n    def f(self):\n        """Do."""\n\n    def g(self):\n        """Do."""': False,
    'def f(x):\n    pass\n\n\ndef g(x):\n    """Do."""': False,
    'def f(x):\n    """Add."""\n    return 1': False,
    'def f(x):\n    """Add."""\n\n\nprint(1)': False,
    "def f(x):\n    pass": False,
    "def f(x": False,
    "x = 1": False,
}


@pytest.mark.parametrize(("request_", "opens"), STUBS.items())
def test_python_that_ends_where_a_body_begins_is_open(request_, opens):
    assert is_open(request_) is opens


def test_the_entry_point_is_the_only_function_without_a_body():
    for body in ("...", "pass", "raise NotImplementedError('soon')", '"""Add."""', '"""Add."""\n    ...'):
        assert find_entry_point(f"def f(x):\n    {body}\n\n\ndef g(x):\n    return f(x)\n") == "f"
    assert find_entry_point("def f(x):\n    ...\n\n\ndef g(x):\n    ...\n") == "g"


HELPER = "def helper(x):\n    return x\n\n\n"


@pytest.mark.parametrize(
    ("request_", "asked", "entry_point"),
    [
        (f'{HELPER}class Foo:\n    """Doubles."""\n', "Foo", None),
        (f"{HELPER}class Foo:", "Foo", None),
        (f'{HELPER}class Foo:\n    def f(self):\n        """One."""\n\n    def g(self):\n        return 1\n', "Foo", None),
        (f'class E(Exception):\n    """Wrong."""\n\n\n{HELPER}', "helper", "helper"),
        (f"{HELPER}class E(Exception):\n    pass\n", "helper", "helper"),
        ('def f(x):\n    """One."""\n\n\ndef g(x):\n    """Two."""\n\n\n' + HELPER, "g", "g"),
        ("class Foo:\n    def f(self):\n        return 1\n", "Foo", None),
        ("Write a\nclass that pops", None, None),
    ],
)  # fmt: skip
def test_what_a_request_asks_for_is_what_it_leaves_to_write(request_, asked, entry_point):
    assert (find_asked_name(request_), find_entry_point(request_)) == (asked, entry_point)
