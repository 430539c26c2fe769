"""What a policy is compared with keeps the same account of its cost."""

from dataclasses import replace

from fakes import ScriptedSandbox
from text_model import byte_model

from agent.decoding import POLICIES
from agent.profile import ModelProfile
from agent.program.task import read_task
from agent.strategies import ONCE, best_of, best_of_equal, redraw_degenerate
from agent.workflow.context import Context
from agent.workflow.run import run_task
from benchmarks.experiments.arms import CONTESTANTS
from benchmarks.experiments.beam import beam
from sandbox import Verdict

TWICE = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(1 + 0)\n    2\n    """')
TASK = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """')


def context(verdict=Verdict.FAILED) -> Context:
    sandbox = ScriptedSandbox(lambda program: verdict, value=2)
    return Context(byte_model(sharpness=8.0), POLICIES["greedy"], sandbox, max_tokens=20)


def test_a_beam_of_one_is_greedy_with_as_many_forwards():
    here = context()
    greedy, searched = run_task(here, TASK, config=ONCE), beam(1)(here, TASK)
    assert searched.best.tokens == greedy.best.tokens
    assert (searched.cost.forwards, searched.cost.tokens) == (greedy.cost.forwards, greedy.cost.tokens)


def test_a_wider_beam_feeds_more_rows():
    here = context()
    assert beam(3)(here, TASK).cost.token_rows >= 3 * beam(1)(here, TASK).cost.tokens


def test_examples_may_choose_among_beams_and_all_of_them_are_paid():
    passing = replace(context(), sandbox=ScriptedSandbox(lambda program: Verdict.PASSED, value=2))
    best, chosen = beam(3)(passing, TASK), beam(3, chosen=True)(passing, TASK)
    assert chosen.best.tokens == best.best.tokens, "the best beam is tried first"
    assert (best.feedback, chosen.feedback) == ("none", "visible")
    assert best.cost.forwards == chosen.cost.forwards and chosen.cost.tokens > best.cost.tokens
    failing = beam(3, chosen=True)(context(), TASK)
    assert len(failing.attempts) == 3 and failing.outcome == "abstained"


def test_best_of_n_draws_n_different_programs_and_counts_them_all():
    result = best_of(3)(context(), TASK)
    assert result.outcome == "abstained"
    assert len({tuple(attempt.tokens) for attempt in result.attempts}) == 3
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)
    assert result.cost.sandbox_runs == 3


def test_best_of_n_ends_with_the_first_program_that_passes():
    result = best_of(3)(context(Verdict.PASSED), TASK)
    assert (result.outcome, len(result.attempts)) == ("accepted", 1)


def test_every_policy_is_a_contestant():
    assert set(POLICIES) <= set(CONTESTANTS)
    here = replace(context(Verdict.PASSED), max_tokens=6, profile=ModelProfile("m", edge_weights={"path": 1.0}))
    for policy, contestant in CONTESTANTS.values():
        result = contestant(replace(here, policy=policy), TWICE)
        assert result.best.program.startswith("def f(x)")


def test_the_guard_leaves_a_program_alone_that_has_something_to_run():
    here = replace(context(), max_tokens=14)
    written = here.tokenizer.encode("\n    return x")
    speaks = replace(here, policy=replace(POLICIES["greedy"], sampler=lambda *_: written.pop(0) if written else 0))
    result = redraw_degenerate(speaks, TASK)
    assert (len(result.attempts), result.best.program) == (1, TASK.request + "\n    return x")


def test_the_guard_draws_again_where_there_is_nothing_to_run_and_gives_up_after_three_draws():
    result = redraw_degenerate(context(), TASK)  # a random model over bytes writes no Python
    assert len(result.attempts) == 4
    assert result.best.tokens == run_task(context(), TASK, config=ONCE).best.tokens, "the first stands"
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)


def drawn_once():
    return run_task(replace(context(), policy=POLICIES["sample"]), TASK, config=ONCE)


def test_best_of_equal_draws_one_program_whole_and_spends_its_budget_but_no_more():
    one = drawn_once()
    for budget in (1, one.cost.token_rows + 5, 4 * one.cost.token_rows, 4 * one.cost.token_rows + 7):
        result = best_of_equal({TASK.request: budget})(context(), TASK)
        assert result.cost.token_rows == max(budget, one.cost.token_rows)
        assert result.attempts[-1].tokens == one.best.tokens, "where none passes, the first stands, whole"
    assert len(result.attempts) >= 4


def test_best_of_equal_at_the_cost_of_one_program_is_that_program():
    one = drawn_once()
    result = best_of_equal({TASK.request: one.cost.token_rows})(context(), TASK)
    assert [attempt.tokens for attempt in result.attempts] == [one.best.tokens]


def test_best_of_equal_stops_at_the_first_program_that_passes():
    result = best_of_equal({TASK.request: 10_000})(context(Verdict.PASSED), TASK)
    assert (len(result.attempts), result.outcome) == (1, "accepted")
