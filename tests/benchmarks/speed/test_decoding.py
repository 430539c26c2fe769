"""The speed table: each line is about what it says. Its numbers are for a quiet machine, and no test looks at them."""

import pytest
import torch
from text_model import byte_model

from agent.decoding import POLICIES
from benchmarks.speed.bench import Bench, pause_at_random, time_completion
from benchmarks.speed.decoding import measure, measure_drafts
from benchmarks.speed.peak_memory import peak_memory
from benchmarks.speed.uncached import Uncached


@pytest.fixture(scope="module")
def bench():
    return Bench(byte_model(sharpness=8.0, context=320).lm.model, tokens=8, rounds=1)


def test_every_line_is_measured_on_any_model(bench):
    rows = list(measure(bench))
    assert len(rows) == 8
    assert all(row.measured.lstrip("-")[0].isdigit() for row in rows), rows  # what is measured may be below zero here
    assert "the same tokens" in rows[0].measured and "the same tokens" in rows[3].measured, "float64 has no near-ties"


def test_pauses_are_drawn_at_exactly_their_share(bench):
    run = bench.run(pause_at_random("adadec", 0.25, 16, seed=3), tokens=16)
    assert len(run.tokens) == 16
    positions = pause_at_random("adadec", 0.25, 16, seed=3).gate.positions
    assert len(positions) == 4 and positions != pause_at_random("adadec", 0.25, 16, seed=4).gate.positions


def test_a_model_without_cache_writes_the_same_tokens_from_more_token_rows(bench):
    policy = pause_at_random("adadec", 0.25, 8)
    slow = Uncached(bench.model)
    assert (
        time_completion(slow, policy, bench.prompt(20), 8).tokens == bench.run(policy, prompt=bench.prompt(20)).tokens
    )
    assert slow.token_rows > 8 * 20


def test_a_completion_longer_than_the_prompt_can_be_drafted(bench):
    row = measure_drafts(Bench(byte_model(context=1024).lm.model, tokens=210, rounds=1))
    assert row.measured.endswith("forwards)") and "10 of 210 tokens changed" in row.measured


def test_peak_memory_is_that_of_the_call_and_errors_of_the_call_pass_through():
    held = []
    grown = peak_memory(lambda: held.append(torch.zeros(4 * 2**20, dtype=torch.float32).fill_(1.0)))
    if grown is None:
        pytest.skip("this kernel does not say how large a process was")
    assert 12 * 2**20 < grown < 64 * 2**20
    with pytest.raises(OSError, match="mine"):
        peak_memory(lambda: (_ for _ in ()).throw(OSError("mine")))


def test_complete_greedily_is_the_greedy_policy(bench):
    assert (
        bench.complete_greedily().tokens
        == time_completion(byte_model(sharpness=8.0, context=320).lm, POLICIES["greedy"], bench.prompt(), 8).tokens
    )
