"""Load a model and its tokenizer from files that may hold anything. Every failure becomes one sentence.

This module never runs code that comes with a model. It decodes nothing: agent.lm.hf.model does.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from agent.errors import DeviceError, DubitoError, InvalidRequestError, ModelLoadError
from agent.lm.hf.hub import WEIGHTS, WHAT_LOADS, find_folder, find_place, load_nearest
from agent.lm.hf.int8 import MULTIPLE, has_int8, use_int8
from agent.messages import check_choice, first_sentence, flatten

_CUSTOM_CODE = "it brings its own Python code, and code of a model is never run"
_SLACK = 2**28  # numbers that a model may compute besides its weights: masks, tables of positions
_TOKENIZER_FILES = ("tokenizer", "vocab.", "merges.txt", "spiece.model", "sentencepiece", "tekken.json")
_MAX_GROWTH = 64  # factor by which all replacements of a tokenizer together may lengthen a text
_SAMPLE = "def f(x):\n    return x + 1\n"


def load_model(name: str, *, device: str | None = None, weights: str = "auto") -> Any:
    """Load a folder or a hub id onto a device. Raises ModelLoadError, DeviceError, InvalidRequestError."""
    check_choice("weights", weights, WEIGHTS)
    where = _choose_device(device, weights)
    os.environ.setdefault("USE_HUB_KERNELS", "NO")  # kernels that a checkpoint asks for are code
    with explain_load_errors(f"load the model {name!r}"):
        from transformers import AutoConfig, AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
        config = load_nearest(AutoConfig, name)
        _check_config(config)
        _check_size(AutoModelForCausalLM, config, find_folder(name))
        model, report = load_nearest(
            AutoModelForCausalLM, name, dtype=WEIGHTS[weights], output_loading_info=True, ignore_mismatched_sizes=True
        )
        _check_weights(model, report)
        if weights == "int8":
            _use_int8(name, model)
    # cuDNN plans masked attention anew for every length, and decoding has a new length at every step.
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        return model.to(where)
    except (RuntimeError, AssertionError, ImportError, AttributeError, ValueError) as error:
        raise DeviceError(
            f"cannot put the model {name!r} on the device {where!r}: {first_sentence(error)}; try the device cpu"
        ) from error


def _use_int8(name: str, model: Any) -> None:
    """Give a model int8 weights. Raises InvalidRequestError where none of its layers takes them."""
    use_int8(model)
    if not has_int8(model):
        raise InvalidRequestError(
            f"no layer of the model {name!r} takes int8 weights, which need a linear layer with a multiple of "
            f"{MULTIPLE} inputs; choose the weights bf16"
        )


def load_tokenizer(name: str, rows: int) -> Any:
    """Load a model's tokenizer and try it on a line of Python; return None if the folder has none.

    rows: of the model's embedding: the token ids that it knows. Raises ModelLoadError.
    """
    folder = find_folder(name)
    if folder is not None and not any(file.name.startswith(_TOKENIZER_FILES) for file in folder.iterdir()):
        return None
    with explain_load_errors(f"load the tokenizer of {name!r}"):
        from transformers import AutoTokenizer

        tokenizer = load_nearest(AutoTokenizer, name)
        if not hasattr(tokenizer, "backend_tokenizer"):
            raise ModelLoadError(
                f"the tokenizer of {name!r} is a slow one ({type(tokenizer).__name__}); choose a model with a fast "
                "tokenizer, in a tokenizer.json"
            )
        _check_growth(name, tokenizer.backend_tokenizer)
        ids = tokenizer(_SAMPLE)["input_ids"]
        tokenizer.decode(ids)
    if not ids or max(ids) >= rows:
        gives = f"token {max(ids)}, and the model knows {rows} tokens" if ids else "no tokens for a line of Python"
        raise ModelLoadError(f"the tokenizer of {name!r} gives {gives}; choose the one that belongs to the model")
    return tokenizer


def _check_growth(name: str, tokenizer: Any) -> None:
    """Raise ModelLoadError for a tokenizer whose replacements make a text far longer."""
    growth = 1
    for part in (tokenizer.normalizer, tokenizer.decoder):
        for step in _steps(json.loads(part.__getstate__())) if part is not None else ():
            growth *= max(1, len(step.get("content", ""))) if step.get("type") == "Replace" else 1
    if growth > _MAX_GROWTH:
        raise ModelLoadError(
            f"the tokenizer of {name!r} makes a text up to {growth} times as long; choose another model"
        )


def _steps(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the steps of a part of a tokenizer, at any depth."""
    stack = [part]
    while stack:
        match stack.pop():
            case dict(step):
                yield step
                stack += step.values()
            case list(steps):
                stack += steps


def read_vocab_size(name: str) -> int:
    """Read from a model's configuration how many tokens it knows. Raises ModelLoadError."""
    with explain_load_errors(f"load the model {name!r}"):
        from transformers import AutoConfig

        return int(load_nearest(AutoConfig, find_place(name)).get_text_config().vocab_size)


