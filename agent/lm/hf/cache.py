"""KV caches of transformers as values: a copy shares what never changes. Knows kinds of layers, no model families."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor

from agent.lm.hf.slots import SlotCache


def new_cache(model: Any) -> Any:
    """Return an empty cache for this model."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def is_croppable(cache: Any) -> bool:
    """Decide whether cropping gives every shorter cache. Such a cache may be longer than its prefix."""
    return all(type(layer) is _growing_layers()[0] for layer in cache.layers)


def fork(cache: Any, *, length: int | None = None, rows: int = 1, row: int | None = None) -> Any:
    """Copy a cache; growing the copy leaves the original unchanged.

    length: crop the copy to its first tokens. rows: repeat a single row so many times. row: keep only this row.
    """
    if isinstance(cache, SlotCache):
        return cache.fork(length)
    # Layers that grow by concatenation rebind their tensors, so a shallow copy shares them safely. The types must be
    # equal: layers that write in place are subclasses.
    new, growing = copy.copy(cache), _growing_layers()
    new.layers = [_copy_layer(layer) if type(layer) in growing else copy.deepcopy(layer) for layer in cache.layers]
    if length is not None and (excess := new.get_seq_length() - length):
        new.crop(-excess)
    if rows > 1 or row is not None:
        new.reorder_cache(torch.tensor([0] * rows if row is None else [row]))
    return new


def gather(cache: Any, positions: Tensor) -> Any:
    """Copy a croppable cache with only the tokens at these positions."""
    if isinstance(cache, SlotCache):
        return cache.gather(positions)
    new = fork(cache)
    for layer in new.layers:
        layer.keys, layer.values = (
            states.index_select(-2, positions.to(states.device)) for states in (layer.keys, layer.values)
        )
    return new


def count_cache_bytes(cache: Any) -> int:
    """Count the bytes of a cache's tensors, shared ones included."""
    if isinstance(cache, SlotCache):
        return cache.nbytes
    if is_croppable(cache):
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    values = (value for layer in cache.layers for value in vars(layer).values())
    tensors = (t for value in values for t in (value if isinstance(value, list | tuple) else [value]))
    return sum(t.nbytes for t in tensors if isinstance(t, Tensor))


def _copy_layer(layer: Any) -> Any:
    new = object.__new__(type(layer))  # ten times as fast as copy.copy; every token copies every layer
    new.__dict__.update(vars(layer))
    return new


@functools.cache
def _growing_layers() -> tuple[type, type]:
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    return DynamicLayer, DynamicSlidingWindowLayer
