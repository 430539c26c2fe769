"""Int8 weights of a real model: near its own, and the same with a cache as without."""

import pytest

from agent.lm import open_lm
from agent.lm.fidelity import LEAST_AGREEMENT, MOST_KL, read_fidelity
from agent.lm.hf.model import HFLM
from agent.lm.names import digest_weights
from benchmarks.speed.uncached import Uncached

PROMPT = 'def total(xs: list[int]) -> int:\n    """Return the sum of the even numbers in xs."""\n    return sum('


@pytest.mark.real
def test_auto_takes_int8_on_a_cpu_and_its_tokens_need_no_cache(real_model, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    model = open_lm(real_model, device="cpu")
    seen = read_fidelity(digest_weights(real_model))
    assert model.dtype == "int8" and seen.kl <= MOST_KL / 2 and seen.agreement >= LEAST_AGREEMENT
    slow, ids = Uncached(model.lm.model), model.tokenizer.encode(PROMPT)
    prefix = model.lm.prefill(ids)
    for _ in range(12):
        token = int(prefix.logits.argmax())
        prefix = model.lm.extend(prefix, (token,))
        for again in (HFLM(model.lm.model).prefill(prefix.ids), slow.prefill(prefix.ids)):
            logp, other = prefix.logits.log_softmax(-1), again.logits.log_softmax(-1)
            kl = float((logp.exp() * (logp - other)).sum())
            assert kl <= 0.02, f"after {len(prefix.ids) - len(ids)} tokens: {kl}"
