"""Experiments are sound data: each arm can be run, and a name means one arm everywhere."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from results import OUTCOME
from text_model import byte_model

from agent.decoding import POLICIES
from agent.profile import ModelProfile
from agent.program.task import read_task
from agent.search.budget import Budget
from agent.strategies import Beam, Once, Tree
from agent.workflow.context import Context
from benchmarks.cli.results import PLOT_AXES
from benchmarks.experiments.arms import BOUNDS, EXPERIMENTS, Arm, bounded, bounds_of
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.experiments.runner import settle
from benchmarks.reports.plots import AXES
from sandbox import Verdict

TASK = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(1 + 0)\n    2\n    """')
ARMS = {name: arm for experiment in EXPERIMENTS.values() for name, arm in experiment.arms.items()}
MATCHED = [replace(OUTCOME, prompt_sha256=digest_prompt(TASK.request))]


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
def test_an_experiment_names_its_arms_its_axis_and_what_they_match(experiment):
    assert experiment.question.endswith("?") and len(experiment.arms) > 1
    assert not experiment.plot_axis or experiment.plot_axis in AXES
    for name, arm in experiment.arms.items():
        assert arm == ARMS[name], f"{name} is another arm elsewhere, and both would have one file"
        assert arm.match is None or experiment.arms[arm.match.arm].match is None


def test_every_policy_is_an_arm_and_every_arm_runs():
    profile = ModelProfile("m", edge_weights={"path": 1.0})
    box = ScriptedSandbox(lambda program: Verdict.PASSED, value=2)
    model, policies = byte_model(sharpness=8.0), set()
    for name, arm in ARMS.items():
        policy, strategy = settle(arm, MATCHED if arm.match else ())
        result = strategy(Context(model, policy, box, max_tokens=6, profile=profile), TASK)
        assert result.best.program.startswith("def f(x)"), name
        policies.add(arm.policy)
    assert set(POLICIES) <= policies


def test_an_arm_may_have_a_threshold_of_its_own():
    assert settle(Arm("adadec", threshold=0.25))[0].gate.threshold == 0.25
    assert settle(Arm("adadec"))[0] == POLICIES["adadec"]


def test_an_arm_matches_the_cost_or_the_pause_rate_of_another():
    _, equal = settle(ARMS["best-of-equal"], MATCHED)
    assert equal.token_rows == {MATCHED[0].prompt_sha256: OUTCOME.token_rows}
    by_chance, strategy = settle(ARMS["adadec-by-chance"], MATCHED)
    assert (by_chance.gate.rate, strategy) == (OUTCOME.pauses / OUTCOME.tokens, Once())


def test_a_budget_bounds_a_tree_and_leaves_what_it_does_not_name():
    assert bounded(Tree.within(5), "tokens=300").config.budget == Budget(programs=5, tokens=300)
    assert bounded(Beam(3), "tokens=300") == Beam(3) and bounded(Tree.within(5), None) == Tree.within(5)


def test_the_axes_that_help_names_are_those_of_the_plots():
    assert tuple(AXES) == PLOT_AXES


def test_a_split_has_the_bounds_of_its_benchmark():
    assert bounds_of("exercises/far") == bounds_of("exercises") == BOUNDS["exercises"]
    assert bounds_of("HumanEval").max_tokens == 128
