"""Open a model by name: import its backend only then."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from agent.lm.names import BACKENDS, parse_spec

if TYPE_CHECKING:
    from agent.lm.base import Model


def open_lm(spec: str, *, device: str | None = None, dtype: str = "auto", prompt_format: str = "auto") -> Model:
    """Load a model and its tokenizer.

    spec: a folder or a hub id, with the backend before it or not: `models/tiny`, `hf:Qwen/Qwen2.5-Coder-0.5B`.
    device: None for CUDA where there is one. dtype: `auto` for the checkpoint's own. prompt_format: `chat`,
    `completion`, or `auto`, which decides by the model's files. Raises InvalidRequestError,
    ModelLoadError, DeviceError.
    """
    backend, name = parse_spec(spec)
    module, _, function = BACKENDS[backend].partition(":")
    model: Model = getattr(import_module(module), function)(
        name, device=device, dtype=dtype, prompt_format=prompt_format
    )
    return model
