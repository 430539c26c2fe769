"""Batches: outcomes appended whole, nothing done twice, the same with and without a kill."""

from dataclasses import replace

import pytest
from text_model import byte_model

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.experiments.outcomes import Outcome, outcomes_in
from benchmarks.experiments.runner import run_to_file
from benchmarks.reports.compare import comparison, summary
from sandbox import open_sandbox

OPTIONS = {"policy": "greedy", "limit": 3}


@pytest.fixture(scope="module")
def context():
    box = open_sandbox("process")
    yield Context(byte_model(sharpness=8.0), POLICIES["greedy"], box, max_tokens=8)
    box.close()


@pytest.fixture(scope="module")
def problems():
    return [open_benchmark("exercises").problem(f"exercises/{number}") for number in range(3)]


def test_a_run_cut_off_goes_on_after_its_last_whole_line(context, problems, tmp_path):
    path = tmp_path / "run.jsonl"
    whole = list(run_to_file(problems, context, tmp_path / "whole.jsonl", OPTIONS))
    list(run_to_file(problems[:2], context, path, OPTIONS))
    path.write_bytes(path.read_bytes() + b'{"kind": "outcome", "task')  # what a kill leaves
    forwards = context.lm.forwards
    resumed = list(run_to_file(problems, context, path, OPTIONS))
    assert [(o.task_id, o.program) for o in resumed] == [(o.task_id, o.program) for o in whole]
    assert outcomes_in(path) == resumed
    assert context.lm.forwards - forwards == resumed[2].forwards, "only the third was decoded"


def test_a_file_of_other_options_is_refused_and_left_alone(context, problems, tmp_path):
    list(run_to_file(problems[:1], context, tmp_path / "run.jsonl", OPTIONS))
    before = (tmp_path / "run.jsonl").read_bytes()
    with pytest.raises(InvalidRequestError, match="other options"):
        list(run_to_file(problems, context, tmp_path / "run.jsonl", {**OPTIONS, "policy": "uscd"}))
    assert (tmp_path / "run.jsonl").read_bytes() == before


def test_a_random_model_solves_nothing_and_the_summary_says_so(context, problems, tmp_path):
    told = summary(list(run_to_file(problems, context, tmp_path / "run.jsonl", OPTIONS)))
    assert "0/3 = 0.000" in told
    assert "forwards a problem" in told


def test_outcomes_of_a_problem_that_has_changed_since_are_refused(context, problems, tmp_path):
    path = tmp_path / "run.jsonl"
    list(run_to_file(problems[:1], context, path, OPTIONS))
    changed = replace(problems[0], prompt=problems[0].prompt.replace("def ", "def other_", 1))
    with pytest.raises(InvalidRequestError, match="was made with another exercises/0"):
        list(run_to_file([changed], context, path, OPTIONS))


def outcome(number, program, *, passed, entropy=0.0, pauses=0):
    verdict = "passed" if passed else "failed"
    return Outcome(f"t/{number}", "0", program, "accepted", verdict, verdict, 1, entropy, 10, 10, 40, pauses, 1, 0.5)


def test_a_comparison_pairs_problems_and_counts_what_is_no_python():
    base = [outcome(n, "x = 1", passed=n < 6, entropy=0.1 * n) for n in range(10)]
    other = [outcome(n, "x = 1" if n else "x = (", passed=n < 8 and n > 0, pauses=2) for n in range(10)]
    lines = comparison({"greedy": base, "other": other}).splitlines()
    assert lines[0].split()[:5] == ["one", "pass", "solved", "gained/lost", "p"]
    assert "0.600" in lines[1] and "0/0" in lines[1] and lines[1].split()[-3:] == ["0.000", "0", "1.000"]
    assert "0.700" in lines[2] and "2/1" in lines[2] and lines[2].split()[-3:-1] == ["0.200", "1"]
