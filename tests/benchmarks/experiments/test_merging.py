"""Merged files: the shards of one run make the file of the whole run; other files are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from results import OUTCOME
from results import written as write_run

from agent.errors import FileAccessError, InvalidRequestError
from benchmarks.experiments.merging import merge_files
from benchmarks.experiments.outcomes import read_outcomes


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


def test_an_old_file_is_not_replaced(tmp_path):
    one = written(tmp_path / "a.jsonl", OUTCOME)
    before = one.read_bytes()
    with pytest.raises(FileAccessError, match="choose another name"):
        merge_files([one], one)
    assert one.read_bytes() == before


def test_stories_among_the_paths_are_passed_over(tmp_path):
    shards = write_shards(tmp_path, [(0, 0)], [(1, 0)])
    (tmp_path / "0.stories.jsonl").write_text("of no interest\n")
    assert merge_files(sorted(tmp_path.glob("*.jsonl")), tmp_path / "merged") == len(shards)
