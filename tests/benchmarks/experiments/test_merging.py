"""Merged files: the shards of one run make the file of the whole run; other files are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from results import OUTCOME, dubito
from results import written as write_run
from stories import story

from agent.errors import FileAccessError, InvalidRequestError
from benchmarks.experiments.merging import merge_files
from benchmarks.experiments.outcomes import read_outcomes
from benchmarks.experiments.stories import name_story_file, read_stories


def written(path, *records, **options):
    return Path(write_run(path, *records, **options))


def outcomes(*keys):
    return [replace(OUTCOME, task_id=f"t/{number}", sample=sample) for number, sample in keys]


def write_shards(folder, *parts, **options):
    return [written(folder / f"{n}.jsonl", *outcomes(*part), **options) for n, part in enumerate(parts)]


def test_shards_make_the_file_of_the_whole_run(tmp_path):
    whole = written(tmp_path / "whole.jsonl", *outcomes((0, 0), (0, 1), (2, 0), (10, 0)))
    shards = write_shards(tmp_path, [(10, 0), (0, 1)], [(2, 0), (0, 0)])
    assert merge_files(shards, tmp_path / "merged.jsonl") == 4
    assert (tmp_path / "merged.jsonl").read_bytes() == whole.read_bytes()


def test_an_outcome_that_two_files_have_counts_once(tmp_path):
    shards = write_shards(tmp_path, [(0, 0), (1, 0)], [(1, 0), (2, 0)])
    assert merge_files(shards, tmp_path / "merged.jsonl") == 3
    assert read_outcomes(tmp_path / "merged.jsonl") == outcomes((0, 0), (1, 0), (2, 0))


def test_two_stories_of_one_problem_are_refused(tmp_path):
    one = written(tmp_path / "a.jsonl", OUTCOME)
    other = written(tmp_path / "b.jsonl", replace(OUTCOME, base="failed"))
    with pytest.raises(InvalidRequestError, match="has another outcome of 't/0' than a file before it"):
        merge_files([one, other], tmp_path / "merged.jsonl")
    assert not (tmp_path / "merged.jsonl").exists()


def test_files_of_different_runs_are_refused_with_the_difference(tmp_path):
    one = written(tmp_path / "a.jsonl", OUTCOME)
    other = written(tmp_path / "b.jsonl", OUTCOME, policy="adadec")
    with pytest.raises(InvalidRequestError, match="different runs: policy: greedy there, adadec here"):
        merge_files([one, other], tmp_path / "merged.jsonl")


def test_two_arms_over_the_same_problems_are_told_by_their_options(tmp_path):
    one = written(tmp_path / "a.jsonl", OUTCOME, policy="greedy")
    other = written(tmp_path / "b.jsonl", replace(OUTCOME, base="failed"), policy="sample")
    with pytest.raises(InvalidRequestError, match="different runs: policy: greedy there, sample here"):
        merge_files([one, other], tmp_path / "merged.jsonl")


def test_an_old_file_is_not_replaced(tmp_path):
    one = written(tmp_path / "a.jsonl", OUTCOME)
    before = one.read_bytes()
    with pytest.raises(FileAccessError, match="choose another name"):
        merge_files([one], one)
    assert one.read_bytes() == before


def write_shards_with_stories(folder):
    shards = write_shards(folder, [(0, 0)], [(1, 0)])
    for number, shard in enumerate(shards):
        written(name_story_file(shard), story(number))
    return shards


def test_stories_beside_the_outcomes_are_joined_in_order(tmp_path):
    shards = write_shards_with_stories(tmp_path)
    merge_files(shards[::-1], tmp_path / "merged.jsonl")
    assert [each.task_id for each in read_stories(tmp_path / "merged.stories.jsonl").records] == ["t/0", "t/1"]


def test_nothing_is_written_where_old_stories_lie(tmp_path):
    shards = write_shards_with_stories(tmp_path)
    (tmp_path / "merged.stories.jsonl").write_text("old\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileAccessError, match=r"merged\.stories\.jsonl' exists .*; choose another name"):
        merge_files(shards, tmp_path / "merged.jsonl")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("place", ["-", "/dev/null"])
def test_a_merged_run_is_a_file(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    shards = write_shards_with_stories(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidRequestError, match="is no file, and a merged run has its stories beside it"):
        merge_files(shards, Path(place))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("count", "sentence"), [(2, ""), (4, "; missing shards: 3/4, 4/4"), (30, ", 9/30, 10/30 and 20 more")]
)
def test_missing_shards_are_named(tmp_path, count, sentence):
    shards = [written(tmp_path / f"a.{number}-of-{count}.jsonl", *outcomes((number, 0))) for number in (1, 2)]
    result = dubito("bench", "merge", *shards, "--out", tmp_path / "merged.jsonl")
    assert result.stdout.strip().endswith(f"2 outcomes of 2 files{sentence}" if count < 30 else sentence), result.output


def test_stories_among_the_paths_are_passed_over(tmp_path):
    shards = write_shards(tmp_path, [(0, 0)], [(1, 0)])
    (tmp_path / "0.stories.jsonl").write_text("of no interest\n")
    assert merge_files(sorted(tmp_path.glob("*.jsonl")), tmp_path / "merged") == len(shards)
