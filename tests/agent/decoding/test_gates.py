"""Gates say where to pause: by a score, by chance, or where a line begins."""

import math

import pytest
import torch

from agent.decoding import Gate
from agent.decoding.gates import LineStartGate, RandomGate


def test_a_gate_measures_by_its_score():
    assert Gate("entropy", 1.0).uncertainty(torch.zeros(8)) == pytest.approx(math.log(8))


def test_a_gate_pauses_at_its_threshold_and_an_infinite_one_never():
    assert [Gate("entropy", 1.0).pauses_at(u, 0, "") for u in (0.99, 1.0, 1.01)] == [False, True, True]
    assert not Gate("entropy", math.inf).pauses_at(1e300, 0, "")


@pytest.mark.parametrize(
    ("text", "begins"),
    [("\n", True), ("\n    ", True), ("x = 1\n\t", True), ("", False), ("    ", False), ("\n    x", False)],
)
def test_a_line_start_gate_pauses_before_the_first_code_of_a_line_alone(text, begins):
    gate = LineStartGate("entropy", 1.0)
    assert gate.pauses_at(1.5, 3, text) is begins
    assert not gate.pauses_at(0.5, 3, text)


def test_a_random_gate_pauses_at_its_share_of_positions_whatever_the_score():
    gate = RandomGate("entropy", 1.0, rate=0.2, seed=5)
    pauses = [position for position in range(5_000) if gate.pauses_at(0.0, position, "")]
    assert abs(len(pauses) - 1_000) < 100
    assert pauses == [position for position in range(5_000) if gate.pauses_at(9.9, position, "")]
    assert pauses != [position for position in range(5_000) if gate.pauses_at(0.0, position, "x")]
    assert pauses != [p for p in range(5_000) if RandomGate("entropy", 1.0, rate=0.2, seed=6).pauses_at(0.0, p, "")]
    assert gate.reason(0.1) == "one of 20.0% drawn positions"
