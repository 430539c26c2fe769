"""Batches: outcomes appended whole, nothing done twice, the same with and without a kill."""

import pytest
from text_model import byte_lm

from agent.decoding import POLICIES
from agent.errors import UsageError
from agent.moves import Context
from benchmarks import named
from benchmarks.runner import outcomes_in, run_to_file, summary
from sandbox import open_sandbox

OPTIONS = {"policy": "greedy", "limit": 3}


@pytest.fixture(scope="module")
def context():
    box = open_sandbox("process")
    yield Context(byte_lm(sharpness=8.0), POLICIES["greedy"], box, max_tokens=8)
    box.close()


@pytest.fixture(scope="module")
def problems():
    return [named("exercises").problem(f"exercises/{number}") for number in range(3)]


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
    with pytest.raises(UsageError, match="other options"):
        list(run_to_file(problems, context, tmp_path / "run.jsonl", {**OPTIONS, "policy": "uscd"}))
    assert (tmp_path / "run.jsonl").read_bytes() == before


def test_a_random_model_solves_nothing_and_the_summary_says_so(context, problems, tmp_path):
    told = summary(list(run_to_file(problems, context, tmp_path / "run.jsonl", OPTIONS)))
    assert "0/3 = 0.000" in told
    assert "forwards a problem" in told
