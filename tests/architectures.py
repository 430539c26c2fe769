"""Tiny models with random weights, one for each kind of cache and position that causal LMs have."""

from __future__ import annotations

import os
from typing import Any

VOCAB = 64
DEVICE = os.environ.get("DUBITO_TEST_DEVICE", "cpu")  # where the laws of the model layer are to hold
SMALL = {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
UNTIED = {"tie_word_embeddings": False}
MLP = {**UNTIED, "intermediate_size": 48, "max_position_embeddings": 256, "num_key_value_heads": 2}
IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}

ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {**SMALL, **MLP}),
    "qwen2": ("Qwen2", {**SMALL, **MLP}),
    "qwen3": ("Qwen3", {**SMALL, **MLP, "head_dim": 8}),
    "mistral": ("Mistral", {**SMALL, **MLP, "sliding_window": None}),
    "mistral-window": ("Mistral", {**SMALL, **MLP, "sliding_window": 8}),
    "gemma3": (
        "Gemma3Text",
        {**SMALL, **MLP, "head_dim": 8, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    "gpt2": (
        "GPT2",
        {"vocab_size": VOCAB, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, **UNTIED},
    ),
    "gpt-neo": (  # its windows count cache places, and no layer of the cache knows them
        "GPTNeo",
        {"vocab_size": VOCAB, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": 8,
         "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 256, **UNTIED},
    ),
    "mixtral": ("Mixtral", {**SMALL, **MLP, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen3-next": (
        "Qwen3Next",
        {
            **SMALL, **MLP, "layer_types": ["linear_attention", "full_attention"], "head_dim": 8,
            "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
            "shared_expert_intermediate_size": 16, "linear_num_value_heads": 4, "linear_num_key_heads": 2,
            "linear_key_head_dim": 8, "linear_value_head_dim": 8,
        },
    ),
    "mamba": ("Mamba", {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}),
}  # fmt: skip

MORE: dict[str, tuple[str, dict[str, Any]]] = {  # for `make oracles` and `make test-slow`: further positions and caches
    "bamba": (
        "Bamba",
        {
            **SMALL, **MLP, "attn_layer_indices": [1], "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1,
            "mamba_d_state": 8,
        },
    ),
    "bloom": ("Bloom", {"vocab_size": VOCAB, "hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "deepseek-v3": (
        "DeepseekV3",
        {
            **SMALL, **MLP, "num_key_value_heads": 4, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1,
            "topk_group": 1, "n_shared_experts": 1, "moe_intermediate_size": 16, "first_k_dense_replace": 1,
        },
    ),
    "falcon-alibi": ("Falcon", {**SMALL, "alibi": True}),
    "gpt-oss": (
        "GptOss",
        {**SMALL, **MLP, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8},
    ),
    "lfm2": ("Lfm2", {**SMALL, **MLP, "layer_types": ["conv", "full_attention"]}),
    "mpt": ("Mpt", {"vocab_size": VOCAB, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 256}),
    "opt": ("OPT", {**SMALL, "ffn_dim": 48, "max_position_embeddings": 256, "word_embed_proj_dim": 32, **UNTIED}),
    "starcoder2-window": ("Starcoder2", {**SMALL, **MLP, "sliding_window": 8}),
}  # fmt: skip


def make(name: str, *, seed: int = 0) -> Any:
    """Return a float64 model of this architecture, the same weights for the same seed."""
    import torch
    import transformers

    family, options = {**ARCHITECTURES, **MORE}[name]
    config = getattr(transformers, f"{family}Config")(**options, **IDS)
    config._experts_implementation = "eager"  # the grouped kernel has no float64
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        suffix = "LMHeadModel" if family == "GPT2" else "ForCausalLM"
        cls = getattr(transformers, f"{family.removesuffix('Text')}{suffix}")
        model = cls._from_config(config, dtype=torch.float64)
        for parameter in model.parameters():  # wider than the usual initialisation, so that doubt comes and goes
            if parameter.dim() > 1:
                parameter.data.mul_(6.0)
        model.get_output_embeddings().weight.data.mul_(8.0)
    return model.to(DEVICE).eval()
