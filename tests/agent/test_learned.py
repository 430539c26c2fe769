"""What was learned of a search is found by its model, and by no other."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import learned, profile
from agent.errors import InvalidRequestError
from agent.learned import Learned, load, of_model, place, with_profile
from agent.profile import ReliabilityCurve, probability_of, write
from agent.search.frontier import SearchConfig

TRUST = ReliabilityCurve({"share": 2.0, "gone": 1.0}, -1.0, (-1.0, 0.0, 0.0, 1.0), (0.1, 0.2, 0.6, 0.9), examples=2)
ONE = Learned("me/model", "abc", {"path": 1.0}, TRUST, 10, {"python": "3.11"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def test_it_is_read_back_as_it_was_written(tmp_path):
    write(ONE, tmp_path / "a.json")
    assert load(tmp_path / "a.json") == ONE


def test_the_users_own_comes_before_the_one_beside_the_model(tmp_path):
    write(ONE, tmp_path / "model" / learned.BESIDE)
    assert of_model("me/model", "abc", tmp_path / "model") == ONE
    other = Learned("me/model", "abc", {"path": 2.0}, None)
    write(other, place("me/model", "abc"))
    assert of_model("me/model", "abc", tmp_path / "model") == other


def test_another_models_is_not_taken(tmp_path):
    write(ONE, tmp_path / learned.BESIDE)
    assert of_model("me/model", "abd", tmp_path) is None
    assert of_model("me/other", "", tmp_path) is None
    assert of_model("me/model", "abc", tmp_path / "nowhere") is None


@pytest.mark.parametrize("spoiled", ["", "[]", "{}", '{"model": 1}'])
def test_what_was_not_written_by_the_command_is_refused_with_what_to_do(tmp_path, spoiled):
    (tmp_path / "a.json").write_text(spoiled)
    with pytest.raises(InvalidRequestError, match="learn it with `dubito calibrate search`"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"levels": [0.1]}, {"intercept": None}, {"weights": {"a": "b"}}, {"levels": [0.1, 0.2, 0.6, 1.5]},
        {"levels": [-0.1, 0.2, 0.6, 0.9]}, {"levels": [0.9, 0.6, 0.2, 0.1]}, {"levels": ["0.1"] * 4},
        {"levels": [True] * 4},
        {"levels": []}, {"levels": {}}, {"levels": "abcd"}, {"knots": [1.0, 0.0, 0.0, -1.0]}, {"knots": [[0]] * 4},
        {"knots": [10**400] * 4}, {"intercept": 1e300}, {"weights": []}, {"weights": {"a": 10**400}},
        {"weights": {"a": True}},
        {"examples": -1}, {"examples": "2"}, {"examples": None},
    ],
    ids=range(21),
)  # fmt: skip
def test_a_curve_that_lacks_something_is_refused(tmp_path, spoiled):
    write(Learned("m", "w", {}, replace(TRUST, **spoiled)), tmp_path / "a.json")
    with pytest.raises(InvalidRequestError, match="holds nothing learned of a search"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"order": ' + "9" * 5000 + "}", "\0", "NaN", "7", '"text"'],
    ids=range(6),
)
def test_a_file_of_anything_else_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidRequestError, match="holds nothing learned of a search"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize(
    "spoiled", [{"order": {"path": "1"}}, {"order": [1]}, {"model": 7}, {"weights": None}, {"order": 1}]
)
def test_an_order_that_is_no_numbers_is_refused(tmp_path, spoiled):
    write(ONE, tmp_path / "a.json")
    record = {**json.loads((tmp_path / "a.json").read_text()), **spoiled}
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(InvalidRequestError, match="holds nothing learned of a search"):
        load(tmp_path / "a.json")


@given(st.data())
def test_whatever_was_learned_states_probabilities_or_is_refused(tmp_path_factory, data):
    numbers = st.floats() | st.integers() | st.none() | st.text(max_size=2)
    trust = {
        "weights": data.draw(st.dictionaries(st.text(max_size=2), numbers, max_size=2)),
        "intercept": data.draw(numbers),
        "knots": data.draw(st.lists(st.floats(-9, 9) | numbers, max_size=3).map(lambda each: sorted(each, key=str))),
        "levels": data.draw(st.lists(st.floats(0, 1) | numbers, max_size=3)), "examples": 1,
    }  # fmt: skip
    file = tmp_path_factory.mktemp("trust") / "a.json"
    file.write_text(
        json.dumps({"model": "m", "weights": "", "order": {}, "trust": trust, "tasks": 1, "provenance": {}})
    )
    try:
        found = load(file)
    except InvalidRequestError:
        return
    features = dict.fromkeys(trust["weights"], data.draw(st.floats(-1e6, 1e6)))
    assert 0.0 <= probability_of(found.trust, features) <= 1.0


def test_a_plan_takes_the_order_only_where_it_asks_for_it():
    assert with_profile(SearchConfig(), ONE) == SearchConfig(trust=TRUST)
    assert with_profile(SearchConfig(order="learned"), ONE).weights == {"path": 1.0}
    assert with_profile(SearchConfig(), None) == SearchConfig()
    for config in (SearchConfig(min_probability=0.5), SearchConfig(order="learned")):
        with pytest.raises(InvalidRequestError, match="needs what was not learned"):
            with_profile(config, Learned("m", "w", {}, None))


@pytest.mark.parametrize(
    ("share", "level"),
    [(-9.0, 0.1), (0.0, 0.1), (0.25, 0.15), (0.5, 0.6), (0.75, 0.75), (1.0, 0.9), (9.0, 0.9), (float("nan"), 0.1)],
)
def test_a_probability_lies_on_the_curve_between_its_knots(share, level):
    assert probability_of(TRUST, {"share": share}) == pytest.approx(level)


def test_a_probability_never_falls_as_the_form_rises():
    levels = [probability_of(TRUST, {"share": n / 50}) for n in range(-10, 100)]
    assert levels == sorted(levels)
