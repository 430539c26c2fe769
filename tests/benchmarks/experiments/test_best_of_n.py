"""Samples drawn side by side are those drawn one by one, and what is made of them is counted right."""

from dataclasses import replace

import pytest
from text_model import byte_model

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.program.task import read_task
from agent.strategies import ONCE, best_of, seed_of
from agent.workflow.context import Context
from agent.workflow.run import run_task
from benchmarks import open_benchmark
from benchmarks.experiments.best_of_n import Draws, draws, table
from benchmarks.experiments.outcomes import outcomes_in
from benchmarks.experiments.record_file import kept
from sandbox import open_sandbox

PROBLEM = open_benchmark("exercises").problem("exercises/3")


@pytest.fixture(scope="module")
def context():
    box = open_sandbox("process")
    yield Context(byte_model(sharpness=8.0), POLICIES["greedy"], box, max_tokens=12)
    box.close()


def test_samples_drawn_together_are_those_drawn_one_by_one(context):
    found = draws(PROBLEM, context, samples=4)
    task = read_task(PROBLEM.prompt, entry_point=PROBLEM.entry_point)
    sampling = replace(context, policy=POLICIES["sample"])
    once = [run_task(replace(sampling, seed=seed_of(context, n)), task, config=ONCE) for n in range(4)]
    assert found.tokens == [len(result.best.tokens) for result in once]
    assert found.accepted == [result.outcome == "accepted" for result in once]
    best = best_of(4)(context, task)
    assert found.best_of(4) == (False, best.cost.tokens)


DRAWN = Draws("t/0", "0", [10, 20, 30], [False, True, True], [False, False, True])


def test_best_of_n_takes_the_first_that_passes_the_examples_and_pays_up_to_it():
    assert [DRAWN.best_of(n) for n in (1, 2, 3)] == [(False, 10), (False, 30), (False, 30)]
    assert replace(DRAWN, accepted=[False, False, True]).best_of(3) == (True, 60)
    assert replace(DRAWN, accepted=[False] * 3, passed=[True, False, False]).best_of(3) == (True, 60)


def test_the_table_holds_the_oracle_and_both_ways_of_counting_tokens():
    lines = [line.split() for line in table([DRAWN, replace(DRAWN, passed=[True, True, True])]).splitlines()]
    assert lines[1] == ["1", "0.667", "1", "1", "10.0", "10.0"]
    assert lines[3] == ["3", "1.000", "2", "1", "30.0", "60.0"]
    assert len(lines) == 4


def test_draws_are_kept_and_taken_up_again(context, tmp_path):
    def make(problem):
        return draws(problem, context, samples=2)

    first = list(kept([PROBLEM], tmp_path / "d.jsonl", {"a": 1}, Draws, make))
    assert list(kept([PROBLEM], tmp_path / "d.jsonl", {"a": 1}, Draws, lambda problem: 1 / 0)) == first
    with pytest.raises(InvalidRequestError, match="no outcome; wanted a file made by `dubito bench run --out`"):
        outcomes_in(tmp_path / "d.jsonl")
