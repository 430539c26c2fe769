"""A budget is read from text in one sentence's worth of rules, and a metered model or sandbox never goes beyond it."""

import pytest
from fakes import ScriptedSandbox, TableLM

from agent.errors import BudgetSpentError, InvalidRequestError
from agent.lm.metered import Metered
from agent.search.budget import Budget, budget_from
from agent.verification.metered import MeteredSandbox
from sandbox import Limits


def test_what_a_budget_does_not_name_stays_as_it_was():
    assert budget_from("tokens=100") == Budget(programs=20, tokens=100)
    assert budget_from("programs=5, seconds=2.5") == Budget(programs=5, seconds=2.5)
    assert budget_from("forwards=7,runs=3", Budget(None)) == Budget(None, None, 7, 3)


@pytest.mark.parametrize(
    "text",
    ["", "tokens", "tokens=", "tokens=0", "tokens=-1", "tokens=1.5", "words=3", "seconds=inf", "seconds=nan", "5"],
)
def test_an_unreadable_budget_is_refused_with_what_is_wanted(text):
    with pytest.raises(
        InvalidRequestError, match="wanted positive numbers of programs, tokens, forwards, runs, seconds"
    ):
        budget_from(text)


def metered(lm, forwards=None, deadline=None, clock=lambda: 0.0):
    return Metered(lm, forwards, deadline, clock)


@pytest.mark.parametrize("most", range(6))
def test_a_metered_model_does_as_many_forwards_as_it_has_and_no_more(most):
    lm = TableLM({}, [0.5, 0.5])
    doing = metered(lm, most)
    with pytest.raises(BudgetSpentError, match="forwards"):
        prefix = doing.prefill((9,))
        batch = doing.branch(prefix, [0, 1])
        batch = batch.advance([0, 1])
        assert batch.depth == 2 and batch.logits.shape[0] == 2
        prefix = doing.extend(batch.select(1), (1,))
        list(doing.extend_each(prefix, (0,)))
    assert most - 2 < doing.forwards <= most or doing.forwards == lm.forwards == max(0, most)
    assert doing.token_rows == lm.token_rows


def test_nothing_to_feed_needs_no_forward():
    doing = metered(TableLM({}, [1.0]), 1)
    prefix = doing.prefill((9,))
    assert doing.extend(prefix, ()) is prefix


def test_a_deadline_ends_it_too():
    now = [0.0]
    doing = metered(TableLM({}, [1.0]), None, 5.0, lambda: now[0])
    doing.prefill((9,))
    now[0] = 5.0
    with pytest.raises(BudgetSpentError, match="seconds"):
        doing.prefill((9,))


def test_a_metered_sandbox_counts_refuses_and_ends_programs_in_time():
    box = ScriptedSandbox()
    seen = []
    plain = box.run
    box.run = lambda program, **options: seen.append(options["limits"].wall_seconds) or plain(program, **options)
    now = [0.0]
    doing = MeteredSandbox(box, 2, 8.0, lambda: now[0])
    doing.run("x", limits=Limits(wall_seconds=10.0))
    now[0] = 7.0
    doing.run("x", limits=Limits(wall_seconds=10.0))
    assert (seen, doing.runs) == ([8.0, 1.0], 2)
    with pytest.raises(BudgetSpentError, match="runs"):
        doing.run("x")
    now[0] = 8.0
    with pytest.raises(BudgetSpentError, match="seconds"):
        MeteredSandbox(box, None, 8.0, lambda: now[0]).run("x")
    doing.close()
