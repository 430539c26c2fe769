"""Make models with random weights in the shape of known ones, to measure time. What they write means nothing."""

from __future__ import annotations

from typing import Any

import torch


def make_qwen(device: str, dtype: torch.dtype = torch.bfloat16, *, seed: int = 0) -> Any:
    """Return a Qwen2 of 0.5 B parameters with random weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=151_936, hidden_size=896, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
        intermediate_size=4_864, tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = Qwen2ForCausalLM._from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    return model.eval().to(device)
