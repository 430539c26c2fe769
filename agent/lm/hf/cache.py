"""KV caches of transformers as values: a copy shares what never changes. Knows kinds of layers, not model families."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor


def new_cache(model: Any) -> Any:
    """Return an empty cache for this model."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def croppable(cache: Any) -> bool:
    """Whether any beginning of this cache can be had by cropping. Such a cache may be longer than its prefix."""
    return all(type(layer) is _growing_layers()[0] for layer in cache.layers)


def fork(cache: Any, *, length: int | None = None, rows: int = 1, row: int | None = None) -> Any:
    """Copy a cache so that growing the copy leaves the original alone.

    length: keep the first tokens only. rows: of one row make so many alike. row: keep one of several.

    Layers that grow by concatenation rebind their tensors, so a shallow copy shares them safely; the type is compared,
    not asked with isinstance, because in-place layers subclass them. Any other layer is copied in depth.
    """
    new, shared = copy.copy(cache), _growing_layers()
    new.layers = [_shallow(layer) if type(layer) in shared else copy.deepcopy(layer) for layer in cache.layers]
    if length is not None and (more := new.get_seq_length() - length):
        new.crop(-more)
    if rows > 1 or row is not None:
        new.reorder_cache(torch.tensor([0] * rows if row is None else [row]))
    return new


def gathered(cache: Any, places: Tensor) -> Any:
    """Copy of a croppable cache that holds the tokens at these places only."""
    new = fork(cache)
    for layer in new.layers:
        layer.keys, layer.values = (
            states.index_select(-2, places.to(states.device)) for states in (layer.keys, layer.values)
        )
    return new


def count_cache_bytes(cache: Any) -> int:
    """Bytes of a cache's tensors, shared ones included."""
    if croppable(cache):
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    values = (value for layer in cache.layers for value in vars(layer).values())
    tensors = (t for value in values for t in (value if isinstance(value, list | tuple) else [value]))
    return sum(t.nbytes for t in tensors if isinstance(t, Tensor))


def _shallow(layer: Any) -> Any:
    new = object.__new__(type(layer))  # what copy.copy does, ten times as fast: a token copies every layer
    new.__dict__.update(vars(layer))
    return new


@functools.cache
def _growing_layers() -> tuple[type, type]:
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    return DynamicLayer, DynamicSlidingWindowLayer
