"""Parts of another program fill a program's holes, with its names; what comes out is Python and fits."""

from itertools import islice

import pytest
from data import humaneval, mbpp, needs_data
from hypothesis import given, settings
from hypothesis import strategies as st
from partial_programs import all_spans, disjoint, programs, read_marked

from agent.program.containment import contains
from agent.program.syntax import parse
from benchmarks.judging.grafts import MOST_TEXTS, graft, sort_by_rank

DONOR = (
    "import math\ndef f(values):\n    s = 0\n    for v in values:\n        s += math.floor(v) * 2\n"
    "    if s < 0:\n        s = 0\n    return s\n"
)


def grafts(marked, donor=DONOR):
    """Return what the donor makes of a text with marked holes."""
    return list(graft(*read_marked(marked), donor, entry_point="f"))


def test_those_come_first_whose_places_have_the_least_sum():
    assert ["".join(each) for each in sort_by_rank(["ab", "xyz"])] == ["ax", "ay", "bx", "az", "by", "bz"]
    assert list(sort_by_rank([])) == [()] and list(sort_by_rank(["ab", ""])) == []


def test_a_wrong_statement_becomes_the_donors_with_the_names_of_the_source():
    marked = "def f(xs):\n    total = 0\n    for x in xs:\n        «total = x»\n    return total\n"
    first = grafts(marked)[0]
    assert "        import math\n        total += math.floor(x) * 2\n    return total" in first


def test_a_wrong_expression_becomes_the_one_in_its_place():
    marked = "def f(xs):\n    total = «1»\n    for x in xs:\n        total += x\n    return total\n"
    assert "    total = 0\n" in grafts(marked)[0]


def test_a_hole_in_the_body_takes_the_whole_body_of_the_donor():
    whole = "    total = 0\n    for x in xs:\n        total += math.floor(x) * 2\n    if total < 0:"
    texts = grafts("def f(xs):\n    total = 0\n    «for x in xs: total += 1»\n    return total\n")
    assert any(whole in text for text in texts)


def test_two_holes_are_filled_together():
    loop = "    for x in xs:\n        total += x\n    if total < «5»:\n        total = 0\n    return total"
    texts = grafts(f"def f(xs):\n    total = «1»\n{loop}")
    assert any("total = 0\n    for" in text and "total < 0:" in text for text in texts)


@pytest.mark.parametrize(
    ("marked", "donor"),
    [
        ("def f(«a»): return 1", "def f(b, c): return 1"),
        ("g(«k=1»)", "g(k=2)"),
        ("import «a»", "import b"),
        ("try: a\n«except A: b»", "try: a\nexcept B: c"),
        ("match a:\n    case «1»: b", "match a:\n    case [2]: b"),
        ("«x = 1»", "y = 2; z = 3"),
        ("@«a»\ndef f(): pass", "@b(1)\ndef f(): pass"),
    ],
)
def test_every_kind_of_hole_can_be_filled(marked, donor):
    texts = grafts(marked, donor)
    assert texts and all(parse(text) is not None for text in texts)


def test_what_is_not_python_gives_and_takes_nothing():
    assert grafts("def f(«a»: return") == [] and grafts("def f(«a»): return a", "def f(") == []


@settings(derandomize=True, deadline=None, max_examples=15)
@given(programs, programs, st.data())
def test_every_graft_fits_the_partial_program_and_comes_once(source, donor, data):
    holes = disjoint(data.draw(st.lists(st.sampled_from(all_spans(source)), min_size=1, max_size=3)))
    texts = list(islice(graft(source, holes, donor, entry_point="f"), 20))
    assert len(set(texts)) == len(texts) <= MOST_TEXTS
    assert [text for text in texts if not contains(source, holes, text)] == []


@needs_data
@pytest.mark.parametrize("records", [mbpp, humaneval])
def test_grafts_of_reference_solutions_fit(records):
    solutions = [record["prompt"] * (record["entry_point"] in record["prompt"]) for record in records()]
    solutions = [text + record["canonical_solution"] for text, record in zip(solutions, records(), strict=True)]
    for number in range(0, len(solutions), 31):
        source, name = solutions[number], records()[number]["entry_point"]
        spans = all_spans(source)
        holes = disjoint([spans[len(spans) // 2], spans[-1]])
        for text in islice(graft(source, holes, solutions[number - 1], entry_point=name), 5):
            assert contains(source, holes, text), (source, holes, text)
