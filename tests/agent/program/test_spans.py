"""Places are counted as editors count them, and spans are few, lie apart, and say what would stand in their place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InvalidRequestError
from agent.files.changes import Change
from agent.program.rewrites import Program
from agent.program.span_choice import WeighedChange, choose_spans
from agent.program.spans import CODES, Position, Severity, SourceLines, SpanKind, count_utf16
from agent.program.surprises import check_python

SOURCE = "def f(a, b):\n    total = a + b\n    return g(total, key=b)[0]\n"


def choose(source, *changes, most=10):
    weighed = [
        WeighedChange(Change(source.index(old), source.index(old) + len(old), new), gain) for old, new, gain in changes
    ]
    return choose_spans(Program.read(source, check_python(source)), weighed, file="a.py", most=most)


def texts(source, spans):
    return [source[span.start : span.end] for span in spans]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_end_them(ending):
    lines = SourceLines(f"a{ending}\f\u2028b{ending}")
    assert len(lines) == 3 and lines.position(lines.source.index("b")) == Position(2, 3)
    assert lines.position(10**6) == lines.position(len(lines.source)) == Position(3, 1)


def test_columns_of_editors_count_units_of_utf_16():
    lines = SourceLines("x = '😀é' + y\n")
    at = lines.source.index("y")
    assert (lines.position(at).column, lines.utf16_position(at).column) == (12, 13)
    assert lines.utf16_offset(Position(1, 13)) == at and count_utf16("😀é") == 3
    assert lines.utf16_offset(Position(1, 999)) == len(lines.source) - 1 and lines.utf16_offset(Position(9, 1)) == len(
        lines.source
    )


@given(st.text("a😀\n\r\té", max_size=40))
def test_each_offset_is_found_again_by_its_line_and_column(source):
    lines = SourceLines(source)
    for offset in range(len(source) + 1):
        if source[offset - 1 : offset + 1] != "\r\n":  # between the two there is no column
            assert lines.utf16_offset(lines.utf16_position(offset)) == offset


def test_each_kind_has_a_code_of_its_own():
    assert sorted(CODES.values()) == ["DUB101", "DUB201", "DUB301", "DUB401"] and set(CODES) == set(SpanKind)


def test_a_span_is_the_smallest_expression_around_a_change_with_what_it_would_become():
    (span,) = choose(SOURCE, ("+", "-", 9.0))
    assert texts(SOURCE, [span]) == ["a + b"]
    assert [each.text for each in span.alternatives] == ["a - b"] and span.severity == Severity.WARNING
    assert span.probability == pytest.approx(1 / (1 + math.exp(9.0))) and span.alternatives[0].probability > 0.99


def test_what_stands_there_and_what_would_share_one_probability():
    (span,) = choose(SOURCE, ("+", "-", 3.0), ("+", "*", 2.0))
    shares = [span.probability, *(each.probability for each in span.alternatives)]
    assert sum(shares) == pytest.approx(1.0) and [each.text for each in span.alternatives] == ["a - b", "a * b"]
    assert span.severity == Severity.INFO


def test_a_change_that_gains_little_is_no_doubt():
    assert choose(SOURCE, ("+", "-", 1.0), ("0", "1", -5.0)) == ()


def test_a_change_outside_of_expressions_is_a_span_of_its_words():
    source = "def f(x):\n    return x\n"
    (span,) = choose(source, ("return", "yield", 9.0))
    assert texts(source, [span]) == ["return"] and span.alternatives[0].text == "yield"


def test_an_insertion_is_shown_at_the_code_that_it_changes():
    source = "def f(n):\n    return range(n)\n"
    at = source.index("n)", source.index("range(")) + 1
    weighed = [WeighedChange(Change(at, at, " + 1"), 9.0)]
    (span,) = choose_spans(Program.read(source, check_python(source)), weighed)
    assert texts(source, [span]) == ["n"] and span.alternatives[0].text == "n + 1"


def test_spans_lie_apart_and_the_likelier_change_says_where():
    spans = choose(SOURCE, ("g(total, key=b)[0]", "total", 5.0), ("total,", "b,", 12.0), ("0", "1", 7.0))
    assert texts(SOURCE, spans) == ["g(total, key=b)", "0"], "the change that gains least reaches out of both"


def test_the_most_doubtful_spans_come_in_the_order_of_the_file():
    changes = [("+", "-", 4.0), ("total,", "a,", 8.0), ("0", "1", 6.0)]
    assert texts(SOURCE, choose(SOURCE, *changes, most=2))[1] == "0" and len(choose(SOURCE, *changes, most=2)) == 2
    assert [span.file for span in choose(SOURCE, *changes)] == ["a.py"] * 3


def test_parts_of_f_strings_are_shown_by_their_words():
    source = "def f(x, y):\n    return f'{x} {y!r} and more'\n"
    assert all(0 <= span.start < span.end <= len(source) for span in choose(source, ("return", "yield", 9.0)))


def test_a_text_that_is_no_python_is_refused_with_its_place():
    with pytest.raises(InvalidRequestError, match=r"^a.py:2: this is no Python \(.*\); mend it first$"):
        check_python("x = 1\ny = = 2\n", "a.py")
    with pytest.raises(InvalidRequestError, match="null bytes"):
        check_python("x\0", "a.py")
