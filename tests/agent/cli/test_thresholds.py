"""A policy pauses at the threshold asked for, else at the model's, else at its own."""

import math
from dataclasses import replace

import pytest

from agent import profile
from agent.cli import components
from agent.cli.thresholds import describe_threshold, read_threshold
from agent.decoding import POLICIES
from agent.errors import FileAccessError, InvalidRequestError, ProfileError
from agent.profile import Calibration, find_profile, profile_file, update_profile
from uncertainty.scores import collision_of_deviation


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def test_a_policy_takes_the_threshold_asked_for_else_the_models_else_its_own():
    def threshold(name, text=None, model="Qwen/Qwen3-0.6B"):
        policy = components.build_policy(name, model=model, threshold=text, profile=find_profile(model))
        return policy.gate.threshold

    assert threshold("adadec", model="nobody/knows") == 1.0
    assert threshold("adadec") == 1.321288
    assert threshold("adadec", "2") == 2.0
    assert threshold("greedy") == math.inf
    learned = {"entropy": Calibration("entropy", "youden", 0.25)}
    update_profile(profile_file("Qwen/Qwen3-0.6B", ""), "Qwen/Qwen3-0.6B", "", thresholds=learned)
    assert threshold("adadec") == 0.25
    hidden = components.build_policy("adadec", model="Qwen/Qwen3-0.6B").gate.threshold
    assert hidden == 1.0, "benchmarks take no hidden one"


@pytest.mark.model
def test_a_bound_on_the_deviation_is_one_on_the_collision_entropy_of_the_models_vocabulary():
    def threshold(text, policy="uscd"):
        return components.build_policy(policy, model="models/tiny", threshold=text).gate.threshold

    assert threshold("std=0.0035") == threshold("std=0.0035", "uscd-adadec") == collision_of_deviation(0.0035, 2048)
    for wrong in ("std=", "std=x", "std=-1", "std=2", "std=nan"):
        with pytest.raises(InvalidRequestError, match=f"{wrong}' came; wanted a standard deviation"):
            threshold(wrong)
    with pytest.raises(InvalidRequestError, match=r"pauses by entropy; a bound on std\(p\) goes with uscd"):
        threshold("std=0.0035", "adadec")


def test_the_learned_threshold_is_asked_for_by_its_word(tmp_path):
    assert read_threshold("learned", model="Qwen/Qwen3-0.6B", score="entropy") == 1.321288
    with pytest.raises(ProfileError, match=r"no threshold of collision was learned for 'Qwen/Qwen3-0\.6B'; learn one"):
        read_threshold("learned", model="Qwen/Qwen3-0.6B", score="collision")


def test_a_profile_gives_its_threshold_to_its_own_model(tmp_path):
    file = tmp_path / "a.json"
    update_profile(file, "me/model", "", thresholds={"entropy": Calibration("entropy", "youden", 0.7)})
    assert read_threshold(str(file), model="me/model", score="entropy") == 0.7
    with pytest.raises(ProfileError, match=r"was learned from me/model, and this is you; learn one from it with"):
        read_threshold(str(file), model="you", score="entropy")
    with pytest.raises(ProfileError, match="holds thresholds of entropy, and this policy pauses by collision"):
        read_threshold(str(file), model="me/model", score="collision")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 1, "threshold": 1}'])
def test_a_file_that_is_no_profile_is_refused_with_what_was_wanted(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ProfileError, match=r"is no profile .*; wanted a number, as in --threshold 1.0, or a file of"):
        read_threshold(str(tmp_path / "a.json"), model="m", score="entropy")


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/"])
def test_what_is_no_file_is_not_read_for_a_threshold(place):
    with pytest.raises(FileAccessError, match="wanted a regular file"):
        read_threshold(place, model="m", score="entropy")


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileAccessError, match="No such file"):
        read_threshold(str(tmp_path / "none.json"), model="m", score="entropy")


def test_a_learned_threshold_is_described_and_no_other():
    adadec = POLICIES["adadec"]
    learned = replace(adadec, gate=replace(adadec.gate, threshold=0.62))
    assert describe_threshold(learned, "adadec", None).startswith(", pausing from 0.62 nats on, as learned")
    assert describe_threshold(adadec, "adadec", None) == describe_threshold(learned, "adadec", "0.62") == ""
