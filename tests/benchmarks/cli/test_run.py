"""`dubito bench run`: arms, samples, shards and batches change no outcome; a kill loses and repeats none."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from results import dubito, refused
from text_model import byte_model, save

from agent.trace import read_trace
from benchmarks.experiments.outcomes import read_outcomes
from benchmarks.experiments.plan import SEEDS
from benchmarks.experiments.record_file import key_of
from benchmarks.experiments.stories import name_story_file, read_stories


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return folder


def words(model, *more):
    # In bfloat16 a row's numbers do not depend on how many rows share a forward, not even in the last bit.
    options = ["--model", model, "--weights", "bf16", "--limit", 3, "--sandbox", "process", "--max-tokens", 8]
    return [str(word) for word in ("bench", "run", "exercises", *options, *more)]


def run(model, *more):
    return dubito(*words(model, *more))


def outcomes(path):
    return [replace(outcome, seconds=0.0) for outcome in read_outcomes(Path(path))]


def stories_of(path):
    return read_stories(name_story_file(Path(path))).records


def test_each_policy_is_an_arm_with_a_file_of_its_own_and_they_are_compared(model, tmp_path):
    result = run(model, "--policy", "greedy,sample", "--out", tmp_path / "arms")
    assert result.exit_code == 0, result.output
    arms = ("greedy-once", "sample-once")
    names = {f"{arm}{ending}" for arm in arms for ending in (".jsonl", ".stories.jsonl")}
    assert {path.name for path in (tmp_path / "arms").iterdir()} == names
    lines = result.stdout.splitlines()[:3]
    assert [line.split()[0] for line in lines] == ["one", "greedy-once", "sample-once"]
    assert run(model, "--out", tmp_path / "greedy.jsonl").exit_code == 0
    assert outcomes(tmp_path / "greedy.jsonl") == outcomes(tmp_path / "arms/greedy-once.jsonl")


@pytest.mark.parametrize("strategy", ["once", "tree"])
def test_a_batch_the_order_and_shards_change_no_outcome(model, tmp_path, strategy):
    common = ["--policy", "sample", "--samples", 2, "--strategy", strategy]
    common += ["--programs", 2] if strategy == "tree" else []
    assert run(model, *common, "--batch", 1, "--out", tmp_path / "alone.jsonl").exit_code == 0
    assert run(model, *common, "--batch", 4, "--out", tmp_path / "together.jsonl").exit_code == 0
    alone, stories = outcomes(tmp_path / "alone.jsonl"), stories_of(tmp_path / "alone.jsonl")
    assert len(alone) == 6 and outcomes(tmp_path / "together.jsonl") == alone
    assert len(stories) == 6 and stories_of(tmp_path / "together.jsonl") == stories
    for shard in ("2/2", "1/2"):
        assert run(model, *common, "--shard", shard, "--out", f"{tmp_path}/shards").exit_code == 0
    shards = [tmp_path / "shards" / f"sample-{strategy}.{number}-of-2.jsonl" for number in (1, 2)]
    merged = dubito("bench", "merge", *shards, "--out", tmp_path / "merged.jsonl")
    assert merged.exit_code == 0 and merged.stdout.startswith("6 outcomes of 2 files")
    assert outcomes(tmp_path / "merged.jsonl") == alone and stories_of(tmp_path / "merged.jsonl") == stories


def test_more_samples_go_on_from_fewer(model, tmp_path):
    file = tmp_path / "a.jsonl"
    run(model, "--policy", "sample", "--out", file)
    first = outcomes(file)
    run(model, "--policy", "sample", "--samples", 2, "--out", file)
    both = outcomes(file)
    assert [outcome for outcome in both if outcome.sample == 0] == first
    assert [outcome.sample for outcome in both] == [0, 1] * 3, "the file is in order"


def test_what_changes_a_verdict_is_among_the_options(model, tmp_path):
    file = tmp_path / "a.jsonl"
    assert run(model, "--tasks", "exercises/1", "--out", file).exit_code == 0
    options = next(read_trace(file))["options"]
    assert (options["memory_mib"], options["tests"], options["seeds"]) == (None, None, SEEDS)
    refused(run(model, "--memory-mib", 999, "--out", file), "other options (memory_mib: none there, 999 here)")


def test_a_name_with_a_point_in_it_is_a_folder(model, tmp_path):
    assert run(model, "--out", tmp_path / "coder-0.5b").exit_code == 0
    assert (tmp_path / "coder-0.5b/greedy-once.jsonl").is_file()


def test_problems_are_taken_by_their_ids(model, tmp_path):
    chosen = ["--limit", 8, "--tasks", "exercises/7, exercises/2"]
    assert run(model, *chosen, "--out", tmp_path / "a.jsonl").exit_code == 0
    assert [outcome.task_id for outcome in outcomes(tmp_path / "a.jsonl")] == ["exercises/2", "exercises/7"]


def test_a_dry_run_says_what_is_left_and_loads_and_writes_nothing(model, tmp_path, monkeypatch):
    run(model, "--policy", "greedy", "--limit", 1, "--out", f"{tmp_path}/arms/greedy-once.jsonl")
    (tmp_path / "arms").mkdir(exist_ok=True)
    run(model, "--policy", "greedy", "--limit", 1, "--out", tmp_path / "arms")
    before = (tmp_path / "arms/greedy-once.jsonl").read_bytes()
    monkeypatch.setattr("agent.lm.hf.backend.open_model", None)
    result = run(model, "--policy", "greedy,sample", "--out", tmp_path / "arms", "--dry-run", "--json")
    record = json.loads(result.stdout)
    assert [(arm["arm"], arm["done"], arm["items"]) for arm in record["arms"]] == [
        ("greedy-once", 1, 3),
        ("sample-once", 0, 3),
    ]
    assert len({arm["plan"] for arm in record["arms"]}) == 2, "a digest over everything that changes a result"
    assert {path.name for path in (tmp_path / "arms").iterdir()} == {"greedy-once.jsonl", "greedy-once.stories.jsonl"}
    assert (tmp_path / "arms/greedy-once.jsonl").read_bytes() == before


def test_a_changed_plan_over_old_results_is_refused_with_the_difference(model, tmp_path):
    run(model, "--out", tmp_path / "arms")
    for more in ([], ["--dry-run"]):
        changed = run(model, "--seed", 1, "--out", tmp_path / "arms", *more)
        refused(changed, "greedy-once.jsonl' was made with other options (seed: 0 there, 1 here)")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--shard", "3/2"], "the shard '3/2' came; wanted i/n"),
        (["--batch", "0"], "--batch '0' came; wanted auto, or a number from 1 to 4096"),
        (["--batch", "many"], "--batch 'many' came"),
        (["--policy", "greedy,greedy"], "'greedy' comes twice"),
        (["--policy", "greedy,"], "unknown policy ''"),
        (["--policy", "greedy,adadec", "--out", "file.jsonl"], "needs one for --out"),
        (["--tasks", "exercises/999999"], "no problem 'exercises/999999' among"),
        (["--tasks", "exercises/0,"], "no problem '' among"),
        (["--tasks", "exercises/0,exercises/0"], "'exercises/0' comes twice"),
        (["--strategy", "once,best-of", "--policy", "greedy"], "best-of needs the policy"),
    ],
)
def test_a_wrong_plan_is_refused_before_a_model_is_loaded(model, tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    Path("file.jsonl").write_text("")
    monkeypatch.setattr("agent.lm.hf.backend.open_model", None)
    refused(run(model, *options), sentence)


def start(model, *more):
    command = [sys.executable, "-P", "-m", "agent", *words(model, *more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_line(file, process, number=2):
    while process.poll() is None and not (file.exists() and file.read_bytes().count(b"\n") >= number):
        time.sleep(0.01)


def test_one_interrupt_finishes_what_runs_and_says_how_to_go_on(model, tmp_path):
    file = tmp_path / "a.jsonl"
    process = start(model, "--samples", "400", "--policy", "sample", "--batch", "2", "--out", file)
    wait_for_line(file, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "finishing what runs" in err and "goes on when started again" in err
    assert 1 <= len(outcomes(file)) < 1200


def kill_and_resume(model, file, delays):
    """Start a run again and again, killing it after each delay; let the last one end."""
    for delay in delays:
        process = start(model, "--samples", "4", "--policy", "sample", "--out", file)
        wait_for_line(file, process, number=1)
        time.sleep(delay)
        process.kill()
        process.communicate()
    result = run(model, "--samples", 4, "--policy", "sample", "--out", file)
    assert result.exit_code == 0, result.output


def without_time(path):
    """Return the lines of a file; of the first one, and of seconds, what does not tell one time from another."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kept = ("options", "dtype", "prompt_style")
    return [{name: lines[0][name] for name in kept}, *({**line, "seconds": 0} for line in lines[1:])]


def check_kills(model, folder, number):
    whole = folder / "whole.jsonl"
    assert run(model, "--samples", 4, "--policy", "sample", "--out", whole).exit_code == 0
    draw = random.Random(0)
    kill_and_resume(model, folder / "killed.jsonl", [draw.random() * 0.3 for _ in range(number)])
    assert without_time(folder / "killed.jsonl") == without_time(whole)
    killed, stories = ({key_of(each): each for each in stories_of(path)} for path in (folder / "killed.jsonl", whole))
    assert killed == stories


def test_a_run_that_is_killed_loses_and_repeats_nothing(model, tmp_path):
    check_kills(model, tmp_path, number=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_at_a_hundred_points_leaves_the_same_file(model, tmp_path):
    for number in range(25):
        (tmp_path / str(number)).mkdir()
        check_kills(model, tmp_path / str(number), number=4)
