"""A program that is being written is cut back to the lines that can run."""

import pytest

from agent.program.runnable import cut_to_runnable

HEAD = 'def f(xs):\n    """Sum."""\n'


@pytest.mark.parametrize("text", ["", "def f(xs", HEAD, f"{HEAD}    return su", "import os\nclass A:"])
def test_lines_that_do_nothing_yet_are_none(text):
    assert cut_to_runnable(text) is None


def test_the_line_that_is_being_written_does_not_count():
    assert cut_to_runnable(f"{HEAD}    n = 0\n    return n +") == f"{HEAD}    n = 0\n"


def test_an_open_block_is_closed():
    closed = cut_to_runnable(f"{HEAD}    for x in xs:\n        if x:\n            ")
    assert closed.startswith(f"{HEAD}    for x in xs:\n        if x:\n")
    assert closed.strip().endswith("...")


def test_a_statement_that_has_not_ended_is_cut_off():
    assert cut_to_runnable(f"{HEAD}    n = 0\n    try:\n        n = 1\n    y = (1 +\n    2\n") == f"{HEAD}    n = 0\n"
