"""What an idea is compared with spends exactly what it should."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model

from agent.decoding import POLICIES
from agent.program.task import read_task
from agent.strategies import Once
from agent.workflow.context import Context
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.experiments.rivals import BestOfEqual, RedrawDegenerate
from sandbox import Verdict

TASK = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """')


def context(verdict=Verdict.FAILED, policy="greedy") -> Context:
    sandbox = ScriptedSandbox(lambda program: verdict, value=2)
    return Context(byte_model(sharpness=8.0), POLICIES[policy], sandbox, max_tokens=20)


def best_of_equal(token_rows, verdict=Verdict.FAILED):
    return BestOfEqual({digest_prompt(TASK.request): token_rows})(context(verdict, "sample"), TASK)


def test_the_guard_leaves_a_program_alone_that_has_something_to_run():
    here = replace(context(), max_tokens=14)
    written = here.tokenizer.encode("\n    return x")
    speaks = replace(here, policy=replace(POLICIES["greedy"], sampler=lambda *_: written.pop(0) if written else 0))
    result = RedrawDegenerate()(speaks, TASK)
    assert (len(result.attempts), result.best.program) == (1, TASK.request + "\n    return x")


def test_the_guard_samples_where_there_is_nothing_to_run_and_gives_up_after_three_samples():
    result = RedrawDegenerate()(context(), TASK)  # a random model over bytes writes no Python
    assert len(result.attempts) == 4
    assert result.best.tokens == Once()(context(), TASK).best.tokens, "the first stands"
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)


def test_best_of_equal_writes_one_program_whole_and_spends_its_budget_but_no_more():
    one = Once()(context(policy="sample"), TASK)
    for budget in (1, one.cost.token_rows + 5, 4 * one.cost.token_rows, 4 * one.cost.token_rows + 7):
        result = best_of_equal(budget)
        assert result.cost.token_rows == max(budget, one.cost.token_rows)
        assert result.best.tokens == one.best.tokens, "where none passes, the first stands, whole"
    assert len(result.attempts) >= 4


def test_best_of_equal_at_the_cost_of_one_program_is_that_program():
    one = Once()(context(policy="sample"), TASK)
    assert [attempt.tokens for attempt in best_of_equal(one.cost.token_rows).attempts] == [one.best.tokens]


def test_best_of_equal_stops_at_the_first_program_that_passes():
    result = best_of_equal(10_000, Verdict.PASSED)
    assert (len(result.attempts), result.outcome) == (1, "accepted")


def test_best_of_equal_refuses_a_problem_without_a_budget():
    with pytest.raises(KeyError):
        BestOfEqual({})(context(policy="sample"), TASK)
