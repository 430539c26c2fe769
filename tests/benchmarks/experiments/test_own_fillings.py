"""The model fills the holes of a partial program: each program keeps what was kept, and parses."""

import ast

import pytest
from partial_programs import read_marked

from agent.decoding import POLICIES
from agent.lm.open import open_lm
from agent.program.containment import contains
from agent.workflow.context import Context
from benchmarks.experiments.own_fillings import fill_partial
from sandbox import open_sandbox

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def context():
    box = open_sandbox("process")
    yield Context(open_lm("models/tiny"), POLICIES["greedy"], box, max_tokens=128)
    box.close()


@pytest.mark.parametrize(
    "marked",
    [
        "def f(xs: list[int]) -> int:\n    return sum(«x» for x in xs)\n",
        "def f(xs):\n    n = «0»\n    for x in xs:\n        «n += x»\n    return n\n",
        "def f(xs: tuple[int, ...]):\n    return sum(«x» for x in xs)\n",  # the program's own ... is no hole
    ],
)
def test_fillings_keep_what_was_kept(context, marked):
    source, holes = read_marked(marked)
    programs = list(fill_partial(context, source, holes, 2))
    assert 1 <= len(programs) <= 2
    for program in programs:
        ast.parse(program)
        assert contains(source, holes, program)
    assert programs == list(fill_partial(context, source, holes, 2))


@pytest.mark.parametrize(
    "marked", ["def f(xs):\n    return xs\n", "def «f»(xs):\n    return xs\n", "def f(xs):\n    return xs.«sort»()\n"]
)
def test_without_a_hole_and_where_no_ellipsis_can_stand_nothing_is_filled(context, marked):
    assert list(fill_partial(context, *read_marked(marked), 2)) == []
