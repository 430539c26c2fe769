"""Where greedy fails, every candidate of every pause is followed to its end and judged."""

import math

import pytest
from text_model import byte_model

from agent.decoding import POLICIES
from agent.decoding.context import Policy
from agent.decoding.gates import Gate
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.workflow.context import Context
from benchmarks.exercises import make_problem
from benchmarks.experiments import pauses
from benchmarks.experiments.pauses import FailedRun, PauseOutcome, explore_failures, report_pauses
from benchmarks.judging.checker import Judgement, Tally
from sandbox import Verdict

ALWAYS = Policy(Gate("entropy", -math.inf), Rerank(width=2, horizon=1), argmax)


@pytest.fixture
def judged(monkeypatch):
    """Programs that were judged; those that `right` accepts pass."""
    seen, right = [], []

    def judge(sandbox, item, program):
        seen.append(program)
        verdict = Verdict.PASSED if any(accepts(program) for accepts in right) else Verdict.FAILED
        tally = Tally(verdict, 1, int(verdict is Verdict.PASSED), (), "", 1, 0.0)
        return Judgement(item.task_id, tally, tally)

    monkeypatch.setattr(pauses, "judge_program", judge)
    return seen, right


def context(policy=ALWAYS, tokens=3):
    return Context(byte_model(sharpness=2.0), policy, None, max_tokens=tokens)


def test_a_problem_that_greedy_solves_has_no_detours(judged):
    judged[1].append(lambda program: True)
    assert list(explore_failures([make_problem("exercises/0")], context())) == [None]
    assert len(judged[0]) == 1


def test_each_pause_tries_each_candidate_but_the_likeliest(judged):
    (failure,) = explore_failures([make_problem("exercises/0")], context(), width=4)
    seen = judged[0]
    assert [detour.position for detour in failure.pauses] == [0, 1, 2]
    assert all(detour.right is None for detour in failure.pauses)
    assert len(seen) == 1 + 3 * 3, "the greedy program, then three others a pause"
    assert len(set(seen)) > 4, "not all are cut off at the margin"


def test_the_rank_of_the_way_out_is_found(judged):
    (failure,) = explore_failures([make_problem("exercises/0")], context(), width=4)
    seen, right = list(judged[0]), judged[1]
    (place, wanted) = next(
        (place, program) for place, program in enumerate(seen[1:]) if place % 3 and seen.count(program) == 1
    )
    right.append(lambda program: program == wanted)
    (again,) = explore_failures([make_problem("exercises/0")], context(), width=4)
    ranks = [None, None, None]
    ranks[place // 3] = place % 3 + 2
    assert [detour.right for detour in again.pauses] == ranks
    assert [detour.chosen for detour in again.pauses] == [detour.chosen for detour in failure.pauses]


def test_a_gate_that_never_pauses_leaves_no_way_out(judged):
    (failure,) = explore_failures([make_problem("exercises/0")], context(POLICIES["greedy"]))
    assert failure == FailedRun("exercises/0", ())


def test_the_table_counts_problems_pauses_and_ranks():
    lost = FailedRun("a", (PauseOutcome("a", 4, 1.5, 1, None),))
    found = FailedRun("b", (PauseOutcome("b", 2, 1.1, 2, 2), PauseOutcome("b", 7, 1.2, 1, 3)))
    report = report_pauses([None, lost, found, FailedRun("c", ())])
    rows = dict(line.rsplit(maxsplit=1) for line in report.text.splitlines())
    assert rows == {name: str(count) for name, count in report.record.items()}
    assert rows == {
        "problems": "4",
        "failed by greedy": "3",
        "of these, with a pause": "2",
        "of these, with a way out at a pause": "1",
        "of these, where the policy takes it": "1",
        "pauses in failed runs": "3",
        "way out is candidate 2": "1",
        "way out is candidate 3": "1",
        "no way out among the candidates": "1",
        "pauses where the policy leaves the likeliest": "1",
    }
