"""Generated inputs have the right shape, are all different, and are the same each time."""

import pytest

from agent.program.examples.asserts import read_tests
from agent.program.examples.read import visible_examples
from agent.program.probe_inputs import find_arguments, generate_inputs


def inputs(hints: str, doctest: str = "", most: int = 24):
    request = f'def f({hints}):\n    """Do.\n{doctest}    """'
    return generate_inputs(request, "f", visible_examples(request), most=most)


@pytest.mark.parametrize(
    ("hint", "type_of"),
    [
        ("int", int), ("float", float), ("str", str), ("bool", bool), ("list[int]", list), ("List[str]", list),
        ("dict[str, int]", dict), ("set[int]", set), ("tuple[int, str]", tuple), ("'int'", int), ("bytes", bytes),
        ("typing.List[int]", list), ("list", list),
    ],
)  # fmt: skip
def test_a_type_gives_values_of_it(hint, type_of):
    found = inputs(f"a: {hint}")
    assert found and all(type(value) is type_of for (value,) in found)


def test_parts_of_containers_are_of_their_types():
    for (pairs,) in inputs("a: list[tuple[str, int]]"):
        assert all(type(name) is str and type(number) is int for name, number in pairs)
    assert any(pairs for (pairs,) in inputs("a: list[tuple[str, int]]"))
    assert all(
        type(k) is str and type(v) is list for (table,) in inputs("a: dict[str, list[int]]") for k, v in table.items()
    )


@pytest.mark.parametrize("hint", ["int | None", "Optional[int]", "typing.Optional[int]", "Union[int, None]"])
def test_what_may_be_missing_is_missing_sometimes(hint):
    values = {value for (value,) in inputs(f"a: {hint}")}
    assert {type(value) for value in values} >= {int} and (None in values or "Union" in hint)


def test_boundaries_are_among_them():
    assert {0, 1, -1} <= {value for (value,) in inputs("a: int")}
    assert [] in [value for (value,) in inputs("a: list[int]")]
    assert "" in [value for (value,) in inputs("a: str")]


def test_numbers_that_the_request_names_and_their_neighbours_are_boundaries():
    request = (
        'def f(a: int):\n    """Say whether a is at most 19, or -4, 1,000 or 10^9; see RFC 2119, v1.2, x86.\n%s    """'
    )
    found = generate_inputs(request % "    >>> f(77)\n    False\n", "f", [])
    values = {value for (value,) in found}
    assert {18, 19, 20, -5, -4, -3, 2119} <= values
    assert not {76, 78, 86, 85} & values, "an example's numbers are no boundaries, nor are parts of words"
    assert not {999, 1000, 1001, 9, 8} & values, "a number in parts is not read"
    assert {0, 1, -1} <= values, "those of the type are there, too"
    assert not {19, 18, 2119} & {value for (value,) in inputs("a: int")}
    assert 19.0 in {value for (value,) in generate_inputs(request.replace("int", "float") % "", "f", [])}


def test_examples_come_first_and_are_changed_one_argument_at_a_time():
    found = inputs("a, b", "    >>> f([1, 2], 'x')\n    3\n")
    assert found[0] == ([1, 2], "x")
    assert all(len(each) == 2 and type(each[0]) is list and type(each[1]) is str for each in found)
    assert all((each[0] == [1, 2]) + (each[1] == "x") >= 1 for each in found[:5])
    assert len(found) == 24


def test_no_two_are_alike_there_are_not_too_many_and_they_are_the_same_each_time():
    found = inputs("a: list[int], b: str")
    assert len({repr(each) for each in found}) == len(found) <= 24
    assert found == inputs("a: list[int], b: str")
    assert len(inputs("a: int, b: int", most=5)) == 5


def test_without_types_and_examples_there_are_none():
    assert generate_inputs("Add two numbers.", "f", []) == []
    assert generate_inputs("def g(x: int): pass", "f", []) == []


def test_defaults_are_left_to_the_function():
    assert all(len(each) == 1 for each in inputs("a: int, b: int = 3"))


@pytest.mark.parametrize(
    "hint", ["Any", "T", "object", "list[Shape]", "Optional[Shape]", "list[list[list[list[int]]]]", "int + 1", "''"]
)
def test_a_type_that_nobody_knows_gives_something(hint):
    assert inputs(f"a: {hint}")


@pytest.mark.parametrize("hint", ["Shape", "'Shape'", "Callable[[int], int]", "np.ndarray", "Iterator[int]"])
def test_no_value_is_made_up_for_a_class_on_whose_other_values_every_program_raises(hint):
    assert inputs(f"a: int, b: {hint}") == []


def test_arguments_shown_are_literals_of_calls_of_the_function():
    (example,) = read_tests("assert f(1, [2]) == g(f(3)) + f(x)").examples
    assert find_arguments(example, "f") == [(1, [2]), (3,)] or (3,) in find_arguments(example, "f")
    assert find_arguments(example, "h") == []


def test_values_of_every_kind_can_be_changed():
    doctest = "    >>> f(True, 1, 1.5, 'ab', [1], (1, 2), {'a': 1}, {1, 2}, None, {}, [], '', b'x')\n    1\n"
    found = inputs("a, b, c, d, e, g, h, i, j, k, l, m, n", doctest, most=200)
    columns = list(zip(*found, strict=True))
    for place, column in enumerate(columns):
        assert all(type(value) is type(column[0]) for value in column)
        assert len({repr(value) for value in column}) > 1 or place in (8, 9, 10, 12)
