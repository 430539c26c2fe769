"""What `dubito calibrate answers` learns from trails, where it writes that, and what it refuses."""

import json
from dataclasses import replace

import pytest
from results import dubito, refused

from agent.lm.names import digest_weights
from agent.profile import load_profile
from benchmarks.experiments.record_file import RecordFile
from benchmarks.experiments.trails import Trail, TrailStep

STEP = TrailStep("first", 9, True, 2, False, False, False, -1.0, None, 0)
OTHERS = {"logprob": -1.0, "attempts": 0.0, "share": 1.0, "undecided": 0.0}


def written(file, trails, options=None):
    file.touch()
    records = RecordFile(file, Trail, {"model": "models/tiny", **(options or {})})
    for trail in trails:
        records.append(trail)
    records.close()
    return file


def trail(number, *, passed, right, features=OTHERS) -> Trail:
    step = TrailStep("first", 9, passed, 2, right, False, False, -1.0, None, 0)
    return Trail(f"A/{number}", "0" * 12, [step], 0, {**features, "passed": float(passed)} if features else {})


@pytest.fixture
def learned_from(tmp_path):
    """Of 40 answers that passed, 36 are right; of 40 that failed, none."""
    passed = [trail(n, passed=True, right=n % 10 != 0) for n in range(40)]
    failed = [trail(n, passed=False, right=False) for n in range(40, 80)]
    return written(tmp_path / "a.trails.jsonl", [*passed, *failed])


def test_the_profile_gets_a_curve_that_says_how_many_of_such_answers_were_right(learned_from, tmp_path):
    file, others = tmp_path / "profile.json", [trail(n, passed=True, right=n % 10 != 0) for n in range(100, 140)]
    tested = written(tmp_path / "b.trails.jsonl", others)
    result = dubito("calibrate", "answers", learned_from, "--out", file, "--test", tested)
    assert result.exit_code == 0, result.output
    curve = load_profile(file).reliability
    assert curve.examples == 2
    assert curve.probability({**OTHERS, "passed": 1.0}) == pytest.approx(0.9, abs=0.03)
    assert curve.probability({**OTHERS, "passed": 0.0}) < 0.1
    assert "so too good" in result.output and str(tested) in result.output
    assert "first programs alone: 36 right, ECE 0.0" in result.output


def test_what_no_example_checked_counts_as_failed(learned_from, tmp_path):
    def told(file):
        result = dubito("calibrate", "answers", learned_from, "--out", tmp_path / "p.json", "--test", file, "--json")
        return json.loads(result.stdout)[str(file)]

    unchecked = [replace(trail(n, passed=True, right=False), steps=[replace(STEP, checked=0)]) for n in range(100, 109)]
    with_them = told(written(tmp_path / "b.trails.jsonl", [trail(109, passed=True, right=True), *unchecked]))
    assert with_them["all"]["auroc"] == 1.0, with_them


@pytest.mark.parametrize(("passed", "checked", "counts"), [(True, 2, 1.0), (True, 0, 0.0), (False, 2, 0.0)])
def test_a_first_program_alone_has_the_features_of_a_search_that_ends_with_it(passed, checked, counts):
    alone = replace(trail(1, passed=passed, right=passed), steps=[replace(STEP, passed=passed, checked=checked)])
    assert alone.first_evidence == {"passed": counts, "logprob": -1.0, "attempts": 0.0, "share": float(passed)}


def test_risk_is_told_by_the_probability_that_is_asked_for(learned_from, tmp_path):
    result = dubito("calibrate", "answers", learned_from, "--out", tmp_path / "p.json", "--json")
    learned = json.loads(result.stdout)["learned"]
    risks = learned["risks"]
    assert (learned["verified"], learned["verified_wrong"], learned["first_programs"]["right"]) == (40, 4, 36)
    assert (risks[0]["answers"], risks[0]["wrong"]) == (40, 4), "of those that were accepted"
    assert risks[-1]["answers"] == 0, "none is that probable"


@pytest.mark.parametrize(
    ("trails", "sentence"),
    [
        ([trail(0, passed=True, right=True)], "nothing can be learned"),
        ([trail(0, passed=True, right=True, features={})], "run the experiment anew"),
        ([trail(0, passed=True, right=True, features={"logprob": -1.0})], "run the experiment anew"),
        ([], "has no trail yet"),
    ],
)
def test_too_little_to_learn_from_is_refused_and_nothing_written(trails, sentence, tmp_path):
    file = written(tmp_path / "a.trails.jsonl", trails)
    result = dubito("calibrate", "answers", file, "--out", tmp_path / "p.json")
    assert result.exit_code == 2 and sentence in " ".join(result.output.split())
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize("options", [{"model": "another"}, {"weights": "0123456789ab"}], ids=["name", "weights"])
@pytest.mark.parametrize("tested", [False, True])
def test_trails_of_another_model_are_refused(options, tested, learned_from, tmp_path):
    file = written(tmp_path / "b.trails.jsonl", [trail(n, passed=True, right=True) for n in range(100, 140)], options)
    files = (learned_from, "--test", file) if tested else (file,)
    result = dubito("calibrate", "answers", *files, "--out", tmp_path / "p.json")
    refused(result, f"{str(file)!r} holds searches with", "--model is models/tiny (", "give the model")
    assert not (tmp_path / "p.json").exists()


def test_trails_of_these_weights_under_another_name_are_taken(tmp_path):
    options = {"model": "copy/of/tiny", "weights": digest_weights("models/tiny")}
    trails = [trail(n, passed=n < 40, right=n < 36) for n in range(80)]
    file = written(tmp_path / "a.trails.jsonl", trails, options)
    result = dubito("calibrate", "answers", file, "--out", tmp_path / "p.json")
    assert result.exit_code == 0, result.output


def test_a_file_that_comes_twice_is_refused(learned_from, tmp_path):
    again = tmp_path / "sub" / ".." / learned_from.name
    again.parent.parent.mkdir()
    refused(dubito("calibrate", "answers", learned_from, again, "--out", tmp_path / "p.json"), "came twice")
    tested = written(tmp_path / "b.trails.jsonl", [trail(100, passed=True, right=True)])
    tests = ("--test", tested, "--test", tested)
    refused(dubito("calibrate", "answers", learned_from, *tests, "--out", tmp_path / "p.json"), "came twice")


def test_a_problem_that_was_learned_from_tests_nothing(learned_from, tmp_path):
    trails = [trail(n, passed=True, right=True) for n in (3, 100, 101)]
    file = written(tmp_path / "b.trails.jsonl", [*trails, *(replace(each, sample=1) for each in trails)])
    result = dubito("calibrate", "answers", learned_from, "--test", file, "--out", tmp_path / "p.json")
    refused(result, "1 of the 3 problems", "test on trails of other problems")


def test_enough_is_where_few_answers_are_wrong(tmp_path):
    """Of 40 likely answers one is wrong, of 40 unlikely ones 20."""
    likely = [trail(n, passed=True, right=n > 0, features={**OTHERS, "logprob": -1.0}) for n in range(40)]
    unlikely = [trail(n, passed=True, right=n % 2 == 0, features={**OTHERS, "logprob": -9.0}) for n in range(40, 80)]
    file = tmp_path / "p.json"
    dubito("calibrate", "answers", written(tmp_path / "a.trails.jsonl", [*likely, *unlikely]), "--out", file)
    curve = load_profile(file).reliability
    features = {**OTHERS, "passed": 1.0}
    assert curve.probability({**features, "logprob": -9.0}) < curve.enough
    assert curve.probability({**features, "logprob": -1.0}) >= curve.enough
