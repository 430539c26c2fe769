"""A profile is found by its model and by no other, and states numbers or is refused."""

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import profile
from agent.errors import FileAccessError, ProfileError
from agent.files.plain import make_plain
from agent.lm.names import digest_weights, find_embedded_model
from agent.profile import (
    PROFILE_NAME,
    PUBLISHED,
    Calibration,
    ModelProfile,
    ReliabilityCurve,
    find_profile,
    load_profile,
    profile_file,
    update_profile,
)
from agent.search.frontier import SearchConfig, with_profile

CURVE = ReliabilityCurve({"share": 2.0, "gone": 1.0}, -1.0, (-1.0, 0.0, 0.0, 1.0), (0.1, 0.2, 0.6, 0.9), examples=2)
ENTROPY = Calibration("entropy", "youden", 0.7, {"youden": 0.7}, 10, 2, {"entropy": 0.9}, [], {"python": "3.11"})
SEARCH = {"edge_weights": {"path": 1.0}, "reliability": CURVE, "search_origin": {"tasks": 10}}
WHOLE = ModelProfile("me/model", "abc", {"entropy": ENTROPY}, **SEARCH)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


@pytest.fixture
def model(tmp_path):
    """Return the name and the digest of a local model."""
    name = tmp_path / "model"
    name.mkdir()
    (name / "model.safetensors").write_bytes(b"weights")
    return str(name), digest_weights(str(name))


def stored(tmp_path, **changed):
    """Return a file of the whole profile, some of its fields changed."""
    file = tmp_path / "a.json"
    file.write_text(json.dumps({**make_plain(WHOLE), **changed}))
    return file


def test_a_profile_survives_its_file_and_nothing_lies_beside_it(tmp_path):
    file = tmp_path / "deep" / "a.json"
    update_profile(file, "me/model", "abc", thresholds={"entropy": ENTROPY}, **SEARCH)
    assert load_profile(file) == WHOLE
    assert [each.name for each in file.parent.iterdir()] == ["a.json"]


def test_each_command_updates_its_part_and_keeps_the_other(tmp_path):
    file, other = tmp_path / "a.json", Calibration("collision", "youden", 0.2)
    update_profile(file, "me/model", "abc", thresholds={"entropy": ENTROPY})
    update_profile(file, "me/model", "abc", **SEARCH)
    assert load_profile(file) == WHOLE
    update_profile(file, "me/model", "abc", thresholds={"collision": other})
    assert load_profile(file) == replace(WHOLE, thresholds={"entropy": ENTROPY, "collision": other})
    update_profile(file, "me/model", "xyz", thresholds={"entropy": ENTROPY})
    assert load_profile(file) == ModelProfile("me/model", "xyz", {"entropy": ENTROPY}), "another model's is replaced"


def test_never_is_null_in_the_file(tmp_path):
    never = Calibration("entropy", "expected", math.inf, auroc={"entropy": math.nan})
    update_profile(tmp_path / "a.json", "m", "", thresholds={"entropy": never})
    assert "Infinity" not in (tmp_path / "a.json").read_text()
    assert load_profile(tmp_path / "a.json").threshold("entropy") == math.inf


def test_the_users_parts_come_before_those_of_the_models_folder(tmp_path, model):
    name, weights = model
    update_profile(tmp_path / "model" / PROFILE_NAME, "their/name", weights, thresholds={"entropy": ENTROPY}, **SEARCH)
    assert find_profile(name) == replace(WHOLE, model=name, weights=weights)
    own = replace(ENTROPY, threshold=0.1)
    update_profile(profile_file(name, weights), name, weights, thresholds={"entropy": own})
    assert find_profile(name) == replace(WHOLE, model=name, weights=weights, thresholds={"entropy": own})
    update_profile(profile_file(name, weights), name, weights, edge_weights={"path": 2.0}, search_origin={"tasks": 1})
    assert (find_profile(name).edge_weights, find_profile(name).reliability) == ({"path": 2.0}, WHOLE.reliability)


def test_the_shipped_profile_of_a_shelf_model_comes_last(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "find_embedded_model", lambda: tmp_path / "models" / "tiny")
    name, weights = "qwen2.5-coder-0.5b", digest_weights("qwen2.5-coder-0.5b")
    shipped = tmp_path / "models" / "profiles" / f"{name}.json"
    update_profile(shipped, name, weights, thresholds={"entropy": ENTROPY})
    assert find_profile(name).threshold("entropy") == 0.7
    own = {"entropy": replace(ENTROPY, threshold=0.2), "collision": Calibration("collision", "youden", 0.3)}
    update_profile(profile_file(name, weights), name, weights, thresholds=own)
    assert (find_profile(name).threshold("entropy"), find_profile(name).threshold("collision")) == (0.2, 0.3)
    assert find_profile("models/tiny").thresholds == find_profile("nobody/knows").thresholds == {}


