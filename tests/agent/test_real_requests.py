"""What a newcomer asks of a real model first: a known problem, a function of their own, a sentence."""

from contextlib import closing

import pytest

from agent import open_lm, solve
from agent.workflow.standing import Standing
from sandbox import open_sandbox

TRUNCATE = '''def truncate_number(number: float) -> float:
    """ Given a positive floating point number, it can be decomposed into
    and integer part (largest integer smaller than given number) and decimals
    (leftover part always smaller than 1).

    Return the decimal part of the number.
    >>> truncate_number(3.5)
    0.5
    """
'''
TOTAL = '''def total(xs: list[int]) -> int:
    """Return the sum of the numbers in xs that are even.

    >>> total([1, 2, 4])
    6
    >>> total([])
    0
    """
'''
VOWELS = "Write count_vowels(s), the number of vowels in s. count_vowels('Hello') is 2."


@pytest.fixture(scope="module")
def model(real_model):
    return open_lm(real_model)


@pytest.mark.real
@pytest.mark.parametrize(
    ("request_text", "name", "calls"),
    [
        (TRUNCATE, "truncate_number", [((1.25,), 0.25), ((7.0,), 0.0)]),
        (TOTAL, "total", [(([2, 3, 8],), 10), (([1],), 0)]),
        (VOWELS, "count_vowels", [(("sky",), 0), (("banana",), 3)]),
    ],
    ids=["a problem of HumanEval", "a function with two examples", "a sentence with an example"],
)
def test_a_real_model_answers_what_a_newcomer_asks_first(model, request_text, name, calls):
    with closing(open_sandbox("process")) as sandbox:
        result = solve(request_text, lm=model, sandbox=sandbox, strategy="once")
    assert result.standing == Standing.VERIFIED
    names = {}
    exec(result.best.program, names)
    assert [names[name](*arguments) for arguments, _ in calls] == [wanted for _, wanted in calls]
