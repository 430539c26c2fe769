"""Plans: items in order, shards that have each item once, seeds that depend on the item alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.errors import InvalidRequestError
from benchmarks import open_benchmark
from benchmarks.experiments.plan import (
    Shard,
    WorkItem,
    choose_problems,
    digest_plan,
    natural_order,
    parse_shard,
    plan_items,
)

PROBLEMS = [open_benchmark("exercises").problem(f"exercises/{number}") for number in range(4)]


@given(samples=some.integers(1, 4), count=some.integers(1, 6))
def test_the_shards_of_a_run_have_each_item_once(samples, count):
    whole = plan_items(PROBLEMS, samples, Shard())
    parts = [plan_items(PROBLEMS, samples, Shard(number, count)) for number in range(1, count + 1)]
    assert sorted(item.key for part in parts for item in part) == sorted(item.key for item in whole)
    assert len(whole) == len(PROBLEMS) * samples


def test_a_seed_depends_on_the_run_the_problem_and_the_sample():
    one = WorkItem(PROBLEMS[0], 1)
    assert one.seed(0) == WorkItem(PROBLEMS[0], 1).seed(0)
    seeds = {WorkItem(problem, sample).seed(seed) for problem in PROBLEMS for sample in range(3) for seed in range(3)}
    assert len(seeds) == 36


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "1/0", "1/2/3", "a/b", "1.5/2", "²/3"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(InvalidRequestError, match="wanted i/n with i from 1 to n"):
        parse_shard(text)
    assert parse_shard("2/4") == Shard(2, 4)


def test_problems_are_chosen_by_their_ids_in_the_order_of_the_data():
    chosen = choose_problems(PROBLEMS, ["exercises/2", "exercises/0"])
    assert [problem.task_id for problem in chosen] == ["exercises/0", "exercises/2"]
    with pytest.raises(InvalidRequestError, match="no problem 'exercises/9' among exercises/0 … exercises/3"):
        choose_problems(PROBLEMS, ["exercises/9"])


def test_ids_are_ordered_by_their_numbers():
    keys = [("HumanEval/10", 0), ("HumanEval/2", 1), ("HumanEval/2", 0), ("Mbpp/1", 0)]
    assert sorted(keys, key=natural_order) == [keys[2], keys[1], keys[0], keys[3]]
    odd = [(text, 0) for text in ("", "1", "2", "²", "9" * 5000, "a", "a/1", "a/1/b", "a/01")]
    assert len(sorted(odd, key=natural_order)) == len(odd)


def test_the_digest_of_a_plan_changes_with_every_option():
    assert digest_plan({"a": 1, "b": 2}) == digest_plan({"b": 2, "a": 1})
    assert digest_plan({"a": 1}) != digest_plan({"a": 2})
