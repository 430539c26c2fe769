"""Batches: outcomes appended whole, nothing done twice, the same with and without a kill."""

from contextlib import closing
from dataclasses import replace

import pytest
from text_model import byte_model

from agent.cli.exits import report_error
from agent.decoding import POLICIES
from agent.errors import ContextLengthError, InvalidRequestError
from agent.lm.scheduler import Scheduler
from agent.profile import ModelProfile, ReliabilityCurve
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig, with_profile
from agent.strategies import Beam, BestOf, Once, Tree
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.experiments import runner
from benchmarks.experiments.outcomes import ProblemOutcome, read_outcomes
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import RecordFile
from benchmarks.experiments.rivals import BestOfEqual
from benchmarks.experiments.runner import describe, run_item, run_items
from benchmarks.reports.compare import compare, report_comparison, summarise
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


def run_to_file(problems, context, path, options):
    with closing(RecordFile(path, ProblemOutcome, options)) as file:
        return list(file.resume(map(WorkItem, problems), lambda items: run_items(items, context, Once())))


def test_a_run_cut_off_goes_on_after_its_last_whole_line(context, problems, tmp_path, monkeypatch):
    path = tmp_path / "run.jsonl"
    whole = run_to_file(problems, context, tmp_path / "whole.jsonl", OPTIONS)
    run_to_file(problems[:2], context, path, OPTIONS)
    path.write_bytes(path.read_bytes() + b'{"kind": "outcome", "task')  # what a kill leaves
    decoded = []
    monkeypatch.setattr(runner, "run_item", lambda item, *rest: decoded.append(item) or run_item(item, *rest))
    resumed = run_to_file(problems, context, path, OPTIONS)
    assert [(o.task_id, o.program) for o in resumed] == [(o.task_id, o.program) for o in whole]
    assert read_outcomes(path) == resumed
    assert [item.key for item in decoded] == [("exercises/2", 0)]


def test_a_file_of_other_options_is_refused_and_left_alone(context, problems, tmp_path):
    run_to_file(problems[:1], context, tmp_path / "run.jsonl", OPTIONS)
    before = (tmp_path / "run.jsonl").read_bytes()
    with pytest.raises(InvalidRequestError, match="other options"):
        run_to_file(problems, context, tmp_path / "run.jsonl", {**OPTIONS, "policy": "uscd"})
    assert (tmp_path / "run.jsonl").read_bytes() == before


def test_a_random_model_solves_nothing_and_the_summary_says_so(context, problems, tmp_path):
    report = summarise(run_to_file(problems, context, tmp_path / "run.jsonl", OPTIONS)).text
    assert "0/3 = 0.000" in report
    assert "forwards a problem" in report


def test_outcomes_of_a_problem_that_has_changed_since_are_refused(context, problems, tmp_path):
    path = tmp_path / "run.jsonl"
    run_to_file(problems[:1], context, path, OPTIONS)
    changed = replace(problems[0], prompt=problems[0].prompt.replace("def ", "def other_", 1))
    with pytest.raises(InvalidRequestError, match="was made with another exercises/0"):
        run_to_file([changed], context, path, OPTIONS)


def outcome(number, program, *, passed, doubt=0.0, pauses=0):
    verdict = "passed" if passed else "failed"
    return ProblemOutcome(
        f"t/{number}", "0", program, "accepted", verdict, verdict, 1, 10, 10, 40, pauses, 1, 0.5, doubt=doubt
    )


def test_a_comparison_pairs_problems_and_counts_what_is_no_python():
    base = [outcome(n, "x = 1", passed=n < 6, doubt=0.1 * n) for n in range(10)]
    other = [outcome(n, "x = 1" if n else "x = (", passed=n < 8 and n > 0, pauses=2) for n in range(10)]
    first, second = compare({"greedy": base, "other": other})
    assert (first.passed, first.gained, first.lost, first.degenerate, first.auroc) == (6, 0, 0, 0, 1)
    assert (second.passed, second.gained, second.lost, second.pause_rate, second.degenerate) == (7, 2, 1, 0.2, 1)
    lines = report_comparison([first, second]).text.splitlines()
    assert lines[0].split()[:5] == ["one", "pass", "solved", "gained/lost", "p"]
    assert "0.600" in lines[1] and "0/0" in lines[1] and "0.700" in lines[2] and "2/1" in lines[2]
    assert max(map(len, lines)) <= 120


def test_a_problem_beside_others_is_charged_by_the_clock_of_its_scheduler(context, problems):
    clocks = []

    def watched(own, task):
        clocks.append(own.clock)
        return Once()(own, task)

    items = [WorkItem(problem) for problem in problems]
    assert len(list(run_items(items, context, watched, tasks=2))) == 3
    assert [type(clock.__self__) for clock in clocks] == [Scheduler] * 3
    list(run_items(items[:1], context, watched, tasks=1))
    assert clocks[-1] is context.clock


@pytest.mark.parametrize("tasks", [1, 2])
def test_an_error_names_its_problem_and_costs_no_outcome_of_the_others(context, problems, tmp_path, tasks, capsys):
    def strategy(own, task):
        if "exercises/1" in names[task.request]:
            raise ContextLengthError("the prompt is too long")
        return Once()(own, task)

    names = {problem.prompt: problem.task_id for problem in problems}
    items = [WorkItem(problem) for problem in problems[: max(2, tasks)]]
    file = RecordFile(tmp_path / "a.jsonl", ProblemOutcome, OPTIONS)
    with closing(file), pytest.raises(ContextLengthError, match="the prompt is too long") as caught:
        list(file.resume(items, lambda missing: run_items(missing, context, strategy, tasks=tasks)))
    assert caught.value.__notes__ == ["in exercises/1, sample 0"]
    assert [each.task_id for each in read_outcomes(tmp_path / "a.jsonl")] == ["exercises/0"]
    assert report_error(caught.value, as_json=False) == 2
    assert capsys.readouterr().err == "dubito: in exercises/1, sample 0: the prompt is too long\n"


def test_measures_do_not_depend_on_the_order_in_which_outcomes_came():
    outcomes = [replace(outcome(n, "x = 1", passed=n < 6), tokens=n * n) for n in range(12)]
    (one,), (other,) = compare({"": outcomes}), compare({"": outcomes[::-1]})
    assert repr(one) == repr(other)


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Once(), "once"),
        (BestOf.within(5), "best-of(programs=5)"),
        (Beam(5, choose_by_examples=True), "beam(width=5, choose_by_examples=True)"),
        (Tree.within(20), "tree(programs=20)"),
        (Tree(SearchConfig(Budget(tokens=9), "blame")), "tree(programs=20, tokens=9, order=blame)"),
        (BestOfEqual({"a": 1}), "BestOfEqual"),
    ],
)
def test_a_strategy_is_described_by_what_differs_from_its_defaults(strategy, text):
    assert describe(strategy) == text


def test_learned_numbers_are_no_part_of_a_strategys_description():
    curve = ReliabilityCurve({"share": 1.0}, 0.0, (0.0, 1.0), (0.2, 0.9), examples=1)
    config = with_profile(
        SearchConfig(order="learned"), ModelProfile("m", edge_weights={"gap": 1.0}, reliability=curve)
    )
    assert config.weights and config.reliability
    assert describe(Tree(config)) == "tree(programs=20, order=learned)"