@contextmanager
def explain_load_errors(what: str) -> Iterator[None]:
    """Turn whatever reading strange files raises into ModelLoadError; out of memory becomes DeviceError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # everything that matters to a user is raised or checked
            yield
    except DubitoError:
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise DeviceError(f"cannot {what}: memory ran out; choose a smaller model") from error
    except Exception as error:  # tokenizers raises Exception itself, transformers nearly every other
        raise ModelLoadError(f"cannot {what}: {_explain(error)}; {WHAT_LOADS}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust code raises it
            raise
        raise ModelLoadError(f"cannot {what}: {_explain(error)}; {WHAT_LOADS}") from error


def _explain(error: BaseException) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return "its weights are a pickle that holds more than numbers; wanted safetensors"
    if "trust_remote_code" in str(error):
        return _CUSTOM_CODE
    if isinstance(error, ImportError):
        return f"{flatten(error)} (a package is missing: install it, or choose a model that does without)"
    if isinstance(error, OSError | ValueError) and str(error):
        return first_sentence(error)
    return f"{type(error).__name__} {first_sentence(error)}".strip()


def _choose_device(device: str | None, weights: str) -> str:
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(where).type
    except RuntimeError as error:
        raise InvalidRequestError(
            f"unknown device {where!r}; choose cpu, cuda, cuda:1 or another of torch's"
        ) from error
    if kind == "meta":
        raise InvalidRequestError(
            "the device meta holds no numbers, so nothing can be computed there; choose cpu or cuda"
        )
    if kind != "cpu" and weights == "int8":
        raise InvalidRequestError(
            f"int8 weights are for CPUs, and the device is {where!r}; choose the weights bf16 or the device cpu"
        )
    if kind == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"the device {where!r} was asked for and there is no CUDA here; try the device cpu")
    return where


def _check_config(config: Any) -> None:
    """Raise ValueError for a configuration that wants code from the hub."""
    parts = [config, *(part for part in vars(config).values() if hasattr(part, "to_dict"))]
    implementations = [
        getattr(part, name, None) for part in parts for name in ("_attn_implementation", "_experts_implementation")
    ]
    kernels = [name for name in implementations if isinstance(name, str) and "/" in name]
    if kernels:
        raise ValueError(f"the model wants the kernel {kernels[0]!r} of the hub, and code of a model is never run")


def _check_size(kind: Any, config: Any, folder: Path | None) -> None:
    """Raise ValueError if a folder's config.json asks for far more numbers than its weights hold.

    The check allocates nothing of that size.
    """
    shapes = _read_shapes(folder) if folder is not None else {}
    if not shapes:
        return
    layers = getattr(config.get_text_config(), "num_hidden_layers", 1)
    if not 1 <= layers <= len(shapes):
        raise ValueError(f"its config.json asks for {layers} layers, and its weights are {len(shapes)} tensors")
    with torch.device("meta"):
        empty = kind.from_config(config, trust_remote_code=False)
    asked_for = sum(each.numel() for each in (*empty.parameters(), *empty.buffers()))
    numbers = sum(_product(shape) for shape in shapes.values())
    packed = 32 if getattr(config, "quantization_config", None) else 1  # the most weights in one stored number
    if asked_for > packed * numbers + _SLACK:
        raise ValueError(f"its config.json asks for {asked_for} numbers, and its weights are {numbers}")


def _read_shapes(folder: Path) -> dict[str, list[int]]:
    """Read the name and shape of each tensor in a folder's safetensors, but no values."""
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if any(Path(shard).name != shard for shard in shards):
            raise ValueError(f"{str(index)!r} names weights outside of the model's folder; wanted files beside it")
    shapes: dict[str, list[int]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(str(file), framework="pt") as tensors:
            shapes |= {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 - no dict
    return shapes


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _check_weights(model: Any, report: dict[str, Any]) -> None:
    """Raise ValueError for weights that differ from what the configuration asks for. Tied weights may be absent."""
    mismatched, missing = sorted(report["mismatched_keys"]), sorted(report["missing_keys"])
    if mismatched:
        name, stored_shape, config_shape = mismatched[0]
        sizes = f"{_by(stored_shape)} in its weights, and its config.json asks for {_by(config_shape)}"
        raise ValueError(f"{len(mismatched)} tensors have other sizes than its config.json says: {name} is {sizes}")
    if missing:
        raise ValueError(
            f"{len(missing)} tensors that its config.json asks for are not in its weights ({missing[0]}, for one), so "
            "they would be random numbers"
        )
    kinds = {_kind(name) for name in model.state_dict()}
    beyond = sorted(name for name in report["unexpected_keys"] if _kind(name) in kinds)
    if beyond and not getattr(model.config, "num_nextn_predict_layers", 0):  # those layers draft further tokens
        raise ValueError(
            f"its weights hold {len(beyond)} tensors of layers beyond those of its config.json ({beyond[0]})"
        )


def _kind(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _by(shape: Any) -> str:
    return " by ".join(map(str, shape))