def test_every_shipped_profile_is_of_a_model_of_the_shelf_and_says_what_it_was_learned_on():
    folder = find_embedded_model().parent / "profiles"
    page = (folder / "README.md").read_text()
    for file in folder.glob("*.json"):
        shipped = load_profile(file)
        assert shipped.is_of(shipped.model, digest_weights(shipped.model)) and file.stem == shipped.model
        learned = shipped.thresholds["entropy"]
        assert {"adadec", "budget=0.07"} <= learned.recipes.keys() and learned.tasks > 0
        assert learned.provenance["problems"] == ["Mbpp", "exercises/calibration"], "HumanEval+ is for testing"
        command = [word for word in learned.provenance["command"][1:] if word != "--json"]  # behind the program's name
        assert f"$ dubito {' '.join(command)}\n" in page
        assert find_profile(shipped.model).threshold("entropy") == learned.threshold


def test_a_profile_of_other_weights_is_not_taken(tmp_path, model):
    name, _ = model
    update_profile(tmp_path / "model" / PROFILE_NAME, name, "other", thresholds={"entropy": ENTROPY})
    assert find_profile(name).thresholds == {}
    assert WHOLE.is_of("./model", "abc") and not WHOLE.is_of("me/model", "") and not WHOLE.is_of("me/model", "x")
    of_hub = replace(WHOLE, weights="")
    assert of_hub.is_of("me/model", "") and not of_hub.is_of("you/model", "")


def test_a_profile_that_was_learned_of_earlier_weights_is_named(tmp_path, model):
    name, weights = model
    update_profile(profile_file(name, weights), name, weights, **SEARCH)
    assert find_profile(name).passed_over == ""
    (tmp_path / "model" / "model.safetensors").write_bytes(b"trained on")
    later = find_profile(name)
    assert later.passed_over == str(profile_file(name, weights)) and not later.edge_weights
    update_profile(profile_file(name, later.weights), name, later.weights, **SEARCH)
    assert find_profile(name).passed_over == "", "the model has a profile of its own now"
    assert "passed_over" not in profile_file(name, later.weights).read_text()


def test_a_model_whose_name_only_begins_alike_has_no_say(model):
    name, weights = model
    update_profile(profile_file(f"{name}-large", "0123456789ab"), f"{name}-large", "0123456789ab", **SEARCH)
    assert profile_file(name, weights).parent.joinpath("model-large-0123456789ab.json").exists()
    assert find_profile(name).passed_over == ""


@pytest.mark.parametrize("place", ["thresholds", "searches"])
def test_a_file_of_an_older_version_is_named_and_not_silently_ignored(tmp_path, model, place):
    file = tmp_path / "dubito" / place / profile_file(*model).name
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    with pytest.raises(ProfileError, match="written by an older version"):
        find_profile(model[0])


def test_names_that_no_file_can_have_have_no_profile():
    assert find_profile("x" * 5000).thresholds == find_profile("nul\0byte").thresholds == {}


def test_files_differ_for_models_that_differ():
    names = ["a/b", "a--b", "/a/b", "a-b", "日本", "語", "models/tiny"]
    assert len({profile_file(name, weights) for name in names for weights in ("", "abc")}) == 2 * len(names) - 2


@pytest.mark.parametrize("model", sorted(PUBLISHED))
def test_published_thresholds_are_known_by_name_for_the_entropy_alone(model):
    assert find_profile(model).threshold("entropy") == PUBLISHED[model]
    assert find_profile(model).threshold("collision") is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"model": 1}', "[" * 100_000, '{"edge_weights": ' + "9" * 5000 + "}", "\0", "NaN", "7", '"text"'],
    ids=range(10),
)
def test_a_file_of_anything_else_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ProfileError, match="is no profile of a model, or was written by an older version"):
        load_profile(tmp_path / "a.json")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"threshold": "0.5"}, {"threshold": -1}, {"threshold": True}, {"threshold": [1]}, {"threshold": 10**400},
        {"score": []}, {"score": "collision"}, {"recipe": {}},
    ],
    ids=str,
)  # fmt: skip
def test_a_threshold_that_is_no_number_is_refused(tmp_path, spoiled):
    with pytest.raises(ProfileError, match="is no profile"):
        load_profile(stored(tmp_path, thresholds={"entropy": {**asdict(ENTROPY), **spoiled}}))


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
    with pytest.raises(ProfileError, match="is no profile"):
        load_profile(stored(tmp_path, reliability={**make_plain(CURVE), **spoiled}))


