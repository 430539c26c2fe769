"""A learned threshold is found by its model's name, and by no other."""

import json
import math
from dataclasses import replace

import pytest

from agent import profile
from agent.cli import components
from agent.errors import FileAccessError, InvalidRequestError
from agent.profile import PUBLISHED, Calibration, load, of_model, place_of, threshold_from, write
from uncertainty import collision_of_deviation

LEARNED = Calibration("me/model", "abc", "entropy", "youden", 0.7, 10, 2, {"entropy": 0.9}, [], {"python": "3.11"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def test_a_calibration_survives_its_file(tmp_path):
    write(LEARNED, tmp_path / "deep" / "a.json")
    assert load(tmp_path / "deep" / "a.json") == LEARNED
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_never_is_null_in_the_file(tmp_path):
    never = Calibration("m", "", "entropy", "expected", math.inf, auroc={"entropy": math.nan})
    write(never, tmp_path / "a.json")
    assert "Infinity" not in (tmp_path / "a.json").read_text() and load(tmp_path / "a.json").threshold == math.inf


def test_it_is_found_by_model_weights_and_score_together():
    write(LEARNED, place_of("me/model", "abc"))
    assert of_model("me/model", "abc", "entropy") == of_model("./model", "abc", "entropy") == LEARNED
    assert of_model("me/model", "other", "entropy") is None
    assert of_model("me/model", "", "entropy") is None
    assert of_model("me/model", "abc", "collision") is None
    write(replace(LEARNED, weights=""), place_of("me/model", ""))
    assert of_model("me/model", "", "entropy").weights == "" and of_model("you/model", "", "entropy") is None


def test_places_differ_for_models_that_differ():
    names = ["a/b", "a--b", "/a/b", "a-b", "日本", "語", "models/tiny"]
    assert len({place_of(name, weights) for name in names for weights in ("", "abc")}) == 2 * len(names) - 2


@pytest.mark.parametrize("model", sorted(PUBLISHED))
def test_published_thresholds_are_known_by_name_for_the_entropy_alone(model):
    assert of_model(model, "", "entropy").threshold == PUBLISHED[model]
    assert of_model(model, "", "collision") is None


def test_a_policy_takes_the_threshold_asked_for_else_the_models_else_its_own():
    assert components.policy_named("adadec", model="nobody/knows").gate.threshold == 1.0
    qwen = {"model": "Qwen/Qwen3-0.6B", "learned": True}
    assert components.policy_named("adadec", **qwen).gate.threshold == 1.321288
    assert components.policy_named("adadec", **qwen, threshold="2").gate.threshold == 2.0
    assert components.policy_named("greedy", **qwen).gate.threshold == math.inf
    write(Calibration("Qwen/Qwen3-0.6B", "", "entropy", "youden", 0.25), place_of("Qwen/Qwen3-0.6B", ""))
    assert components.policy_named("adadec", **qwen).gate.threshold == 0.25
    assert components.policy_named("adadec", model="Qwen/Qwen3-0.6B").gate.threshold == 1.0, (
        "benchmarks take no hidden one"
    )


@pytest.mark.model
def test_a_bound_on_the_deviation_is_one_on_the_collision_entropy_of_the_models_vocabulary():
    def threshold(text, policy="uscd"):
        return components.policy_named(policy, model="models/tiny", threshold=text).gate.threshold

    assert threshold("std=0.0035") == threshold("std=0.0035", "uscd-adadec") == collision_of_deviation(0.0035, 2048)
    for wrong in ("std=", "std=x", "std=-1", "std=2", "std=nan"):
        with pytest.raises(InvalidRequestError, match=f"{wrong}' came; wanted a standard deviation"):
            threshold(wrong)
    with pytest.raises(InvalidRequestError, match=r"pauses by entropy; a bound on std\(p\) goes with uscd"):
        threshold("std=0.0035", "adadec")


def test_a_file_gives_its_threshold_to_its_own_model(tmp_path):
    write(LEARNED, tmp_path / "a.json")
    where = {"weights": "abc", "score": "entropy"}
    assert threshold_from(str(tmp_path / "a.json"), model="me/model", **where) == 0.7
    with pytest.raises(
        InvalidRequestError, match=r"learned from me/model \(weights abc\), and this is you \(weights x\)"
    ):
        threshold_from(str(tmp_path / "a.json"), model="you", weights="x", score="entropy")
    with pytest.raises(InvalidRequestError, match="of the score entropy, and this policy pauses by collision"):
        threshold_from(str(tmp_path / "a.json"), model="me/model", weights="abc", score="collision")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 1}', json.dumps({"threshold": "x"}), "[" * 5000])
def test_anything_else_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(
        InvalidRequestError, match=r"holds no learned threshold; wanted a number, as in --threshold 1.0"
    ):
        load(tmp_path / "a.json")


def test_a_file_that_is_not_there_and_a_place_that_cannot_be_written_are_said(tmp_path):
    with pytest.raises(FileAccessError, match="No such file"):
        threshold_from(str(tmp_path / "none.json"), model="m", weights="", score="entropy")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="cannot write"):
        write(LEARNED, tmp_path / "file" / "a.json")
    with pytest.raises(InvalidRequestError, match="is a folder; name a file"):
        write(LEARNED, tmp_path)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"threshold": "0.5"}, {"threshold": -1}, {"threshold": True}, {"threshold": [1]}, {"threshold": 10**400},
        {"model": 7}, {"weights": None}, {"score": []}, {"recipe": {}},
    ],
    ids=str,
)  # fmt: skip
def test_a_file_that_states_no_threshold_is_refused(tmp_path, spoiled):
    write(LEARNED, tmp_path / "a.json")
    record = {**json.loads((tmp_path / "a.json").read_text()), **spoiled}
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(InvalidRequestError, match="holds no learned threshold"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/"])
def test_what_is_no_file_is_not_read_for_a_threshold(place):
    with pytest.raises(FileAccessError, match="wanted a regular file"):
        threshold_from(place, model="m", weights="", score="entropy")


def test_a_file_of_another_kind_is_never_replaced(tmp_path):
    from agent.learned import Learned

    write(LEARNED, tmp_path / "a.json")
    write(replace(LEARNED, threshold=0.9), tmp_path / "a.json")
    assert load(tmp_path / "a.json").threshold == 0.9
    with pytest.raises(FileAccessError, match="exists and was not made by this command"):
        write(Learned("m", "w", {}, {}), tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"mine": 1}')
    with pytest.raises(FileAccessError, match="exists and was not made by this command"):
        write(LEARNED, tmp_path / "b.json")
