"""A random model that reads and writes bytes: enough text for the workflow, no weights, no meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.lm.base import Model
from agent.lm.hf.model import HFLM
from agent.lm.hf.tokenizer import HFTokenizer


def byte_tokenizer() -> Any:
    """Return a tokenizer of single bytes and one end token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: index for index, character in enumerate(["<end>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


def byte_model(*, seed: int = 0, sharpness: float = 12.0, context: int = 2048) -> Model:
    """Return a random float64 Llama over bytes; sharper means fewer doubts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=257, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, bos_token_id=None, eos_token_id=0, pad_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM._from_config(config, dtype=torch.float64)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data.mul_(6.0)
    model.get_output_embeddings().weight.data.mul_(sharpness)
    return Model(HFLM(model), HFTokenizer(byte_tokenizer(), frozenset({0}), 257), "bytes", dtype="float64")


def save(model: Model, folder: Path) -> None:
    """Write the weights, as float32, and the tokenizer into a folder."""
    model.lm.model.float().save_pretrained(folder)
    model.tokenizer.tokenizer.save_pretrained(folder)


def byte_fallback_tokenizer(kind: str) -> Any:
    """Return a tokenizer that spells characters it does not know as bytes, as Llama 2's, Gemma's and T5's do."""
    from tokenizers import Tokenizer, decoders, models

    vocabulary = {token: index for index, token in enumerate(["<unk>", "</s>"])}
    vocabulary |= {f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)}
    for word in ("a", "b", "x", "\u2581", "\u2581a", "\u2581def", "ab", "\u00e9", "\u2581\u2581"):
        vocabulary[word] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True, unk_token="<unk>"))
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    if kind == "llama-2":
        steps.append(decoders.Strip(" ", 1, 0))
    if kind == "metaspace":
        steps = [decoders.ByteFallback(), decoders.Metaspace()]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens(["</s>"])
    return tokenizer
