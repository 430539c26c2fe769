"""A finished draft has holes at the calibrated tau where a calibration fits, and says why where none does."""

from dataclasses import replace

import pytest
from trie import TrieLM

from agent.decoding import POLICIES
from agent.profile import ModelProfile
from agent.program.hole_calibration import Guarantee, HoleCalibration
from agent.program.task import read_task
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.workflow.context import Context, way_of_writing
from agent.workflow.run import run_task
from sandbox import open_sandbox

PROMPT = 'def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(2)\n    3\n    """'
RIGHT_FIRST = {"\n    return x + 1": 0.6, "\n    return x - 1": 0.4}
WRONG_FIRST = {"\n    return x - 1": 0.6, "\n    return x + 1": 0.4}


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def write(
    box, change=lambda calibration: calibration, *, tau=None, holes=2, programs=1, known=RIGHT_FIRST, name="exercises/1"
):
    context = Context(TrieLM(known).model(), POLICIES["greedy"], box, tau=tau, max_holes=holes)
    calibration = HoleCalibration(
        0.1, 0.05, (0.7, 0.2), (0, 0), (0.2, 0.1), 60, "behavioural", way_of_writing(context), "abc",
        {"problems": "exercises/calibration"},
    )  # fmt: skip
    context = replace(context, profile=ModelProfile("m", holes=change(calibration)))
    return run_task(
        context, read_task(PROMPT, entry_point="f", name=name), config=SearchConfig(Budget(programs), repair_after=0)
    )


def test_a_profile_of_other_weights_is_named_where_no_hole_sets_were_calibrated(box):
    profile = ModelProfile("m", passed_over="m-0123.json")
    context = Context(TrieLM(RIGHT_FIRST).model(), POLICIES["greedy"], box, profile=profile)
    answer = run_task(context, read_task(PROMPT, entry_point="f"), config=SearchConfig(Budget(1), repair_after=0))
    assert answer.best.guarantee.missing.startswith("'m-0123.json' holds for other weights, and no hole-sets")


def test_the_calibrated_tau_of_the_number_of_holes_is_taken(box):
    # The "+" costs -ln 0.6, which is more than -ln 0.7 and less than -ln 0.2.
    one, two = write(box, holes=1).best, write(box, holes=2).best
    assert (one.partial, two.partial) == (f"{PROMPT}\n    return ...", f"{PROMPT}\n    return x + 1")
    assert one.guarantee == two.guarantee == Guarantee(0.95, 0.9, "exercises/calibration")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda calibration: None, "no hole-sets were calibrated for this model; `dubito calibrate holes` does"),
        (lambda calibration: replace(calibration, taus=(None, None)), "nothing was shown for 2 holes"),
        (
            lambda calibration: replace(calibration, way=replace(calibration.way, policy="adadec")),
            "the calibration is of policy adadec, and this run has greedy",
        ),
    ],
)
def test_without_a_calibration_that_fits_nothing_is_guaranteed_and_the_reason_is_said(box, change, missing):
    assert write(box, change).best.guarantee == Guarantee(missing=missing)


def test_a_tau_that_was_asked_for_is_taken_and_has_no_guarantee(box):
    best = write(box, tau=0.9).best
    assert "..." in best.partial.removeprefix(PROMPT) and best.guarantee == Guarantee(missing="tau was chosen by hand")


def test_a_first_program_has_its_guarantee_whatever_its_examples_say_and_a_branch_has_none(box):
    first, branch = write(box, programs=2, known=WRONG_FIRST).attempts[:2]
    assert not first.passed and first.guarantee.confidence == 0.95
    assert branch.passed and "it was not the first program" in branch.guarantee.missing


def test_no_more_holes_are_made_than_the_tau_was_shown_for(box):
    best = write(box, lambda calibration: replace(calibration, taus=(0.7, None)), holes=2).best
    assert (len(best.holes), best.guarantee.confidence) == (1, 0.95)
    assert best.partial == f"{PROMPT}\n    return ..."


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("your sentence", "the calibration is of problems of exercises/calibration, and says nothing of others"),
        ("HumanEval/0", "the calibration is of problems of exercises/calibration, and says nothing of others"),
        ("exercises/calibration/3", "the calibration is of exercises/calibration, and may have seen this problem"),
    ],
)
def test_nothing_is_promised_of_problems_from_elsewhere_and_the_holes_stay(box, name, missing):
    here, elsewhere = write(box).best, write(box, name=name).best
    assert (elsewhere.guarantee.confidence, elsewhere.guarantee.missing) == (0.0, missing)
    assert elsewhere.holes == here.holes
