"""What was learned of a search is found by its model, and by no other."""

import pytest

from agent import calibrations, learned
from agent.calibrations import write
from agent.errors import UsageError
from agent.learned import Learned, load, of_model, place, planned
from agent.search import Plan
from agent.trust import probability_of

TRUST = {
    "weights": {"share": 2.0, "gone": 1.0},
    "intercept": -1.0,
    "knots": [-1.0, 0.0, 0.0, 1.0],
    "levels": [0.1, 0.2, 0.6, 0.9],
    "examples": 2,
}
ONE = Learned("me/model", "abc", {"path": 1.0}, TRUST, 10, {"python": "3.11"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(calibrations, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def test_it_is_read_back_as_it_was_written(tmp_path):
    write(ONE, tmp_path / "a.json")
    assert load(tmp_path / "a.json") == ONE


def test_the_users_own_comes_before_the_one_beside_the_model(tmp_path):
    write(ONE, tmp_path / "model" / learned.BESIDE)
    assert of_model("me/model", "abc", tmp_path / "model") == ONE
    other = Learned("me/model", "abc", {"path": 2.0}, {})
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
    with pytest.raises(UsageError, match="learn it with `dubito calibrate search`"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize("spoiled", [{"levels": [0.1]}, {"intercept": None}, {"weights": {"a": "b"}}])
def test_a_curve_that_lacks_something_is_refused(tmp_path, spoiled):
    write(Learned("m", "w", {}, {**TRUST, **spoiled}), tmp_path / "a.json")
    with pytest.raises(UsageError, match="holds nothing learned of a search"):
        load(tmp_path / "a.json")


def test_a_plan_takes_the_order_only_where_it_asks_for_it():
    assert planned(Plan(), ONE) == Plan(trust=TRUST)
    assert planned(Plan(order="learned"), ONE).weights == {"path": 1.0}
    assert planned(Plan(), None) == Plan()
    for plan in (Plan(min_probability=0.5), Plan(order="learned")):
        with pytest.raises(UsageError, match="needs what was not learned"):
            planned(plan, Learned("m", "w", {}, {}))


@pytest.mark.parametrize(
    ("share", "level"),
    [(-9.0, 0.1), (0.0, 0.1), (0.25, 0.15), (0.5, 0.6), (0.75, 0.75), (1.0, 0.9), (9.0, 0.9), (float("nan"), 0.1)],
)
def test_a_probability_lies_on_the_curve_between_its_knots(share, level):
    assert probability_of(TRUST, {"share": share}) == pytest.approx(level)


def test_a_probability_never_falls_as_the_form_rises():
    levels = [probability_of(TRUST, {"share": n / 50}) for n in range(-10, 100)]
    assert levels == sorted(levels)
    assert probability_of({}, {"share": 1.0}) is None
