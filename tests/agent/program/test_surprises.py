"""What a person is free to choose surprises nobody; code that the model expected otherwise does."""

import math

import pytest

from agent.program.surprises import ReadToken, check_python, find_surprises

SOURCE = '''import math


def area(radius: float, scale=1) -> int:
    """Return the area."""
    total = radius * 2  # the sum
    for part in [1, 2]:
        total += part
    return math.pi * total + scale
'''


def surprises(written, expected, *, probability=0.9, written_probability=0.01, source=SOURCE):
    """Return the texts that surprise where the model expected a text in the place of a written one."""
    at = source.index(written)
    tokens = [ReadToken(0, 0.0), ReadToken(at, -math.log(written_probability), ((expected, probability),))]
    tokens.append(ReadToken(at + len(written), 0.0))
    return [(each.number, each.text) for each in find_surprises(source, check_python(source), tokens)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [(" *", " +"), (" 2  #", " 3"), (" scale\n", " part"), ("+=", "-="), ("return", "yield"), (".pi", ".e")],
)
def test_code_that_the_model_expected_otherwise_surprises(written, expected):
    assert surprises(written, expected) == [(1, expected)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("math\n", "os"),  # an import
        ("area(", "size"),  # a name where it is defined
        ("radius:", "x"),
        (" float", " int"),  # an annotation
        (" int", " float"),
        ("total =", "sum"),
        ("part in", "p"),
        ("Return", "Give"),  # a docstring
        ("the sum", "it"),  # a comment
        (" *", "*"),  # the layout
        (" *", "\n"),
        (" *", "  # a comment"),
        ("return", '"""'),
        ("return", "return math"),  # the same, as a longer token
    ],
)
def test_what_is_free_to_choose_does_not(written, expected):
    assert surprises(written, expected) == []


def test_neither_an_unsure_model_nor_one_that_expected_what_stands_there_is_surprised():
    assert surprises(" *", " +", probability=0.1) == [] == surprises(" *", " +", written_probability=0.3)
    assert surprises(" *", " +", probability=0.5, written_probability=0.19) == [(1, " +")]


def test_the_ratio_says_how_much_likelier_the_expected_token_is():
    tokens = [ReadToken(0, 0.0), ReadToken(SOURCE.index(" *"), math.log(100), ((" +", 0.5), (" -", 0.3), (" /", 0.3)))]
    found = list(find_surprises(SOURCE, check_python(SOURCE), tokens))
    assert [each.text for each in found] == [" +", " -"] and found[0].ratio == pytest.approx(math.log(50))
