"""The speed table: each line is about what it says. Its numbers are for a quiet machine, and no test looks at them."""

from dataclasses import replace

import pytest
import torch
from text_model import byte_model

from agent.decoding import POLICIES
from agent.decoding.gates import Gate
from agent.lm.hf.int8 import has_int8
from benchmarks.speed.bench import Bench, pause_at_random, pin_one_thread, time_completion
from benchmarks.speed.decoding import measure, measure_drafts
from benchmarks.speed.peak_memory import peak_memory
from benchmarks.speed.rival import complete_as_authors
from benchmarks.speed.uncached import Uncached


@pytest.fixture(scope="module")
def bench():
    return Bench(byte_model(sharpness=8.0, context=400).lm.model, tokens=8, rounds=1)


def test_every_line_is_measured_on_any_model(bench):
    rows = list(measure(bench))
    assert len(rows) == 12
    measured = [row for row in rows if not row.measured.startswith("not measured: the package adadec")]
    assert all(row.measured.lstrip("-")[0].isdigit() for row in measured), rows  # it may be below zero here
    assert "the same tokens" in rows[0].measured and "the same tokens" in rows[5].measured, "float64 has no near-ties"


def test_bf16_on_a_cpu_is_timed_with_int8_weights_too():
    model = byte_model(sharpness=8.0, context=400).lm.model.bfloat16()
    rows = list(measure(Bench(model, tokens=8, rounds=1), "int8"))
    assert [row.measure.split(",")[0].split(":")[0] for row in rows] == ["greedy", *["int8"] * 5]
    assert rows[0].measured.endswith(" x") and not has_int8(model), "the model is given back as it was"
    assert all("the same tokens" in row.measured for row in rows[-3:]), "whoever shares a forward"


def test_the_authors_code_writes_what_ours_writes_from_the_same_pauses(bench):
    pytest.importorskip("adadec", reason="needs adadec (pip install 'dubito[dev]')")
    prompt = bench.prompt(20)
    theirs = complete_as_authors(bench.model, prompt, 8, 1.0)
    policy = replace(POLICIES["adadec-reference"], gate=Gate("entropy", 1.0))
    assert theirs.tokens == bench.run(policy, prompt=prompt).tokens
    assert complete_as_authors(bench.model, prompt, 8, float("inf")).tokens == bench.run(prompt=prompt).tokens


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA, where seconds are those of CPUs")
def test_cpu_seconds_are_those_of_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert (pin_one_thread(), torch.get_num_threads()) == ("CPU seconds of one thread", 1)
    finally:
        torch.set_num_threads(before)


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
        == time_completion(byte_model(sharpness=8.0, context=400).lm, POLICIES["greedy"], bench.prompt(), 8).tokens
    )
