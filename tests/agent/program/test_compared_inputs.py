"""The inputs on which programs are compared have the types that the request and the model's own cases show."""

from agent.program.cases import read_cases
from agent.program.compared_inputs import choose_inputs
from agent.program.task import read_task

PROGRAM = "def days(first, second):\n    return 0\n"
CASES = "assert days('2024-03-01', '2024-03-02') == 1\nassert days('2024-03-01', '2024-02-28') == 2\n"


def choose(request, program=PROGRAM, cases=""):
    name = program.removeprefix("def ").partition("(")[0]
    return choose_inputs(read_task(request), program, name, read_cases(cases, name))


def test_without_a_hint_or_a_case_values_of_several_types_are_tried():
    named, inputs = choose("Write days(first, second) for two dates.")
    assert named == [] and {type(value) for arguments in inputs for value in arguments} >= {int, str, list}


def test_with_cases_each_parameter_has_the_types_that_it_has_there():
    _, inputs = choose("Write days(first, second) for two dates.", cases=CASES)
    assert len(inputs) > 10 and ("2024-03-01", "2024-02-28") in inputs
    assert all(isinstance(value, str) for arguments in inputs for value in arguments)
    program = "def repeat(text, times):\n    return text * times\n"
    _, inputs = choose("Write repeat(text, times).", program, "assert repeat('ab', 2) == 'abab'")
    assert len(inputs) > 5 and {(type(text), type(times)) for text, times in inputs} == {(str, int)}


def test_what_the_request_names_comes_first_and_is_changed_too_where_there_are_cases():
    program = "def seconds(text):\n    return 0\n"
    request = "Write seconds(text) for a duration such as '1h30m'."
    named, inputs = choose(request, program, "assert seconds('2h') == 7200")
    assert named == [("1h30m",)] and inputs[0] == ("1h30m",) and len(set(inputs)) == len(inputs)
    assert any(text != "1h30m" and set(text) <= set("1h30m") and len(text) > 3 for (text,) in inputs)
    assert choose(request, program)[1][0] == ("1h30m",)