@pytest.mark.parametrize(
    "spoiled",
    [{"edge_weights": {"path": "1"}}, {"edge_weights": [1]}, {"edge_weights": 1}, {"model": 7}, {"weights": None},
     {"search_origin": 1}, {"thresholds": []}, {"reliability": 1}],
)  # fmt: skip
def test_a_field_of_another_kind_is_refused(tmp_path, spoiled):
    with pytest.raises(ProfileError, match="is no profile"):
        load_profile(stored(tmp_path, **spoiled))


@given(st.data())
def test_whatever_was_learned_states_probabilities_or_is_refused(tmp_path_factory, data):
    numbers = st.floats() | st.integers() | st.none() | st.text(max_size=2)
    curve = {
        "weights": data.draw(st.dictionaries(st.text(max_size=2), numbers, max_size=2)),
        "intercept": data.draw(numbers),
        "knots": data.draw(st.lists(st.floats(-9, 9) | numbers, max_size=3).map(lambda each: sorted(each, key=str))),
        "levels": data.draw(st.lists(st.floats(0, 1) | numbers, max_size=3)), "examples": 1,
    }  # fmt: skip
    file = stored(tmp_path_factory.mktemp("curve"), reliability=curve)
    try:
        learned = load_profile(file)
    except ProfileError:
        return
    features = dict.fromkeys(curve["weights"], data.draw(st.floats(-1e6, 1e6)))
    assert 0.0 <= learned.reliability.probability(features) <= 1.0


@pytest.mark.parametrize(
    ("share", "level"),
    [(-9.0, 0.1), (0.0, 0.1), (0.25, 0.15), (0.5, 0.6), (0.75, 0.75), (1.0, 0.9), (9.0, 0.9), (float("nan"), 0.1)],
)
def test_a_probability_lies_on_the_curve_between_its_knots(share, level):
    assert CURVE.probability({"share": share}) == pytest.approx(level)


def test_a_probability_never_falls_as_the_form_rises():
    levels = [CURVE.probability({"share": n / 50}) for n in range(-10, 100)]
    assert levels == sorted(levels)


def test_a_search_takes_the_edge_weights_only_where_its_order_uses_them():
    assert with_profile(SearchConfig(), WHOLE) == SearchConfig(reliability=CURVE)
    assert with_profile(SearchConfig(order="learned"), WHOLE).weights == {"path": 1.0}
    assert with_profile(SearchConfig(), ModelProfile("m")) == SearchConfig()
    with pytest.raises(ProfileError, match="a minimum probability needs a reliability curve, which was not learned"):
        with_profile(SearchConfig(min_probability=0.5), ModelProfile("m"))
    with pytest.raises(ProfileError, match="the order learned needs edge weights, which were not learned"):
        with_profile(SearchConfig(order="learned"), ModelProfile("m"))


def test_a_digest_tells_what_searches_use():
    assert ModelProfile("m", thresholds={"entropy": ENTROPY}).digest() is None
    assert WHOLE.digest() == ModelProfile("other", **SEARCH).digest() != replace(WHOLE, reliability=None).digest()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="cannot write"):
        update_profile(tmp_path / "file" / "a.json", "m", "")
    with pytest.raises(FileAccessError, match="is a folder; name a file"):
        update_profile(tmp_path, "m", "")


def test_a_file_of_another_kind_is_never_replaced(tmp_path):
    for text in ('{"mine": 1}', json.dumps({**make_plain(WHOLE), "more": 1})):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(FileAccessError, match="exists and was not made by this command"):
            update_profile(tmp_path / "b.json", "m", "")
        assert (tmp_path / "b.json").read_text() == text


def test_a_curve_that_was_learned_alone_leaves_the_order_that_was_learned_before(tmp_path):
    file, curve = tmp_path / "p.json", ReliabilityCurve({"passed": 1.0}, 0.0, (0.0, 1.0), (0.1, 0.9), 1, enough=0.8)
    update_profile(file, "m", "", edge_weights={"path": 1.0}, search_origin={"tasks": 3})
    update_profile(file, "m", "", reliability=curve, search_origin={"answers": {"tasks": 9}})
    stored = load_profile(file)
    assert (stored.edge_weights, stored.reliability) == ({"path": 1.0}, curve)
    assert stored.search_origin == {"tasks": 3, "answers": {"tasks": 9}}


@pytest.mark.parametrize("enough", [-0.1, 1.1, "much", None])
def test_what_is_enough_must_be_a_probability(tmp_path, enough):
    file, curve = tmp_path / "p.json", ReliabilityCurve({"passed": 1.0}, 0.0, (0.0, 1.0), (0.1, 0.9), 1)
    update_profile(file, "m", "", reliability=curve)
    record = json.loads(file.read_text())
    record["reliability"]["enough"] = enough
    file.write_text(json.dumps(record))
    with pytest.raises(ProfileError, match="is no profile of a model"):
        load_profile(file)
