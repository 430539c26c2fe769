"""Open a model by name: import its backend only then."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from agent.lm.fidelity import FEWEST_PARAMETERS
from agent.lm.hf.hub import WEIGHTS
from agent.lm.names import BACKENDS, find_model_folder, parse_spec

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


@cache
def settle_dtype(spec: str, *, device: str | None = None, weights: str = "auto") -> str:
    """Return what a run records of its weights: a dtype, `int8`, or `auto` for the checkpoint's own.

    Where the weights are `auto` and the model is large, it is loaded: only then its device and a trial can tell.
    """
    if weights != "auto":
        return "int8" if weights == "int8" else WEIGHTS[weights]
    is_int8 = _may_be_large(spec) and open_lm(spec, device=device).dtype == "int8"
    return "int8" if is_int8 else "auto"


def _may_be_large(spec: str) -> bool:
    """Decide by the files of a local model whether it may have so many parameters, of two bytes each."""
    files = list(find_model_folder(spec).glob("*.safetensors"))
    return not files or sum(file.stat().st_size for file in files) >= 2 * FEWEST_PARAMETERS
