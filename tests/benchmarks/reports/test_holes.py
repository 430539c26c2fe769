"""The report of a calibration says where problems that it did not see contradict it."""

import pytest

from agent.program.hole_calibration import HoleCalibration, WayOfWriting
from benchmarks.experiments.hole_labels import Chosen, LabelledProgram
from benchmarks.reports.holes import report_holes
from uncertainty.prediction_set import PartialProgram

WAY = WayOfWriting("greedy", "dubito 0123", "float32", 64)
CALIBRATION = HoleCalibration(0.1, 0.05, (0.5,), (0,), (0.2,), 60, "behavioural", WAY, "abc")
CHOSEN = Chosen(row=0, holes=1, place=0, errors=0, removed=0.2)


def labelled(contained: bool) -> LabelledProgram:
    return LabelledProgram(
        "t/1", {1: [PartialProgram("x = 1", ((0, 1),), 1, 5, 0.0)]}, lambda partial: contained, right=False
    )


@pytest.mark.parametrize(("contained", "contradicts"), [(20, True), (35, False), (40, False)])
def test_a_share_below_what_was_promised_is_said_where_chance_does_not_explain_it(contained, contradicts):
    tested = [labelled(number < contained) for number in range(40)]
    text = report_holes(CALIBRATION, [CHOSEN], tested).text
    assert ("With 1 hole, fewer than 90% of the test problems can be completed" in text) == contradicts
    assert f"{contained} of 40" in text
