"""Tables of runs: one sample a problem or many, their costs, and what each column is made of."""

from dataclasses import replace

import pytest
from results import OUTCOME

from benchmarks.reports.compare import compare, report_comparison, summarise
from benchmarks.reports.metrics import bootstrap_mean, bootstrap_p, wilson


def run(passed, *, feedback="none", probability=None, tokens=10, program="x = 1"):
    """Outcomes by a table: a row of 0 and 1 for each problem, one a sample."""
    return [
        replace(
            OUTCOME, task_id=f"t/{task}", sample=sample, base="passed" if right else "failed", tokens=tokens + task,
            plus="passed" if right else "failed", feedback=feedback, probability=probability, program=program,
        )
        for task, row in enumerate(passed)
        for sample, right in enumerate(row)
    ]  # fmt: skip


def test_one_sample_a_problem_has_wilsons_interval_and_mcnemars_test():
    first, second = compare({"a": run([[1], [0], [0], [1]]), "b": run([[1], [1], [1], [0]])})
    assert (first.interval, first.samples, list(first.pass_at)) == (wilson(2, 4), 1, [1])
    assert (second.gained, second.lost, second.p) == (2, 1, 1.0)


def test_many_samples_a_problem_have_pass_at_k_and_are_resampled_by_problem():
    table = [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]
    (measured,) = compare({"a": run(table)})
    assert (measured.problems, measured.samples, measured.programs, measured.passed) == (3, 5, 15, 7)
    assert measured.interval == measured.pass_at[1] == bootstrap_mean([0.4, 0.0, 1.0])
    assert list(measured.pass_at) == [1, 5] and measured.pass_at[5].share == pytest.approx(2 / 3)


def test_runs_of_many_samples_are_tested_by_the_share_of_each_problem():
    first, second = compare({"a": run([[0, 1], [0, 0], [1, 1]]), "b": run([[1, 1], [0, 1], [0, 1]])})
    assert (second.gained, second.lost) == (2, 1)
    assert second.p == bootstrap_p([0.5, 0.5, -0.5]) and first.p == 1.0


def test_a_problem_with_fewer_samples_bounds_k_and_weighs_as_much_as_another():
    (measured,) = compare({"a": run([[1, 1, 1, 1, 1, 1], [0, 0]])})
    assert (measured.samples, list(measured.pass_at), measured.interval.share) == (2, [1], 0.5)


def test_costs_are_means_over_problems_with_intervals():
    (measured,) = compare({"a": run([[1], [0], [1]])})
    assert measured.costs["tokens"] == 11 and measured.intervals["tokens"] == bootstrap_mean([10.0, 11.0, 12.0])


def test_stated_probabilities_are_measured_where_they_are_stated():
    silent, stating = compare({"a": run([[1], [0]]), "b": run([[1], [0]], probability=0.75)})
    assert (silent.stated, silent.record()["ece"], silent.record()["brier"]) == (0, None, None)
    assert (stating.stated, stating.ece, stating.brier) == (2, 0.25, (0.0625 + 0.5625) / 2)


@pytest.mark.parametrize("samples", [1, 100])
def test_tables_keep_within_118_columns_and_say_how_intervals_were_made(samples):
    name = "HumanEval-qwen2.5-coder-0.5b-dubito-adadec-learned"
    table = [[1] * samples, [0] * samples]
    runs = {name: run(table, tokens=98_765, program="x = ("), "b": run(table, feedback="visible", probability=0.5)}
    text = report_comparison(compare(runs)).text
    assert max(map(len, text.splitlines())) <= 118
    assert "of 2000 resamples of 2 problems, seed 0" in text
    assert ("pass@100" in text) == (samples == 100)
    assert text.count("degenerate") == 2 and text.count("…5b-dubito-adadec-learned ") >= 2


def test_the_summary_of_one_run_has_the_same_measures():
    text = summarise(run([[1, 1, 0, 0, 0]], probability=0.4)).text
    for line in ("pass@1", "2/5 = 0.400", "pass@5", "1.000 (1.000 to 1.000)", "ECE and Brier", "tokens a program"):
        assert line in text
    assert "solved" in summarise(run([[1]])).text.splitlines()[0]
