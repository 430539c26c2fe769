"""From programs to a profile and to a guarantee: `calibrate holes`, `bench holes` and `holes`, with the small model."""

import json

import pytest
from results import dubito, refused

from agent.profile import load_profile

FAST = ("--sandbox", "process")
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("holes")
    result = dubito(
        "calibrate", "holes", "--problems", "exercises/calibration", "--limit", 24, "--epsilon", 0.5, "--delta", 0.2,
        "--holes", 2, "--keep", folder / "programs.jsonl", "--out", folder / "profile.json", *FAST,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_profile_gets_a_tau_for_each_number_of_holes(calibrated):
    folder, result = calibrated
    holes = load_profile(folder / "profile.json").holes
    assert (holes.epsilon, holes.delta, holes.problems, holes.label) == (0.5, 0.2, 12, "behavioural")
    assert holes.way.policy.startswith("adadec") and len(holes.taus) == 2
    assert holes.origin["problems"] == "exercises/calibration"
    assert all(0 < tau <= 1 for tau in holes.taus)
    assert "12 problems to calibrate on, 12 to test on" in result.output and "with confidence 80%" in result.output


def test_what_was_written_is_not_written_again_and_the_result_is_the_same(calibrated):
    folder, _ = calibrated
    lines = (folder / "programs.jsonl").read_text()
    again = dubito(
        "calibrate", "holes", "--problems", "exercises/calibration", "--limit", 24, "--epsilon", 0.5, "--delta", 0.2,
        "--holes", 2, "--keep", folder / "programs.jsonl", "--out", folder / "again.json", "--json", *FAST,
    )  # fmt: skip
    assert (folder / "programs.jsonl").read_text() == lines
    assert load_profile(folder / "again.json").holes.taus == load_profile(folder / "profile.json").holes.taus
    rows = json.loads(again.stdout)["held_out"]
    assert [row["holes"] for row in rows] == [1, 2] and all(row["problems"] == 12 for row in rows)


def test_ways_are_compared_on_the_programs_that_were_kept(calibrated):
    folder, _ = calibrated
    arguments = ("--epsilon", "0.3,0.5", "--holes", "1,2", "--label", "syntactic", *FAST)
    result = dubito("bench", "holes", folder / "programs.jsonl", *arguments, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert {row["method"] for row in rows} >= {"smallest, surprisal", "nested, surprisal", "uncertain tokens"}
    assert len(rows) == 2 * 2 * 7
    text = dubito("bench", "holes", folder / "programs.jsonl", *arguments).stdout
    assert "12 problems to calibrate on, 12 to test on; delta 0.1" in text


def test_right_samples_complete_holes_and_lines_are_charged_by_their_agreement(calibrated):
    folder, _ = calibrated
    samples, wanted = folder / "samples.jsonl", ("--epsilon", "0.5", "--delta", "0.2", "--holes", "1")
    exercises = ("exercises/calibration", "--limit", 24)
    drawn = dubito("bench", "run", *exercises, "--policy", "sample", "--out", samples, *FAST)
    assert drawn.exit_code == 0, drawn.output
    compared = dubito(
        "bench", "holes", folder / "programs.jsonl", "--samples", samples, *wanted, "--label", "syntactic", "--json"
    )
    assert compared.exit_code == 0, compared.output
    assert "smallest, agreement" in {row["method"] for row in json.loads(compared.stdout)["rows"]}
    keep = ("--keep", folder / "programs.jsonl", "--out", folder / "sampled.json", "--samples", samples)
    learned = dubito("calibrate", "holes", "--problems", *exercises, *wanted, *keep, *FAST)
    assert learned.exit_code == 0, learned.output
    assert load_profile(folder / "sampled.json").holes.origin["samples"] == 24
    few = folder / "few.jsonl"
    few.write_text("".join(samples.read_text().splitlines(keepends=True)[:3]))
    refused(dubito("bench", "holes", folder / "programs.jsonl", "--samples", few, *FAST), "has no program for")


def test_a_program_of_the_model_has_the_guarantee_and_another_policys_has_the_reason(calibrated, monkeypatch):
    folder, _ = calibrated
    monkeypatch.setattr("agent.profile.profile_file", lambda model, weights: folder / "profile.json")
    result = dubito("holes", "--task", "exercises/3", *FAST)
    assert result.exit_code == 0, result.output
    assert (
        "with confidence 80%, at least 50% of such partial programs, for problems like those of exercises"
        in result.stderr
    )
    assert result.stdout.startswith("def ")
    seen = dubito("holes", "--task", "exercises/calibration/3", *FAST)
    assert "may have seen this problem" in seen.stderr
    other = dubito("holes", "--task", "exercises/3", "--policy", "greedy", *FAST)
    assert "uncalibrated: the calibration is of policy adadec" in other.stderr
    assert "and this run has greedy" in other.stderr


def test_a_file_is_read_and_shown_as_python(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("def f(xs):\n    return zzz(xs) + 17\n")
    result = dubito("holes", file, "--tau", "1e-9", "--json")
    record = json.loads(result.stdout)
    assert 1 <= len(record["holes"]) <= 3 and "..." in record["partial"]
    assert "only read this program" in record["guarantee"]["missing"]


def test_bad_input_gets_one_sentence(tmp_path):
    (tmp_path / "b.py").write_text("def f(:\n")
    refused(dubito("holes"), "neither a file nor --task came")
    refused(dubito("holes", tmp_path / "b.py", "--task", "exercises/1"), "a file and --task came")
    refused(dubito("holes", tmp_path / "b.py"), "b.py:1: this is no Python", "mend it first")
    (tmp_path / "deep.py").write_text("x = " + "[" * 1000 + "]" * 1000 + "\n")
    refused(dubito("holes", tmp_path / "deep.py"), "this is no Python (too many nested parentheses)")
    (tmp_path / "comment.py").write_text("# nothing\n")
    refused(dubito("holes", tmp_path / "comment.py"), "has no code")
    refused(dubito("holes", tmp_path / "none.py"), "there is no such file")
    refused(
        dubito("calibrate", "holes", "--limit", 40), "20 problems to calibrate on (half of 40)", "wanted at least 39"
    )
    refused(dubito("calibrate", "holes", "--label", "mine"), "behavioural")
    refused(dubito("calibrate", "holes", "--epsilon", 1.5), "--epsilon 1.5 came")
    refused(dubito("calibrate", "holes", "--holes", 9), "--holes 9 came; wanted 1 to 8")
    refused(dubito("calibrate", "holes", "--test", "exercises/calibration"), "would calibrate and test")
    refused(dubito("bench", "holes", tmp_path / "none.jsonl"), "none.jsonl")
    refused(dubito("bench", "holes", tmp_path / "b.py", "--epsilon", "x"), "--epsilon")
