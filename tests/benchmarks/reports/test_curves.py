"""What is solved by how many tokens, and what lies below that curve."""

import math

import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.errors import InvalidRequestError
from agent.trace import TraceWriter
from benchmarks.experiments.best_of_n import ProblemSamples
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.reports.curves import Curve, area_p, curve_of_outcomes, curve_of_samples, report_curves

CURVE = Curve({"a": 10.0, "b": 30.0, "c": math.inf, "d": 200.0})


def test_a_problem_counts_from_the_budget_on_at_which_it_was_solved():
    assert CURVE.solved(9) == set() and CURVE.solved(10) == {"a"} and CURVE.solved(1000) == {"a", "b", "d"}


def test_the_area_is_the_mean_share_over_all_budgets():
    steps = [len(CURVE.solved(budget)) / 4 for budget in range(100)]
    assert CURVE.area(100) == pytest.approx(sum(steps) / 100, abs=0.01)
    assert Curve({"a": 0.0}).area(50) == 1.0 and Curve({"a": math.inf}).area(50) == 0.0


def outcome(number, passed, tokens, **more):
    verdict = "passed" if passed else "failed"
    return ProblemOutcome(
        f"t/{number}", "0", "x", "accepted", verdict, verdict, 1, tokens, tokens, 9, 0, 1, 0.5, **more
    )


def test_runs_and_samples_make_curves():
    run = curve_of_outcomes([outcome(0, True, 12), outcome(1, False, 9)])
    assert (run.tokens, run.feedback) == ({"t/0": 12, "t/1": math.inf}, "none")
    samples = [
        ProblemSamples("t/0", "0", [5, 7], [False, True], [False, True]),
        ProblemSamples("t/1", "0", [5, 7], [True, True], [False, True]),
    ]
    assert curve_of_samples(samples).tokens == {"t/0": 12, "t/1": math.inf}


def test_a_curve_does_not_differ_from_itself_and_does_from_one_that_is_much_better():
    worse = Curve({str(n): 80.0 + n for n in range(50)})
    better = Curve({str(n): 20.0 + n for n in range(50)})
    assert area_p(better, better, 100) == 1.0
    assert area_p(better, worse, 200) < 0.01
    noise = Curve({str(n): 80.0 + n + (-1) ** n for n in range(50)})
    assert area_p(noise, worse, 200) > 0.1


def test_the_table_pairs_each_curve_with_the_first():
    other = Curve({**CURVE.tokens, "c": 10.0, "a": math.inf})
    first, second = report_curves({"one": CURVE, "two": other}, 80).text.splitlines()[1:]
    assert first.split()[:5] == ["one", "1", "1", "2", "2"]
    assert "1 +1/-1 p 1.000" in second


def written(path, *records):
    writer = TraceWriter(path, {"options": {}})
    for record in records:
        writer.write(record.KIND, record)
    writer.close()
    return str(path)


def test_the_command_reads_runs_and_samples_and_draws_a_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib (pip install 'dubito[bench]')")
    runs = written(tmp_path / "a.jsonl", outcome(0, True, 12), outcome(1, True, 30))
    samples = written(
        tmp_path / "b.jsonl",
        ProblemSamples("t/0", "0", [5], [True], [True]),
        ProblemSamples("t/1", "0", [5], [True], [False]),
    )
    result = CliRunner().invoke(
        app, ["bench", "curve", runs, samples, "--out", str(tmp_path / "c.png"), "--most", "40"]
    )
    assert result.exit_code == 0, result.output
    heads = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert heads == ["one pass", "a", "", "feedback=visible", "b"], "the two kinds are not compared"
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_runs_over_other_problems_are_refused(tmp_path):
    one, other = (written(tmp_path / f"{n}.jsonl", outcome(n, True, 1)) for n in (0, 1))
    result = CliRunner().invoke(app, ["bench", "curve", one, other])
    assert (result.exit_code, "not over the same problems" in result.stderr) == (2, True)


def test_stated_probabilities_are_held_against_what_came_of_them(tmp_path):
    stated = [outcome(n, n != 3, 9, probability=0.9 if n != 3 else 0.2, feedback="visible") for n in range(10)]
    result = CliRunner().invoke(app, ["bench", "reliability", written(tmp_path / "a.jsonl", *stated)])
    assert "10, 9 right, ECE 0.1100, Brier 0.0130, AUROC 1.0000" in result.stdout
    some = written(tmp_path / "c.jsonl", *stated, outcome(10, True, 1), outcome(11, True, 1))
    output = CliRunner().invoke(app, ["bench", "reliability", some]).stdout
    assert "c: 2 of 12 answers state no probability and are left out" in output and "10, 9 right, ECE 0.1100" in output
    mute = written(tmp_path / "b.jsonl", outcome(0, True, 1))
    result = CliRunner().invoke(app, ["bench", "reliability", mute])
    assert (result.exit_code, "states no probabilities" in result.stderr) == (2, True)


def test_runs_with_feedback_stand_apart_from_those_of_one_pass(tmp_path):
    one = written(tmp_path / "one.jsonl", outcome(0, False, 9))
    tree = written(tmp_path / "tree.jsonl", outcome(0, True, 9, feedback="visible"))
    lines = CliRunner().invoke(app, ["bench", "compare", one, tree]).stdout.splitlines()
    assert lines[0].startswith("one pass") and lines[1].startswith("one ") and lines[2] == ""
    block = lines[lines.index("") + 4 :]
    assert block[0].startswith("feedback=visible") and block[1].split()[5:7] == ["0/0", "1.000"]


def test_a_run_of_several_samples_a_problem_has_no_curve():
    with pytest.raises(InvalidRequestError, match="several samples"):
        curve_of_outcomes([outcome(0, True, 9), outcome(0, True, 9, sample=1)])
