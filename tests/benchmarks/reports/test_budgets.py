"""What a search solves within a budget is read off its trail, with McNemar's test against the first search."""

import math
from dataclasses import replace

import pytest

from benchmarks.experiments.trails import Trail, TrailStep
from benchmarks.reports.budgets import make_curves, report_budgets


def step(tokens, right, answer, kind="sample", twin=False) -> TrailStep:
    return TrailStep(kind, tokens, right, 2, right, twin, False, -1.0, None, answer)


def trail(task_id, *steps) -> Trail:
    return Trail(task_id, "0" * 12, list(steps))


LATE = trail("A/0", step(10, False, 0, "first"), step(20, True, 1))  # right with the second program
NEVER = trail("A/1", step(10, False, 0, "first"), step(30, False, 0, twin=True))
EARLY = trail("A/0", step(15, True, 0, "first"))


def test_a_program_counts_once_it_has_ended_within_the_budget():
    assert [LATE.solved(tokens) for tokens in (1, 10, 19, 20)] == [False, False, False, True]
    assert EARLY.solved(1), "the first program counts whole"


def test_searches_are_paired_by_problem_and_by_budget():
    report = report_budgets({"late": [[LATE, NEVER]], "early": [[EARLY, NEVER]]}, [1, 2])
    rows = {(row["search"], row["programs"]): row for row in report.record["rows"]}
    assert report.record["worth"] == [10.0]
    assert [(rows["late", b]["solved"], rows["early", b]["solved"]) for b in (1, 2)] == [(0, 1), (1, 1)]
    assert [rows["early", b]["over_reference"]["gained"] for b in (1, 2)] == [1, 0]
    assert rows["late", 2]["over_first"] == {"gained": 1, "lost": 0, "p": 1.0}
    assert rows["late", 2]["spent"] == pytest.approx(15.0), "20 for the one, and 10 for the other"
    assert "sample" in report.text and "twins" in report.text


def test_costs_may_be_counted_in_forwards_and_in_all_that_is_fed():
    steps = [
        replace(step(10, False, 0, "first"), forwards=5, token_rows=40),
        replace(step(20, True, 1), forwards=20, token_rows=60),
    ]
    searches = {"it": [[trail("A/0", *steps)]]}
    solved = {
        unit: [row["solved"] for row in report_budgets(searches, [1, 2, 4], unit).record["rows"]]
        for unit in ("tokens", "forwards", "token_rows")
    }
    assert solved == {"tokens": [0, 1, 1], "forwards": [0, 0, 1], "token_rows": [0, 1, 1]}
    assert "A program's worth of forwards: 5.0" in report_budgets(searches, [1], "forwards").text


def test_only_problems_that_all_searches_have_are_compared():
    report = report_budgets({"one": [[LATE, NEVER]], "other": [[NEVER]]}, [1])
    assert {row["problems"] for row in report.record["rows"]} == {1}


def test_an_oracle_counts_a_right_program_that_is_not_the_answer():
    missed = trail("A/0", step(10, False, 0, "first"), step(20, True, 0))
    row = report_budgets({"it": [[missed]]}, [2]).record["rows"][0]
    assert (row["solved"], row["passing"], row["oracle"]) == (0, 1, 1)


def test_a_curve_rises_where_the_answer_is_right_for_good():
    wavering = trail("A/2", step(10, True, 0, "first"), step(20, False, 1), step(30, True, 2))
    curve = make_curves({"it": [[LATE, NEVER, wavering], [EARLY]]})["it"]
    assert curve.tokens == {"0:A/0": 20, "0:A/1": math.inf, "0:A/2": 30, "1:A/0": 15}


def test_a_trail_whose_answer_comes_later_is_refused():
    with pytest.raises(ValueError, match="none that comes later"):
        trail("A/0", step(10, True, 1))
