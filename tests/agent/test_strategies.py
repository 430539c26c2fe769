"""Each strategy spends its budget as it says, and all keep the same account of their cost."""

from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model

from agent.cli.components import build_strategy
from agent.decoding import POLICIES
from agent.decoding.step import Step
from agent.errors import InvalidRequestError
from agent.lm.metered import Metered
from agent.program.styles import PROMPT_STYLES
from agent.program.task import read_task
from agent.records import Attempt
from agent.search.budget import Budget
from agent.strategies import (
    ALONE,
    STRATEGIES,
    Beam,
    BestOf,
    Once,
    Strategy,
    StrategyOptions,
    Tree,
    check_thread,
    choose_policy_name,
    name_of,
)
from agent.workflow.context import Context
from agent.workflow.session import Session
from sandbox import Verdict

TWICE = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(1 + 0)\n    2\n    """')
TASK = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """')


def context(verdict=Verdict.FAILED, policy="greedy") -> Context:
    sandbox = ScriptedSandbox(lambda program: verdict, value=2)
    return Context(byte_model(sharpness=8.0), POLICIES[policy], sandbox, max_tokens=20)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_writes_an_answer_with_its_own_policy(name):
    strategy = build_strategy(name, StrategyOptions())
    assert type(strategy) is STRATEGIES[name], "it is the strategy of this name that runs"
    result = strategy(context(Verdict.PASSED, choose_policy_name(None, strategy, POLICIES)), TWICE)
    assert result.best.program.startswith("def f(x)") and result.outcome == "accepted"


def test_a_beam_of_one_is_greedy_with_as_many_forwards():
    here = context()
    greedy, searched = Once()(here, TASK), Beam(1)(here, TASK)
    assert searched.best.tokens == greedy.best.tokens
    assert (searched.cost.forwards, searched.cost.tokens) == (greedy.cost.forwards, greedy.cost.tokens)


def test_a_beam_begins_with_no_token_that_the_style_forbids_first():
    here, style = replace(context(), model=byte_model(seed=5, sharpness=8.0)), PROMPT_STYLES["completion"]
    likeliest = here.tokenizer.encode("b")
    assert list(Once()(here, TASK).best.tokens[:1]) == list(Beam(1)(here, TASK).best.tokens[:1]) == likeliest
    forbidding = replace(style, open=replace(style.code, forbidden_first="b"))
    here = replace(here, model=replace(here.model, prompt_style=forbidding))
    greedy, searched = Once()(here, TASK), Beam(1)(here, TASK)
    assert searched.best.tokens == greedy.best.tokens and list(greedy.best.tokens[:1]) != likeliest


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
    result = BestOf.within(3)(context(policy="sample"), TASK)
    assert result.outcome == "abstained"
    assert len({tuple(attempt.tokens) for attempt in result.attempts}) == 3
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)
    assert result.cost.sandbox_runs == 3 and result.best is result.attempts[0], "the first stands"


def test_best_of_n_ends_with_the_first_program_that_passes():
    result = BestOf.within(3)(context(Verdict.PASSED, "sample"), TASK)
    assert (result.outcome, len(result.attempts)) == ("accepted", 1)


def test_best_of_n_numbers_programs_and_events_on():
    shown, logged = [], []
    here = replace(context(policy="sample"), emit=shown.append)
    result = BestOf.within(3)(here, TASK, Session(log=lambda number, event: logged.append(number)))
    attempts = [event for event in shown if isinstance(event, Attempt)]
    assert [(each.number, each.label) for each in attempts] == [(0, "1"), (1, "2"), (2, "3")]
    assert attempts == list(result.attempts) and logged == list(range(1, len(shown) + 1))
    assert result.steps == [event for event in shown if isinstance(event, Step)]


def test_best_of_n_refuses_a_policy_that_always_writes_the_same():
    with pytest.raises(InvalidRequestError, match="this policy always writes the same"):
        BestOf.within(3)(context(policy="adadec"), TASK)


