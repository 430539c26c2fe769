"""What was learned of hole-sets: it is written whole, read back or refused, and holds for one way of writing alone."""

import json
from dataclasses import replace

import pytest

from agent.errors import ProfileError
from agent.profile import find_profile, load_profile, profile_file, update_profile
from agent.program.hole_calibration import HoleCalibration, WayOfWriting

WAY = WayOfWriting("adadec@1.3", "dubito 0123", "int8", 512, 2)
CALIBRATION = HoleCalibration(
    0.1, 0.05, (0.5, None, 0.25), (1, None, 2), (0.3, None, 0.2), 120, "behavioural", WAY, "abc", {"seed": 0}
)  # fmt: skip


def test_a_calibration_is_kept_in_the_profile_beside_the_rest(tmp_path):
    file = tmp_path / "p.json"
    update_profile(file, "m", "w", edge_weights={"path": 1.0})
    update_profile(file, "m", "w", holes=CALIBRATION)
    stored = load_profile(file)
    assert (stored.holes, stored.edge_weights) == (CALIBRATION, {"path": 1.0})


def test_a_profile_of_before_has_none(tmp_path):
    file = tmp_path / "p.json"
    update_profile(file, "m", "w", edge_weights={"path": 1.0})
    record = json.loads(file.read_text())
    del record["holes"]
    file.write_text(json.dumps(record))
    assert load_profile(file).holes is None
    update_profile(file, "m", "w", holes=CALIBRATION)
    assert load_profile(file).holes == CALIBRATION


def test_a_run_finds_the_users_calibration():
    update_profile(profile_file("some/model", ""), "some/model", "", holes=CALIBRATION)
    assert find_profile("some/model").holes == CALIBRATION


def test_a_tau_is_taken_with_the_number_of_holes_that_it_was_shown_for():
    chosen = [CALIBRATION.choose(holes) for holes in (1, 2, 3, 8)]
    assert chosen == [(1, 0.5), (1, 0.5), (3, 0.25), (3, 0.25)]
    assert replace(CALIBRATION, taus=(None, 0.5, 0.1)).choose(1) is None


def test_of_several_numbers_of_holes_the_one_that_removed_least_is_taken():
    assert replace(CALIBRATION, removed=(0.1, None, 0.2)).choose(3) == (1, 0.5)


def test_a_calibration_of_before_has_another_cost_rule(tmp_path):
    file = tmp_path / "p.json"
    update_profile(file, "m", "w", holes=CALIBRATION)
    record = json.loads(file.read_text())
    del record["holes"]["way"]["cost_rule"], record["holes"]["removed"]
    file.write_text(json.dumps(record))
    stored = load_profile(file).holes
    assert stored.way.describe_other(WAY) == "cost rule 1, and this run has 2"
    assert stored.taus == CALIBRATION.taus


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("policy", "greedy", "policy adadec@1.3, and this run has greedy"),
        ("prompt_style", "qwen 9", "prompt style dubito 0123, and this run has qwen 9"),
        ("max_tokens", 64, "max tokens 512, and this run has 64"),
        ("dtype", "bfloat16", "dtype int8, and this run has bfloat16"),
    ],
)
def test_another_way_of_writing_is_told_by_what_differs(part, value, sentence):
    assert WAY.describe_other(replace(WAY, **{part: value})) == sentence
    assert WAY.describe_other(WAY) == ""


@pytest.mark.parametrize(
    "damage",
    [
        {"epsilon": 0}, {"delta": 2.0}, {"taus": [0.5, None, -1.0]}, {"taus": []}, {"errors": [1]}, {"label": "mine"},
        {"epsilon": 0.001}, {"way": {}}, {"errors": [1, None, 0.5]}, {"problems": "many"}, {"taus": ["0.5", None, 0.2]},
    ],
)  # fmt: skip
def test_a_damaged_calibration_is_refused(tmp_path, damage):
    file = tmp_path / "p.json"
    update_profile(file, "m", "w", holes=CALIBRATION)
    record = json.loads(file.read_text())
    record["holes"] |= damage
    file.write_text(json.dumps(record))
    with pytest.raises(ProfileError, match="is no profile of a model"):
        load_profile(file)
