"""A real model of the shelf opens, and does what real models do."""

import json
from itertools import islice
from pathlib import Path

import pytest

from agent.decoding import POLICIES, decode
from agent.decoding.stops import end_token
from agent.lm import open_lm
from agent.lm.hf.load import load_tokenizer
from agent.lm.names import digest_weights, find_shelf_model


@pytest.mark.real
def test_a_real_model_opens_and_continues_a_function(real_model):
    model = open_lm(real_model, weights="bf16", prompt_style="completion")
    ids = model.tokenizer.encode('def double(x):\n    """Return twice x."""\n    return')
    steps = decode(
        model.lm, ids, POLICIES["greedy"], stop=end_token(model.tokenizer.end_ids), text=model.tokenizer.stream(ids)
    )
    assert "".join(step.text for step in islice(steps, 5)).replace(" ", "").startswith(("x*2", "2*x"))


@pytest.mark.real
def test_a_real_model_is_the_shelfs_and_ends_turns_and_texts(real_model):
    entry = find_shelf_model(real_model)
    assert entry is not None, "its folder says from which file it was made"
    tokenizer = load_tokenizer(real_model, 151_936)
    ends = {tokenizer.convert_tokens_to_ids(text) for text in ("<|im_end|>", "<|endoftext|>")}
    config = json.loads(Path(real_model, "generation_config.json").read_text())
    assert set(config["eos_token_id"]) == ends
    assert digest_weights(real_model) == entry.sha256[:12]
    assert tokenizer.convert_tokens_to_ids("<|fim_prefix|>") == 151_659
