"""Each strategy spends its budget as it says, and all keep the same account of their cost."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model

from agent.cli.components import build_strategy
from agent.decoding import POLICIES
from agent.decoding.step import Step
from agent.errors import InvalidRequestError
from agent.lm.metered import Metered
from agent.program.task import read_task
from agent.records import Attempt
from agent.search.budget import Budget
from agent.strategies import STRATEGIES, Beam, BestOf, Once, Tree
from agent.workflow.context import Context
from sandbox import Verdict

TWICE = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(1 + 0)\n    2\n    """')
TASK = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """')


def context(verdict=Verdict.FAILED, policy="greedy") -> Context:
    sandbox = ScriptedSandbox(lambda program: verdict, value=2)
    return Context(byte_model(sharpness=8.0), POLICIES[policy], sandbox, max_tokens=20)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_writes_an_answer_with_its_own_policy(name):
    policy = (*STRATEGIES[name].policies, "adadec")[0]
    result = build_strategy(name, programs=None if name == "once" else 2)(context(Verdict.PASSED, policy), TWICE)
    assert result.best.program.startswith("def f(x)") and result.outcome == "accepted"


def test_a_beam_of_one_is_greedy_with_as_many_forwards():
    here = context()
    greedy, searched = Once()(here, TASK), Beam(1)(here, TASK)
    assert searched.best.tokens == greedy.best.tokens
    assert (searched.cost.forwards, searched.cost.tokens) == (greedy.cost.forwards, greedy.cost.tokens)


def test_a_wider_beam_feeds_more_rows():
    here = context()
    assert Beam(3)(here, TASK).cost.token_rows >= 3 * Beam(1)(here, TASK).cost.tokens


def test_examples_may_choose_among_beams_and_all_of_them_are_paid():
    passing = context(Verdict.PASSED)
    best, chosen = Beam(3)(passing, TASK), Beam(3, choose_by_examples=True)(passing, TASK)
    assert chosen.best.tokens == best.best.tokens, "the best beam is tried first"
    assert (best.feedback, chosen.feedback) == ("none", "visible")
    assert best.cost.forwards == chosen.cost.forwards and chosen.cost.tokens > best.cost.tokens
    failing = Beam(3, choose_by_examples=True)(context(), TASK)
    assert len(failing.attempts) == 3 and failing.outcome == "abstained"


def test_beam_search_needs_a_backend_that_has_it():
    here = context()
    other = replace(here.model, lm=Metered(here.lm, None, None, here.clock))
    with pytest.raises(InvalidRequestError, match="beam search needs the backend hf"):
        Beam()(replace(here, model=other), TASK)


def test_best_of_n_writes_n_different_programs_and_counts_them_all():
    result = BestOf(3)(context(policy="sample"), TASK)
    assert result.outcome == "abstained"
    assert len({tuple(attempt.tokens) for attempt in result.attempts}) == 3
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)
    assert result.cost.sandbox_runs == 3 and result.best is result.attempts[0], "the first stands"


def test_best_of_n_ends_with_the_first_program_that_passes():
    result = BestOf(3)(context(Verdict.PASSED, "sample"), TASK)
    assert (result.outcome, len(result.attempts)) == ("accepted", 1)


def test_best_of_n_numbers_programs_and_events_on():
    shown, logged = [], []
    session = {"on_event": shown.append, "log": lambda number, event: logged.append(number)}
    result = BestOf(3)(context(policy="sample"), TASK, **session)
    attempts = [event for event in shown if isinstance(event, Attempt)]
    assert [(each.number, each.label) for each in attempts] == [(0, "1"), (1, "2"), (2, "3")]
    assert attempts == result.attempts and logged == list(range(1, len(shown) + 1))
    assert result.steps == [event for event in shown if isinstance(event, Step)]


def test_best_of_n_refuses_a_policy_that_always_writes_the_same():
    with pytest.raises(InvalidRequestError, match="this policy always writes the same"):
        BestOf(3)(context(policy="adadec"), TASK)


@pytest.mark.parametrize("strategy", [BestOf(2), Beam(2)])
def test_what_starts_anew_each_time_keeps_no_thread(strategy):
    with pytest.raises(InvalidRequestError, match="keep no thread"):
        strategy(context(policy="sample"), TASK, checkpointer=object(), thread="t")


# Options of the command line


def test_options_make_strategies():
    assert build_strategy("once") == build_strategy("once", programs=1) == Once()
    assert (build_strategy("best-of"), build_strategy("best-of", programs=7)) == (BestOf(5), BestOf(7))
    assert (build_strategy("beam"), build_strategy("beam", programs=2)) == (Beam(3), Beam(2))
    assert build_strategy("tree") == Tree.within(20)
    bounded = build_strategy("tree", programs=5, budget="tokens=300", order="gap")
    assert (bounded.config.budget, bounded.config.order) == (Budget(programs=5, tokens=300), "gap")
    assert build_strategy("tree", budget="programs=2").config.budget == Budget(programs=2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "forest"}, "unknown strategy 'forest'; choose from once, best-of, beam, tree"),
        ({"name": "once", "programs": 2}, "once writes one program, and --programs 2 came"),
        ({"name": "best-of", "budget": "tokens=9"}, "--budget bounds searches, and best-of is none"),
        ({"name": "beam", "order": "gap"}, "--order bounds searches, and beam is none"),
        ({"name": "once", "min_probability": 0.5}, "--min-probability bounds searches, and once is none"),
        ({"name": "tree", "programs": 2, "budget": "programs=3"}, "--programs 2 came, and the budget names programs"),
    ],
)
def test_an_option_that_does_not_go_with_a_strategy_is_refused(options, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        build_strategy(**options)
