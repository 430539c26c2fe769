"""Each difference between evalplus' verdicts and ours has a reason, and an unknown one says so."""

import json
from dataclasses import replace

import pytest
from data import HUMANEVAL_PLUS, needs_data
from results import OUTCOME, dubito, refused, written

from benchmarks.base import Problem
from benchmarks.evalplus import human_eval
from benchmarks.judging.evalplus_differences import UNKNOWN, differ, find_reason
from benchmarks.judging.evalplus_judge import EvalplusVerdict
from benchmarks.reports.evalplus import TwoVerdicts, pair_verdicts, report_evalplus
from sandbox import open_sandbox

RIGHT, FAILS, SLOW = (
    EvalplusVerdict("pass", "pass"),
    EvalplusVerdict("pass", "fail"),
    EvalplusVerdict("timeout", "fail"),
)
PASSED, FAILED = ("passed", "passed"), ("passed", "failed")


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def reason(box, solution, program=None, ours=PASSED, theirs=FAILS, task_id="test/0", inputs=((1,), (2,))):
    problem = Problem(task_id, "def f(x):\n", "f", f"    {solution}\n", inputs, ())
    return find_reason(box, problem, program or problem.reference_program, ours, theirs)


def test_verdicts_differ_in_the_base_tests_or_in_all_tests_together():
    assert not differ(PASSED, RIGHT) and not differ(FAILED, FAILS)
    assert differ(PASSED, FAILS) and differ(FAILED, RIGHT)
    assert not differ(("timed out (cpu)", "failed"), EvalplusVerdict("fail", "pass"))  # nobody passes it


def test_a_limit_that_either_side_reached_is_the_reason(box):
    assert reason(box, "return x", theirs=SLOW).startswith("timeout: evalplus allows 4 s")
    assert reason(box, "return x", ours=("timed out (cpu)", "failed"), theirs=RIGHT) == "our limit of CPU time"


def test_what_evalplus_cannot_judge_is_named_where_it_says_no(box):
    assert "fails every program here" in reason(box, "return x", task_id="HumanEval/32")
    assert "fails every" not in reason(box, "return x", task_id="HumanEval/32", ours=FAILED, theirs=RIGHT)


def test_values_that_the_rules_treat_differently_are_the_reason(box):
    assert reason(box, "return float('nan')").startswith("NaN: ")
    wrong = ("failed", "failed")
    first = reason(
        box, "return [[1., 1.]] if x == 1 else .5", "def f(x): return [[1.]] if x == 1 else .5", wrong, RIGHT
    )
    assert first == UNKNOWN  # no float was expected before, so no tolerance holds
    stretched = reason(box, "return 0.5 if x == 1 else [[1.5, 1.5]]", "def f(x): return .5 if x == 1 else [[1.5]]")
    assert stretched.startswith("float tolerance: numpy stretches")
    assert reason(box, "return x", "class A: pass\ndef f(x): return A()", FAILED, RIGHT).endswith("returns A")


def test_a_module_that_our_sandbox_lacks_is_the_reason(box):
    assert reason(box, "return x", "import nosuchmodule\ndef f(x): return x", FAILED, RIGHT) == (
        "our sandbox lacks nosuchmodule"
    )


def test_a_verdict_that_is_another_the_second_time_hangs_on_chance(box):
    assert "time or chance" in reason(box, "return x", ours=FAILED, theirs=RIGHT)
    assert reason(box, "return x") == UNKNOWN


def test_samples_of_a_task_are_paired_in_their_order_and_differences_are_listed():
    outcomes = [replace(OUTCOME, sample=sample, task_id=task) for sample in (0, 1) for task in ("t/0", "t/1")]
    pairs = pair_verdicts(outcomes, {"t/0": [RIGHT, FAILS], "t/1": [SLOW, RIGHT]})
    assert [pair.theirs for pair in pairs] == [RIGHT, SLOW, FAILS, RIGHT]
    report = report_evalplus({"run": [pairs[0], TwoVerdicts(outcomes[2], FAILS, "why")]})
    assert report.text.splitlines()[0] == "run: 2 programs, 1 judged differently"
    assert report.text.splitlines()[-2:] == ["t/0#1               ours passed, passed; evalplus pass, fail", "    why"]
    assert report.record["runs"][0]["differences"][0]["evalplus"] == {"base": "pass", "plus": "fail"}


def test_a_run_that_evalplus_does_not_judge_is_refused(tmp_path):
    refused(dubito("bench", "evalplus", written(tmp_path / "run.jsonl", OUTCOME)), "HumanEval and Mbpp alone")


@needs_data
@pytest.mark.slow  # evalplus waits 20 s for itself before it ends
@pytest.mark.parametrize("sandbox", ["process", "bubblewrap"])
def test_evalplus_judges_a_run_of_few_problems(tmp_path, sandbox, monkeypatch):
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(HUMANEVAL_PLUS))
    problems = [human_eval(HUMANEVAL_PLUS).problem(f"HumanEval/{number}") for number in (53, 32)]
    outcomes = [replace(OUTCOME, task_id=each.task_id, program=each.reference_program) for each in problems]
    result = dubito(
        "bench", "evalplus", written(tmp_path / "run.jsonl", *outcomes, benchmark="HumanEval"), "--json",
        "--sandbox", sandbox,
    )  # fmt: skip
    (run,) = json.loads(result.stdout)["runs"]
    assert (run["ours"], run["evalplus"]) == ({"base": 2, "plus": 2}, {"base": 1, "plus": 1})
    assert [each["task_id"] for each in run["differences"]] == ["HumanEval/32"]
