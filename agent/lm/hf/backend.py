"""Open a model of transformers: the one function that the rest of the project calls."""

from __future__ import annotations

import logging
from typing import Any

import torch

from agent.errors import ModelLoadError
from agent.lm.base import Model
from agent.lm.fidelity import FEWEST_PARAMETERS, keep_fidelity, read_fidelity
from agent.lm.hf.chat import choose_style
from agent.lm.hf.hub import find_place
from agent.lm.hf.int8 import find_linear, has_int8, use_int8
from agent.lm.hf.load import explain_load_errors, load_model, load_tokenizer
from agent.lm.hf.model import HFLM
from agent.lm.hf.tokenizer import HFTokenizer, read_end_ids
from agent.lm.hf.trial import is_causal, try_int8
from agent.lm.names import digest_weights, find_shelf_model
from agent.program.styles import AUTO, check_style

_logger = logging.getLogger(__name__)
_TRIAL_TEXT = '''\
def merge_intervals(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge the intervals that overlap, and return them in ascending order.

    >>> merge_intervals([(5, 8), (1, 3), (2, 4)])
    [(1, 4), (5, 8)]
    """
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


class Counter:
    """Count words without regard to their case."""

    def __init__(self):
        self.counts = {}

    def add(self, word):
        key = word.lower()
        self.counts[key] = self.counts.get(key, 0) + 1
'''


def open_model(name: str, *, device: str | None, weights: str, prompt_style: str) -> Model:
    """Load a model and its tokenizer. Raises InvalidRequestError, ModelLoadError, DeviceError."""
    check_style(prompt_style)
    lm = open_decoder(name, device=device, weights=weights)
    vocab_size = lm.model.config.get_text_config().vocab_size
    tokenizer = load_tokenizer(find_place(name), vocab_size)
    if tokenizer is None:
        raise ModelLoadError(
            f"the model {name!r} has no tokenizer beside it, and text is wanted; save one there with save_pretrained"
        )
    if weights == "auto":
        _choose_int8(lm, name, tokenizer)
    end_ids = read_end_ids(lm.model, tokenizer)
    shelf_model = find_shelf_model(name)
    if prompt_style == AUTO and shelf_model:
        prompt_style = shelf_model.prompt_style
    return Model(
        lm,
        HFTokenizer(tokenizer, end_ids, vocab_size),
        name,
        digest=digest_weights(name),
        revision=getattr(lm.model.config, "_commit_hash", None),
        device=str(lm.model.device),
        dtype="int8" if has_int8(lm.model) else str(lm.model.dtype).removeprefix("torch."),
        prompt_style=choose_style(prompt_style, tokenizer, end_ids),
    )


def open_decoder(name: str, *, device: str | None = None, weights: str = "auto") -> HFLM:
    """Load a model for token ids alone; weights `auto` are its checkpoint's. Raises ModelLoadError, DeviceError."""
    lm = HFLM(load_model(find_place(name), device=device, weights=weights))
    with explain_load_errors(f"load the model {name!r}"):
        if not is_causal(lm):
            raise ValueError("what it says of a token depends on the tokens behind it, so it is no decoder")
    return lm


def _choose_int8(lm: HFLM, name: str, tokenizer: Any) -> None:
    """Give a large bf16 model on a CPU int8 weights if they come near enough to its own, by a trial the first time.

    fp16 and fp32 models keep theirs: with such activations the kernel for int8 weights is slower than none.
    """
    model, key = lm.model, digest_weights(name) or name
    if model.device.type != "cpu" or model.dtype != torch.bfloat16 or model.num_parameters() < FEWEST_PARAMETERS:
        return
    if not find_linear(model):
        return
    fidelity = read_fidelity(key)
    if fidelity is None:
        _logger.info("trying int8 weights, once, which takes some seconds")
        keep_fidelity(key, try_int8(lm, name, tokenizer(_TRIAL_TEXT)["input_ids"]))
    elif fidelity.suffices:
        use_int8(model)
