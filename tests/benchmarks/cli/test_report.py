"""`dubito report`: what it writes, and what it refuses before it writes anything."""

import json

import pytest
from results import dubito, refused, written
from stories import outcome, story, write_run

from benchmarks.experiments.best_of_n import ProblemSamples
from benchmarks.experiments.stories import read_stories

SAMPLES = ProblemSamples("t/0", "0", [5, 7], [True, False], [True, False])


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    write_run(folder, "adadec-tree", [outcome(0), outcome(1)], [story(0), story(1)], policy="adadec")
    write_run(folder, "greedy-tree", [outcome(0), outcome(1, passed=False)], [story(0), story(1)])
    written(folder / "samples.jsonl", SAMPLES)  # a folder may hold other files, too
    return folder


def test_a_folder_of_runs_becomes_a_table_in_the_terminal(runs):
    result = dubito("report", runs)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[:3]] == [
        "feedback=visible",
        "greedy-tree",
        "adadec-tree",
    ]
    assert [run["name"] for run in json.loads(dubito("report", runs, "--json").stdout)["runs"]] == [
        "greedy-tree",
        "adadec-tree",
    ]


def test_everything_goes_into_one_folder_and_may_be_written_again(runs, tmp_path):
    out = tmp_path / "new" / "report"
    for _ in range(2):
        assert dubito("report", runs, "--out", out).exit_code == 0
    assert {file.name for file in out.iterdir()} == {
        "report.md", "report.html", "costs.png", "curves.png", "reliability.png",
    }  # fmt: skip
    text = (out / "report.md").read_text()
    assert "# exercises, 2 problems" in text and "![What is solved by how many tokens](curves.png)" in text
    assert "| t/1 | ✗ | ✓ |" in text and "| t/0 |" not in text
    page = (out / "report.html").read_text()
    assert "95 % intervals: percentiles of 2000 resamples of 2 problems" in text
    assert page.count("<svg ") == 3 and "def f(x)" in page


def test_each_part_can_be_written_alone(runs, tmp_path):
    file = runs / "greedy-tree.jsonl"
    assert dubito("report", file, "--markdown", tmp_path / "a.md", "--png", tmp_path / "png").exit_code == 0
    assert "](png/curves.png)" in (tmp_path / "a.md").read_text() and (tmp_path / "png" / "curves.png").is_file()
    assert not (tmp_path / "png" / "costs.png").exists(), "one run has nothing to be compared with"


def test_a_page_on_standard_output_stands_there_alone(runs):
    result = dubito("report", runs, "--html", "-")
    assert result.stdout.startswith("<!doctype html>") and result.stdout.endswith("</html>")
    assert "greedy-tree  " in result.stderr


def test_runs_of_many_samples_have_a_page_too(tmp_path):
    for name in ("sample", "adadec"):
        many = [outcome(number, passed=sample < 2, sample=sample) for number in range(2) for sample in range(3)]
        told = [story(number, sample=sample) for number in range(2) for sample in range(3)]
        write_run(tmp_path, name, many, told, policy=name)
    result = dubito("report", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "out" / "curves.png").exists(), "a curve is of one program a problem"
    assert "pass@3" not in result.stdout and "3 samples a problem" in (tmp_path / "out" / "report.html").read_text()


def test_runs_that_differ_in_more_than_the_policy_are_refused_and_nothing_is_written(runs, tmp_path):
    write_run(runs, "other", [outcome(0), outcome(1)], [], model="another/model")
    refused(dubito("report", runs, "--out", tmp_path / "out"), "model: models/tiny there, another/model here")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_outcomes_is_refused(tmp_path):
    refused(dubito("report", tmp_path), "holds no file of outcomes; wanted one made by `dubito bench run --out`")
    refused(dubito("report", tmp_path / "absent"), "absent")


def test_stories_of_another_run_are_refused_and_those_of_changed_problems_left_out(runs, tmp_path):
    (runs / "greedy-tree.stories.jsonl").unlink()
    written(runs / "greedy-tree.stories.jsonl", story(0), seed=7)
    refused(dubito("report", runs / "greedy-tree.jsonl"), "are of different runs: seed: 0 there, 7 here")


def test_the_stories_of_shards_are_merged_with_their_outcomes(tmp_path):
    shards = [write_run(tmp_path, f"greedy.{n}-of-2", [outcome(n)], [story(n)]) for n in (2, 1)]
    assert dubito("bench", "merge", *shards, "--out", tmp_path / "whole.jsonl").exit_code == 0
    stories = read_stories(tmp_path / "whole.stories.jsonl").records
    assert stories == [story(1), story(2)]
    dubito("bench", "merge", write_run(tmp_path, "lone", [outcome(3)], []), *shards, "--out", tmp_path / "three.jsonl")
    assert (tmp_path / "three.jsonl").exists() and not (tmp_path / "three.stories.jsonl").exists()


def test_no_file_of_somebody_else_is_replaced(runs, tmp_path):
    for option, name in (("--html", "page.html"), ("--markdown", "page.md")):
        file = tmp_path / name
        file.write_text("mine")
        refused(dubito("report", runs, option, file), name)
        assert file.read_text() == "mine"


def test_runs_are_compared_by_their_folder_or_by_all_files_in_it(runs):
    by_folder = dubito("bench", "compare", runs)
    by_files = dubito(
        "bench", "compare", *sorted(runs.glob("*-tree*.jsonl"), key=lambda file: "greedy" not in file.name)
    )
    assert by_folder.exit_code == by_files.exit_code == 0 and by_folder.stdout == by_files.stdout