def test_a_strategy_that_starts_anew_each_time_keeps_no_thread():
    with pytest.raises(InvalidRequestError, match="beam starts anew each time and keeps no thread; choose once"):
        check_thread(Beam(2))


@pytest.mark.parametrize("policy", ["adadec", "sample"])
def test_beam_search_refuses_a_policy_that_it_would_not_follow(policy):
    with pytest.raises(InvalidRequestError, match="take the policy greedy"):
        Beam(2)(context(policy=policy), TASK)


def test_a_new_strategy_is_one_class_and_one_line(monkeypatch):
    @dataclass(frozen=True, slots=True)
    class First(Strategy):
        def __call__(self, context, task, session=ALONE):
            return "first"

    monkeypatch.setitem(STRATEGIES, "first", First)
    assert build_strategy("first", StrategyOptions())(context(), TASK) == "first"
    assert name_of(First) == "first" and choose_policy_name(None, First, POLICIES) == "adadec"
    with pytest.raises(InvalidRequestError, match="--programs does not go with first; leave it out"):
        build_strategy("first", StrategyOptions(programs=2))


OPTIONS = {
    "programs": (1, 9),
    "budget": ("tokens=2", "tokens=9"),
    "order": ("blame", "learned"),
    "min_probability": (0.1, 0.9),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_heeds_each_option_that_it_takes(name):
    for option in STRATEGIES[name].options:
        made = []
        for value in OPTIONS[option]:
            with suppress(InvalidRequestError):  # once takes programs, but no other number than 1
                made.append(build_strategy(name, StrategyOptions(**{option: value})))
        assert made[0] not in made[1:], f"{name} ignores {option}"


# Options of the command line


def test_options_make_strategies():
    def built(name, **options):
        return build_strategy(name, StrategyOptions(**options))

    assert built("once") == built("once", programs=1) == Once()
    assert (built("best-of"), built("best-of", programs=7)) == (BestOf.within(5), BestOf.within(7))
    assert (built("beam"), built("beam", programs=2)) == (Beam(3), Beam(2))
    assert built("tree") == Tree.within(20)
    bounded = built("tree", programs=5, budget="tokens=300", order="blame")
    assert (bounded.config.budget, bounded.config.order) == (Budget(programs=5, tokens=300), "blame")
    assert built("tree", budget="programs=2").config.budget == Budget(programs=2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "forest"}, "unknown strategy 'forest'; choose from once, best-of, best-of-repaired, beam, tree"),
        ({"name": "once", "programs": 2}, "once writes one program, and 2 were wanted"),
        (
            {"name": "best-of", "budget": "tokens=9"},
            "--budget does not go with best-of; .* choose --strategy tree",
        ),
        ({"name": "beam", "order": "blame"}, "--order does not go with beam"),
        ({"name": "once", "min_probability": 0.5}, "--min-probability does not go with once"),
        (
            {"name": "tree", "programs": 2, "budget": "programs=3"},
            "2 programs came, and the budget names",
        ),
    ],
)
def test_an_option_that_does_not_go_with_a_strategy_is_refused(options, sentence):
    name = options.pop("name")
    with pytest.raises(InvalidRequestError, match=sentence):
        build_strategy(name, StrategyOptions(**options))


def test_half_of_the_tokens_go_into_repairs():
    result = STRATEGIES["best-of-repaired"].within(6)(context(policy="sample"), TASK)
    kinds = [attempt.edge.kind if attempt.edge else "first" for attempt in result.attempts]
    assert {"sample", "repair"} <= set(kinds) and "branch" not in kinds


def test_the_adaptive_search_goes_deeper_and_wider():
    result = STRATEGIES["adaptive"].within(8)(context(), TASK)
    assert {"branch", "sample"} <= {attempt.edge.kind for attempt in result.attempts if attempt.edge}
