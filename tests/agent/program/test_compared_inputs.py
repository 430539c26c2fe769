"""The inputs on which programs are compared have the types that the request and the model's own cases show."""

from ast import literal_eval

import pytest
from fakes import outputs

from agent.program.cases import read_cases
from agent.program.compared_inputs import choose_columns, choose_inputs
from agent.program.task import read_task

PROGRAM = "def days(first, second):\n    return 0\n"
CASES = "assert days('2024-03-01', '2024-03-02') == 1\nassert days('2024-03-01', '2024-02-28') == 2\n"


def choose(request, program=PROGRAM, cases=""):
    name = program.removeprefix("def ").partition("(")[0]
    return [literal_eval(each) for each in choose_inputs(read_task(request), program, name, read_cases(cases, name))]


def test_without_a_hint_or_a_case_values_of_several_types_are_tried():
    inputs = choose("Write days(first, second) for two dates.")
    assert {type(value) for arguments in inputs for value in arguments} >= {int, str, list}


def test_with_cases_each_parameter_has_the_types_that_it_has_there():
    inputs = choose("Write days(first, second) for two dates.", cases=CASES)
    assert len(inputs) > 10 and ("2024-03-01", "2024-02-28") in inputs
    assert all(isinstance(value, str) for arguments in inputs for value in arguments)
    program = "def repeat(text, times):\n    return text * times\n"
    inputs = choose("Write repeat(text, times).", program, "assert repeat('ab', 2) == 'abab'")
    assert len(inputs) > 5 and {(type(text), type(times)) for text, times in inputs} == {(str, int)}


def test_arguments_of_one_type_are_tried_in_the_other_order_too():
    """All of a model's cases may have the earlier date first; then a negative number of days would be no difference."""
    inputs = choose("Write days(first, second) for two dates.", cases=CASES)
    assert ("2024-03-01", "2024-03-02") in inputs and ("2024-03-02", "2024-03-01") in inputs
    many = "\n".join(f"assert days({n}, {n + 1}) == 1" for n in range(10))
    inputs = choose("Write days(first, second).", cases=many)
    assert sum(first > second for first, second in inputs) >= 5 and len(inputs) > 15, "mutations have their share"


def test_what_the_request_names_comes_first_and_is_mutated_too_where_there_are_cases():
    program = "def seconds(text):\n    return 0\n"
    request = "Write seconds(text) for a duration such as '1h30m'."
    inputs = choose(request, program, "assert seconds('2h') == 7200")
    assert inputs[0] == ("1h30m",) and len(set(inputs)) == len(inputs)
    assert any(text != "1h30m" and set(text) <= set("1h30m") and len(text) > 3 for (text,) in inputs)
    assert choose(request, program)[0] == ("1h30m",)


@pytest.mark.parametrize("case", ["assert days(first=1, second=2) == 3", "assert days(FIRST, 2) == 3"])
def test_a_case_without_literal_arguments_chooses_nothing(case):
    request = "Write days(first, second) for two dates."
    assert choose(request, cases=case) == choose(request)


def test_inputs_on_which_some_program_gives_a_value_are_kept_first():
    one = outputs("raises TypeError", "1", "raises TypeError", "raises ValueError")
    other = outputs("raises TypeError", "raises KeyError", "raises TypeError", "2")
    assert choose_columns([one, other]) == [1, 3, 0, 2]
    assert choose_columns([one]) == [1, 0, 2, 3] and choose_columns([]) == []
    many = outputs(*["raises TypeError"] * 30, *["1"] * 20)
    assert choose_columns([many]) == [*range(30, 50), 0, 1, 2, 3]
