"""A real model of the shelf opens, and does what real models do."""

import time
from itertools import islice

import pytest

from agent.decoding import POLICIES, decode
from agent.decoding.stops import end_token
from agent.lm import open_lm


@pytest.mark.real
def test_a_real_model_opens_within_seconds_and_continues_a_function(real_model):
    started = time.monotonic()
    model = open_lm(real_model, prompt_style="completion")
    assert time.monotonic() - started < 10
    ids = model.tokenizer.encode('def double(x):\n    """Return twice x."""\n    return')
    steps = decode(
        model.lm, ids, POLICIES["greedy"], stop=end_token(model.tokenizer.end_ids), text=model.tokenizer.stream(ids)
    )
    assert "".join(step.text for step in islice(steps, 5)).replace(" ", "").startswith(("x*2", "2*x"))
