"""Values that a request names are inputs, where its words say that the function takes them."""

import pytest

from agent.program.named_values import find_named_inputs, find_named_values


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("Write parse_duration(text) that turns '1h30m' into seconds.", ["1h30m"]),
        ("It returns the seconds in a duration such as '1h30m' or '45s'.", ["1h30m", "45s"]),
        ("Write a function that reads a date like 2024-01-31 and returns the weekday.", ["2024-01-31"]),
        ("Group equal letters of a string, e.g. 'aab'.", ["aab"]),
        ("Please write is_even(n); e.g. 4 gives True.", [4]),
        ("Sort a list such as [3, 1, 2].", [[3, 1, 2]]),
        ("'1h30m' should give 5400, and '2m' gives 120.", ["1h30m", "2m"]),
        ("Write slugify(title): “Hello, World!” becomes 'hello-world'.", ["Hello, World!"]),
        ("Parse times like `9:30pm` or `21:30`.", ["9:30pm", "21:30"]),
        ("Return None for ''.", [""]),
        ("It must not raise on ''.", [""]),
        ("Average numbers such as 19, 20 and 3.5", [19, 20, 3.5]),
        ("It takes numbers like '(555) 123-4567' and gives '+15551234567'.", ["(555) 123-4567"]),
    ],
)
def test_a_value_that_the_function_takes_is_found(sentence, values):
    assert find_named_values(sentence) == values


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("It raises ValueError for 'abc' and returns 90 for '1m30s'.", ["1m30s"]),
        ("It turns '1h30m' into seconds and raises ValueError for 'abc' or '12x'.", ["1h30m"]),
        ("It turns '1h30m' into seconds, raising ValueError for 'abc'.", ["1h30m"]),
        ("For input such as 'abc', raise a ValueError.", []),
        ("Invalid inputs such as 'abc' or 'x' should raise ValueError.", []),
        ("Texts such as 'abc', which is no duration, raise ValueError.", []),
        ("Validate emails, for example 'a@b.co'. An email such as 'ab' is invalid.", ["a@b.co"]),
        ("Read numerals such as 'XIV'. Anything else, such as 'ABC', is an error.", ["XIV"]),
        ("Reject malformed durations such as '1x'.", []),
    ],
)
def test_a_value_for_which_the_function_shall_raise_does_not_count(sentence, values):
    assert find_named_values(sentence) == values


@pytest.mark.parametrize(
    "sentence",
    [
        "Write fizz(n) that returns text such as 'Fizz'.",
        "Convert a number to words such as 'one'.",
        "Write to_text(seconds) that turns seconds into text such as '1h30m'.",
        "Split a text at a separator such as ','.",
        "Count units such as 'h' and 'm' in a text.",
        "I'd like 3 functions within 2 days like 24 hours.",
    ],
)
def test_an_output_or_a_part_of_an_input_or_a_number_of_things_is_no_input(sentence):
    assert find_named_values(sentence) == []


def test_a_value_is_the_argument_of_a_function_that_needs_one_and_a_call_says_its_arguments_itself():
    request = "Write f, which pads a text such as 'ab'. f('x', 3) has three characters. f('x', -1) raises ValueError."
    assert find_named_inputs(request, "def f(text, width=5):\n    return text", "f") == [("x", 3), ("ab",)]
    assert find_named_inputs(request, "def f(text, width):\n    return text", "f") == [("x", 3)]


def test_a_signature_in_the_request_says_which_types_fit():
    request = 'def f(n: {}):\n    """Double a value such as 4 or \'ab\'.\n\n    >>> f(7)\n    14\n    """'
    for hint, inputs in (("int", [(4,)]), ("str", [("ab",)]), ("list[int]", []), ("object", [(4,), ("ab",)])):
        assert find_named_inputs(request.format(hint), request.format(hint), "f") == inputs, hint
