"""Int8 weights of a real model: near its own, and the same tokens with a cache as without."""

import pytest

from agent.lm import open_lm
from agent.lm.fidelity import MOST_KL, read_fidelity
from agent.lm.hf.model import HFLM
from agent.lm.names import digest_weights
from benchmarks.speed.uncached import Uncached

PROMPT = 'def total(xs: list[int]) -> int:\n    """Return the sum of the even numbers in xs."""\n    return sum('


GAP = 0.25  # between the two largest logits: bf16 rounds logits of 16 to 32 to an eighth


@pytest.mark.real
def test_auto_takes_int8_on_a_cpu_and_its_tokens_need_no_cache(real_model, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    model = open_lm(real_model, device="cpu")
    measured = read_fidelity(digest_weights(real_model))
    assert model.dtype == "int8" and measured is not None and measured.suffices
    slow, ids = Uncached(model.lm.model), model.tokenizer.encode(PROMPT)
    prefix, divergences, clear = model.lm.prefill(ids), list[float](), 0
    for _ in range(12):
        prefix = model.lm.extend(prefix, (int(prefix.logits.argmax()),))
        token, (first, second) = int(prefix.logits.argmax()), prefix.logits.topk(2).values.tolist()
        for again in (HFLM(model.lm.model).prefill(prefix.ids), slow.prefill(prefix.ids)):
            logp, other = prefix.logits.log_softmax(-1), again.logits.log_softmax(-1)
            divergences.append(float((logp.exp() * (logp - other)).sum()))
            assert first - second <= GAP or int(again.logits.argmax()) == token
        clear += first - second > GAP
    assert clear >= 6, "most tokens were compared"
    assert max(divergences) <= MOST_KL / 3, "rounding moves each less than int8 weights may move them on average"
