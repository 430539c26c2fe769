"""What `dubito bench budgets` prints, and which trails it refuses to compare."""

import pytest
from results import dubito

from benchmarks.experiments.record_file import RecordFile
from benchmarks.experiments.trails import Trail, TrailStep


def write_trails(folder, arm, *tasks):
    file = folder / f"{arm}.trails.jsonl"
    file.touch()
    records = RecordFile(file, Trail, {})
    for task in tasks:
        records.append(Trail(task, "0" * 12, [TrailStep("first", 9, True, 2, True, False, False, -1.0, None, 0)]))
    records.close()


def test_arms_are_compared_over_the_problems_that_all_have(tmp_path):
    write_trails(tmp_path, "one", "A/0", "A/1")
    write_trails(tmp_path, "other", "A/1", "A/2")
    result = dubito("bench", "budgets", tmp_path, "--arm", "one", "--arm", "other", "--out", tmp_path / "a.svg")
    assert result.exit_code == 0, result.output
    assert "A program's worth of tokens: 9.0" in result.output and (tmp_path / "a.svg").stat().st_size


@pytest.mark.parametrize(("tasks", "option"), [(["A/2"], "tokens"), ([], "tokens"), (["A/0"], "forwards")])
def test_arms_without_a_problem_in_common_or_without_its_costs_are_refused(tmp_path, tasks, option):
    write_trails(tmp_path, "one", "A/0")
    write_trails(tmp_path, "other", *tasks)
    result = dubito("bench", "budgets", tmp_path, "--by", option)
    assert result.exit_code == 2 and ("one, other" in result.output or "forwards" in result.output)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{}/none"], "is no folder"),
        (["{}/a/one.trails.jsonl"], "is no folder"),
        (["{}"], "name a folder in it: a, b"),
        (["{}/c"], "run `dubito bench experiment real` first"),
        (["{}/a", "{}/a"], "came twice"),
        (["{}/a", "{}/b"], "no arm has trails in each of"),
        (["{}/a", "--arm", "two"], "choose from one"),
    ],
)
def test_folders_and_arms_that_are_not_there_are_named(tmp_path, arguments, sentence):
    for folder, arm in {"a": "one", "b": "two", "c": ""}.items():
        (tmp_path / folder).mkdir()
        if arm:
            write_trails(tmp_path / folder, arm, "A/0")
    result = dubito("bench", "budgets", *(each.format(tmp_path) for each in arguments))
    assert result.exit_code == 2 and sentence in " ".join(result.output.split()), result.output
