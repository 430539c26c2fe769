"""Finished programs are read again: their scores, their mutants, and whether samples behave alike."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from results import dubito, refused

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.lm import open_lm
from agent.strategies import Once
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.experiments.agreement import Agreement, measure_agreement
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.runner import run_item
from benchmarks.experiments.signals import find_comments, find_line_starts, match_stories, score_programs
from benchmarks.reports.metrics import bootstrap_auroc
from benchmarks.reports.signals import ProgramSignals, report_signals
from sandbox import open_sandbox
from uncertainty.calibration import auroc
from uncertainty.signals import SIGNALS, read_signals


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as box:
        yield box


@pytest.mark.model
def test_the_scores_of_a_program_are_those_it_was_written_with(box):
    context = Context(open_lm("models/tiny"), POLICIES["greedy"], box, max_tokens=120)
    item, stories, events = WorkItem(open_benchmark("exercises").problem("exercises/0")), [], []
    outcome = run_item(item, replace(context, emit=events.append), Once(), stories.append)
    runs = {item.key: outcome}, {item.key: stories[0]}
    (scored,) = score_programs(match_stories([item], *runs), context)
    attempt = stories[0].attempts[0]
    signals = read_signals(scored.tokens)
    assert signals["surprisal"] == pytest.approx(attempt.surprisal, abs=0.02)  # an end token is no part of the program
    assert (scored.right, scored.accepted, scored.checked) == (
        outcome.passed,
        attempt.verdict == "passed",
        attempt.checked,
    )
    assert 0 <= scored.undecided <= scored.mutants and (scored.mutants == 0 or scored.accepted)
    assert sorted(scored.places) == scored.places and len(scored.places) == signals["length"]
    with pytest.raises(InvalidRequestError, match="no story"):
        list(match_stories([item], runs[0], {}))


def test_lines_and_comments_are_found_by_the_places_of_tokens():
    program = "x = 1  # one\ny = 2\n"
    places = [0, 2, 7, 12, 13]
    assert find_line_starts(program, places) == [True, False, False, False, True]
    assert find_comments(program, places) == [False, False, True, False, False]
    assert find_comments("f(", [0, 1]) == [False, False]


def test_samples_agree_that_return_the_same_values(box):
    problem = replace(
        open_benchmark("exercises").problem("exercises/0"),
        prompt='def f(x: int) -> int:\n    """Return twice x."""\n', entry_point="f",
    )  # fmt: skip
    own, alike, other = (f"def f(x):\n    return {text}\n" for text in ("x + x", "2 * x", "x * x"))
    samples = {problem.task_id: [alike, other, "def g(x): return 2 * x", "not Python ("]}
    assert list(measure_agreement([problem], {problem.task_id: own}, samples, box)) == [Agreement(1, 4)]
    assert list(measure_agreement([problem], {problem.task_id: "def f(x): raise ValueError"}, samples, box)) == [
        Agreement(0, 4)
    ]
    assert list(measure_agreement([problem], {problem.task_id: own}, {}, box)) == [Agreement(0, 0)]


def signals_of(number, *, right):
    value = float(not right) + number % 3 / 10
    return ProgramSignals(
        dict.fromkeys(SIGNALS, value), {"failed examples": float(not right)}, right or number % 2 == 0, right
    )


def test_the_table_holds_the_auroc_of_each_signal_and_of_what_is_learned_elsewhere():
    runs = {name: [signals_of(n, right=n % 2 == 0) for n in range(20)] for name in ("one", "two")}
    report = report_signals(runs)
    assert report.record["programs"] == {
        "one": 20, "two": 20, "pooled": 40, "one, accepted": 10, "two, accepted": 10, "pooled, accepted": 20,
    }  # fmt: skip
    assert report.record["one pass"]["surprisal"]["one"]["share"] == 1.0
    assert set(report.record["learned"]["learned on one, one pass"]) == {"two", "two, accepted"}
    assert "failed examples" in report.text
    alone = report_signals({"one": runs["one"]})
    assert alone.record["learned"] == {} and "pooled" not in alone.record["programs"]


def test_a_bootstrap_of_the_auroc_is_around_the_auroc():
    values, wrong = [1, 2, 2, 3, 5, 4, 0, 7], [False, False, True, False, True, True, False, True]
    share, low, high = bootstrap_auroc(values, wrong)
    assert share == auroc(
        [v for v, w in zip(values, wrong, strict=True) if w], [v for v, w in zip(values, wrong, strict=True) if not w]
    )
    assert low <= share <= high
    assert all(value != value for value in bootstrap_auroc([1.0], [True]))


def test_nothing_is_learned_where_all_are_right_and_none_is_shown_where_there_is_none():
    with pytest.raises(InvalidRequestError, match="nothing can be learned from one"):
        report_signals({name: [signals_of(n, right=True) for n in range(3)] for name in ("one", "two")})
    with pytest.raises(InvalidRequestError, match="no program"):
        report_signals({"one": []})


@pytest.mark.model
def test_the_command_keeps_scores_and_prints_the_same_table_again(tmp_path):
    run, scores = tmp_path / "run.jsonl", tmp_path / "scores"
    done = dubito(
        "bench", "run", "exercises", "--model", "models/tiny", "--limit", 6, "--sandbox", "process", "--out", run
    )
    assert done.exit_code == 0, done.output
    command = ("bench", "signals", run, "--keep", scores, "--sandbox", "process", "--samples", run, "--json")
    first, second = dubito(*command), dubito(*command)
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["programs"]["run"] == 6
    assert (scores / "run.scores.jsonl").is_file()
    run.with_suffix(".stories.jsonl").unlink()
    refused(dubito("bench", "signals", run), "no stories beside")
