"""Samples of one batch are those taken one by one, and best-of-n counts them right."""

from contextlib import closing
from dataclasses import replace

import pytest
from text_model import byte_model

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.program.task import read_task
from agent.strategies import BestOf, Once
from agent.workflow.context import Context
from agent.workflow.decode import seed_of_attempt
from benchmarks import open_benchmark
from benchmarks.experiments.best_of_n import ProblemSamples, report_samples, sample_problem
from benchmarks.experiments.outcomes import read_outcomes
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import RecordFile
from sandbox import open_sandbox

PROBLEM = open_benchmark("exercises").problem("exercises/3")


@pytest.fixture(scope="module")
def context():
    box = open_sandbox("process")
    yield Context(byte_model(sharpness=8.0), POLICIES["greedy"], box, max_tokens=12)
    box.close()


def test_samples_of_one_batch_are_those_taken_one_by_one(context):
    found = sample_problem(PROBLEM, context, samples=4)
    task = read_task(PROBLEM.prompt, entry_point=PROBLEM.entry_point)
    sampling = replace(context, policy=POLICIES["sample"])
    once = [Once()(replace(sampling, seed=seed_of_attempt(context.seed, n)), task) for n in range(4)]
    assert found.tokens == [len(result.best.tokens) for result in once]
    assert found.accepted == [result.outcome == "accepted" for result in once]
    best = BestOf.within(4)(sampling, task)
    assert found.best_of(4) == (False, best.cost.tokens)


THREE = ProblemSamples("t/0", "0", [10, 20, 30], [False, True, True], [False, False, True])


def test_best_of_n_takes_the_first_that_passes_the_examples_and_pays_up_to_it():
    assert [THREE.best_of(n) for n in (1, 2, 3)] == [(False, 10), (False, 30), (False, 30)]
    assert replace(THREE, accepted=[False, False, True]).best_of(3) == (True, 60)
    assert replace(THREE, accepted=[False] * 3, passed=[True, False, False]).best_of(3) == (True, 60)


def test_the_table_holds_the_oracle_and_both_counts_of_tokens():
    report = report_samples([THREE, replace(THREE, passed=[True, True, True])])
    lines = [line.split() for line in report.text.splitlines()]
    assert lines[1] == ["1", "0.667", "1", "1", "10.0", "10.0"]
    assert lines[3] == ["3", "1.000", "2", "1", "30.0", "60.0"]
    assert len(lines) == 4 and [row["oracle"] for row in report.record["rows"]] == [1, 1, 2]


def test_samples_are_stored_and_resumed(context, tmp_path):
    def run(items):
        return [sample_problem(item.problem, context, samples=2) for item in items]

    def kept(run):
        with closing(RecordFile(tmp_path / "d.jsonl", ProblemSamples, {"a": 1})) as file:
            return list(file.resume([WorkItem(PROBLEM)], run))

    assert kept(run) == kept(lambda items: 1 / 0)
    with pytest.raises(InvalidRequestError, match="no outcome; wanted a file made by `dubito bench run --out`"):
        read_outcomes(tmp_path / "d.jsonl")
