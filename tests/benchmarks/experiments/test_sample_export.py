"""A run becomes evalplus' own files, under its own names, and is read back as it was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from results import OUTCOME, dubito, refused, written

from benchmarks.evalplus_names import id_from_files, id_in_files, name_samples
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.record_file import read_run
from benchmarks.experiments.run_folder import find_run_files
from benchmarks.experiments.sample_export import name_run
from benchmarks.experiments.stories import Story, StoryAttempt


def test_files_have_evalplus_names():
    assert name_samples("Qwen/Qwen2.5-Coder-0.5B", "hf", 0.0) == "Qwen--Qwen2.5-Coder-0.5B_hf_temp_0.0"
    assert name_samples("./models/tiny/", "vllm", 0.8) == "models--tiny_vllm_temp_0.8"


@pytest.mark.parametrize(
    ("policy", "strategy", "name"),
    [
        ("greedy", "tree(programs=5)", "models--tiny_dubito-greedy-tree_temp_0.0"),
        ("sample", "best-of(programs=5)", "models--tiny_dubito-sample-best-of_temp_0.8"),
        ("adapt", "once", "models--tiny_dubito-adapt-once_temp_0.8"),
        ("of-tomorrow", "once", "models--tiny_dubito-of-tomorrow-once_temp_0.0"),
    ],
)
def test_the_backend_is_the_policy_with_the_strategy(tmp_path, policy, strategy, name):
    path = written(tmp_path / "run.jsonl", OUTCOME, policy=policy, strategy=strategy)
    assert name_run(read_run(tmp_path / path, ProblemOutcome)) == name


def test_ids_of_a_data_set_that_shares_them_are_as_others_write_them():
    assert id_in_files("HumanEval-base/3") == id_in_files("HumanEval/3") == "HumanEval/3"
    assert id_from_files("HumanEval/3", {"HumanEval-base"}) == "HumanEval-base/3"
    assert id_from_files("HumanEval/3", set()) == id_from_files("HumanEval/3", {"HumanEval"}) == "HumanEval/3"


def test_a_folder_of_arms_is_exported_with_a_line_for_each_sample(tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "out"
    runs.mkdir()
    outcomes = [replace(OUTCOME, task_id="HumanEval/0", sample=number, program=f"x = {number}") for number in (0, 1)]
    written(runs / "greedy-once.jsonl", *outcomes, benchmark="HumanEval")
    written(runs / "adadec-once.jsonl", outcomes[0], benchmark="HumanEval", policy="adadec")
    result = dubito("bench", "export", runs, "--out", out, "--json")
    exports = json.loads(result.stdout)["exports"]
    assert [each["samples"] for each in exports] == [2, 1]
    lines = (out / "humaneval" / "models--tiny_dubito-greedy-once_temp_0.0.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"task_id": "HumanEval/0", "solution": "x = 0"},
        {"task_id": "HumanEval/0", "solution": "x = 1"},
    ]
    refused(dubito("bench", "export", runs, "--out", out), "exists and this command replaces no file")


@pytest.mark.parametrize(
    ("style", "raw"), [("qwen", "Sure:\n```python\nx = 1"), ("completion", "def f():\nSure:\n```python\nx = 1")]
)
def test_answers_stand_in_a_raw_file_as_the_model_wrote_them(tmp_path, style, raw):
    attempt = StoryAttempt("1", None, "Sure:\n```python\nx = 1", "x = 1", "", [], [], "passed", 0, [], "", 1, 0.0, [])
    story = Story(OUTCOME.task_id, OUTCOME.prompt_sha256, "def f():\n", 0, [attempt])
    run = written(tmp_path / "run.jsonl", OUTCOME, head={"prompt_style": {"name": style, "digest": "0"}})
    written(tmp_path / "run.stories.jsonl", story)
    (export,) = json.loads(dubito("bench", "export", run, "--out", tmp_path / "out", "--json").stdout)["exports"]
    assert export["raw"] == export["programs"].replace(".jsonl", ".raw.jsonl")
    assert json.loads(Path(export["raw"]).read_text()) == {"task_id": "t/0", "solution": raw}


def test_a_run_that_lacks_the_story_of_a_sample_has_no_raw_file(tmp_path):
    run = written(tmp_path / "run.jsonl", OUTCOME)
    assert "no raw answers" in dubito("bench", "export", run, "--out", tmp_path / "out").stdout
    assert [each.suffixes[-2:] for each in (tmp_path / "out" / "exercises").iterdir()] == [[".0", ".jsonl"]]


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(dubito("bench", "export", tmp_path / "empty", "--out", tmp_path / "out"), "holds no file of outcomes")
    for name in ("a", "b"):
        written(tmp_path / "empty" / f"{name}.jsonl", OUTCOME)
    refused(dubito("bench", "export", tmp_path / "empty", "--out", tmp_path / "out"), "would both be")
    refused(dubito("bench", "export", tmp_path / "empty" / "a.jsonl", "--out", "/dev/null/x"), "choose another place")
    assert not (tmp_path / "out").exists()


def test_the_files_of_a_folder_come_in_the_order_of_their_numbers_greedy_first(tmp_path):
    for name in ("beam.10-of-10", "beam.9-of-10", "greedy"):
        written(tmp_path / f"{name}.jsonl", OUTCOME)
    for name in ("beam.9-of-10.stories.jsonl", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [each.stem for each in find_run_files(tmp_path)] == ["greedy", "beam.9-of-10", "beam.10-of-10"]
    assert find_run_files(tmp_path / "run.jsonl") == [tmp_path / "run.jsonl"]
