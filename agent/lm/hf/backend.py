"""Open a model of transformers: the one function that the rest of the project calls."""

from __future__ import annotations

from agent.errors import ModelLoadError
from agent.lm.base import Model
from agent.lm.hf.chat import expects_turns, parse_prompt_format
from agent.lm.hf.load import explain_load_errors, load_model, load_tokenizer
from agent.lm.hf.model import HFLM
from agent.lm.hf.tokenizer import HFTokenizer, read_end_ids
from agent.lm.hf.trial import is_causal
from agent.lm.names import EMBEDDED, digest_weights, find_embedded_model


def open_model(name: str, *, device: str | None, dtype: str, prompt_format: str) -> Model:
    """Load a folder or a hub id, and its tokenizer. Raises ModelLoadError, DeviceError."""
    chosen_format = parse_prompt_format(prompt_format)
    lm = open_decoder(name, device=device, dtype=dtype)
    vocab_size = lm.model.config.get_text_config().vocab_size
    tokenizer = load_tokenizer(_place(name), vocab_size)
    if tokenizer is None:
        raise ModelLoadError(
            f"the model {name!r} has no tokenizer beside it, and text is wanted; save one there with save_pretrained"
        )
    end_ids = read_end_ids(lm.model, tokenizer)
    return Model(
        lm,
        HFTokenizer(tokenizer, end_ids, vocab_size),
        name,
        digest=digest_weights(name),
        revision=getattr(lm.model.config, "_commit_hash", None),
        device=str(lm.model.device),
        dtype=str(lm.model.dtype).removeprefix("torch."),
        prompt_format="chat" if expects_turns(chosen_format, tokenizer, end_ids) else "completion",
    )


def open_decoder(name: str, *, device: str | None = None, dtype: str = "auto") -> HFLM:
    """Load a model for token ids alone; dtype `auto` is its checkpoint's. Raises ModelLoadError, DeviceError."""
    lm = HFLM(load_model(_place(name), device=device, dtype=dtype))
    with explain_load_errors(f"load the model {name!r}"):
        if not is_causal(lm):
            raise ValueError("what it says of a token depends on the tokens behind it, so it is no decoder")
    return lm


def _place(name: str) -> str:
    """Return what transformers loads: the embedded model is found from any working folder."""
    return str(find_embedded_model()) if name == EMBEDDED else name
