"""Open a model by name: import its backend only then."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from agent.lm.names import BACKENDS, parse_spec

if TYPE_CHECKING:
    from agent.lm.base import Model


def open_lm(spec: str, *, device: str | None = None, weights: str = "auto", prompt_style: str = "auto") -> Model:
    """Load a model and its tokenizer.

    spec: a short name of the shelf, a folder, a GGUF file or a hub id, with the backend before it or not, as in
    `models/tiny` and `hf:Qwen/Qwen2.5-Coder-0.5B`.
    device: None for CUDA where there is one. weights: `int8`, `bf16`, `fp16`, `fp32`, or `auto` for the checkpoint's
    own, and for int8 if the model is large, runs on a CPU, and a trial finds hardly any difference. prompt_style:
    a key of PROMPT_STYLES, or `auto`, which decides by the shelf and the model's files. Raises InvalidRequestError,
    ModelLoadError, DeviceError.
    """
    backend, name = parse_spec(spec)
    module, _, function = BACKENDS[backend].partition(":")
    model: Model = getattr(import_module(module), function)(
        name, device=device, weights=weights, prompt_style=prompt_style
    )
    return model
