import contextlib
import json
import sys

import pytest
from alike import alike
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import plain

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
)
KEYS = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4)
VALUES = st.recursive(
    SCALARS | st.sets(KEYS, max_size=3) | st.frozensets(KEYS, max_size=3),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_comes_back_the_same_type_by_type(value):
    returned = plain.loads(plain.dumps(value))
    assert alike(returned, value), f"{value!r} came back as {returned!r}"


@given(st.binary() | VALUES.map(lambda value: plain.dumps(value)[1:]))
def test_decoding_any_bytes_raises_nothing_but_plain_error(data):
    with contextlib.suppress(plain.PlainError):
        plain.loads(data)


TAGS = st.sampled_from(["int", "float", "complex", "str", "bytes", "tuple", "set", "frozenset", "dict", "other"])
FORGED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TAGS, inner, min_size=1, max_size=2),
    max_leaves=8,
)


@given(FORGED)
def test_decoding_forged_tags_raises_nothing_but_plain_error(forged):
    with contextlib.suppress(plain.PlainError):
        plain.loads(json.dumps(forged).encode())


@pytest.mark.parametrize("value", [10**5000, -(10**5000), 2**53, -(2**53), 2**53 - 1], ids=hex)
def test_an_int_has_any_size(value):
    assert plain.loads(plain.dumps(value)) == value


def test_two_lone_surrogates_do_not_become_one_character():
    assert plain.loads(plain.dumps("\ud83d\ude00")) == "\ud83d\ude00" != "\U0001f600"


class Liar:
    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


class Number(int):
    pass


class Row(list):
    pass


@pytest.mark.parametrize(
    "value", [Liar(), Number(3), Row(), range(3), (i for i in ()), bytearray(), Liar, [Liar()], {1: Number()}]
)
def test_a_value_of_any_other_type_is_not_plain(value):
    with pytest.raises(plain.PlainError, match="not plain data"):
        plain.dumps(value)


def test_a_list_within_itself_is_not_plain():
    loop = []
    loop.append(loop)
    with pytest.raises(plain.PlainError, match="within itself"):
        plain.dumps(loop)


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_is_plain_down_to_the_deepest_and_no_further():
    assert plain.loads(plain.dumps(nested(plain._DEEPEST))) == nested(plain._DEEPEST)
    with pytest.raises(plain.PlainError):
        plain.dumps(nested(plain._DEEPEST + 1))
    with pytest.raises(plain.PlainError):
        plain.loads(json.dumps(nested(plain._DEEPEST + 1)).encode())


def test_nesting_that_would_overflow_the_stack_is_refused():
    with pytest.raises(plain.PlainError):
        plain.loads(b"[" * 1_000_000)


def test_a_set_built_to_collide_is_refused_before_it_is_built():
    modulus = sys.hash_info.modulus
    colliding = {"set": [{"int": hex(i * modulus)} for i in range(2 * plain._MOST_COLLISIONS)]}
    with pytest.raises(plain.PlainError, match="equal hashes"):
        plain.loads(json.dumps(colliding).encode())


HEAVY = [b"[" + b",".join([item] * count) + b"]" for item, count in ((b'{"set":[]}', 600_000), (b"[]", 2_500_000))]


@pytest.mark.parametrize("data", HEAVY, ids=["sets", "lists"])
def test_what_would_take_too_much_memory_is_refused_before_it_is_decoded(data):
    with pytest.raises(plain.DecodingLimitError, match="bytes") as refused:
        plain.loads(data)
    assert refused.value.limit == "bytes"


def test_values_of_one_budget_share_its_memory():
    budget = plain.DecodingBudget(most_bytes=1000)
    assert plain.loads(b"[1,2,3]", budget) == [1, 2, 3]
    with pytest.raises(plain.DecodingLimitError):
        for _ in range(10):
            plain.loads(b"[1,2,3]", budget)


@pytest.mark.parametrize("data", [b'{"set":[1,2]}', b'{"dict":[[1,2]]}', b'{"frozenset":[1]}'])
def test_a_set_or_dict_is_not_built_when_the_time_is_up(data):
    with pytest.raises(plain.DecodingLimitError, match="seconds"):
        plain.loads(data, plain.DecodingBudget(seconds=-1))


@pytest.mark.parametrize(
    "data", [b"NaN", b'{"float":"1.5"}', b'{"set":[1,1]}', b'{"set":[[]]}', b'{"complex":[1,2]}', b"1" * 5000]
)
def test_what_the_encoder_never_writes_is_refused(data):
    with pytest.raises(plain.PlainError):
        plain.loads(data)
