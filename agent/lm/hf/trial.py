"""What a model can do, seen by trying it: a cache is used only where it gives what no cache gives on this very model.

A trial costs a few forwards of a few tokens, once for each model, and counts as nobody's cost.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from agent.lm.base import Prefix
from agent.lm.hf.cache import croppable, fork, new_cache
from agent.lm.hf.tree_attention import TreeAttentionBatch

if TYPE_CHECKING:
    from agent.lm.hf.model import HFLM

WINDOWS = ("window", "window_size")  # of a config: layers that look back so far by place, where a tree has siblings
UNABLE = (AttributeError, TypeError, ValueError, RuntimeError, IndexError, NotImplementedError)  # a model's ways to say
_DIFFERING_BEHIND = ((0, 1, 2, 1, 2, 1, 2, 1), (0, 2, 2, 0, 1, 1, 0, 2))


@dataclass(slots=True)
class Abilities:
    """What was seen of one model."""

    caching: bool  # a forked cache gives what no cache gives
    croppable: bool  # any beginning of a cache can be had
    trees: bool | None = None  # alternatives can be fed side by side under a mask; None until it was tried


_seen: weakref.WeakKeyDictionary[Any, dict[tuple[str, ...], Abilities]] = weakref.WeakKeyDictionary()


def try_cache(lm: HFLM) -> Abilities:
    """Return what this model's cache can do; try it where nobody has. Warns once for each model with a useless one."""
    model = lm.model
    state = (str(model.dtype), str(model.device), str(getattr(model.config, "_attn_implementation", "")))
    remembered = _seen.setdefault(model, {})
    if state not in remembered:
        with _at_nobodys_cost(lm):
            remembered[state] = _of_cache(lm) if "past_key_values" in lm.accepts else Abilities(False, False)
        if not remembered[state].caching:
            warnings.warn(
                "this model's cache cannot be forked: every prefix is recomputed, which is slow", stacklevel=4
            )
    return remembered[state]


def try_tree_attention(lm: HFLM) -> bool:
    """Whether alternatives side by side give what each gives by itself; tried at the first lookahead."""
    abilities = try_cache(lm)
    if abilities.trees is None:
        windowed = any(value and name.endswith(WINDOWS) for name, value in lm.model.config.to_dict().items())
        placed = "position_ids" in lm.accepts  # else a sibling's position is taken from its place
        with _at_nobodys_cost(lm):
            abilities.trees = abilities.croppable and placed and not windowed and _tree_agrees(lm)
    return abilities.trees


def is_causal(lm: HFLM) -> bool:
    """Whether what the model says of a token is the same whatever stands behind it, as a decoder's must be."""
    with _at_nobodys_cost(lm):
        first, second = (lm.forward([text], None, 0, keep=len(text))[0, 0] for text in _DIFFERING_BEHIND)
    # Not exact where experts sort the tokens or states are computed in chunks; who reads both sides is far off.
    rounding = max(1e-3, 8 * torch.finfo(lm.model.dtype).eps) * first[first.isfinite()].abs().max()
    return bool((first - second).abs().masked_fill(first == second, 0.0).max() <= rounding)


@contextmanager
def _at_nobodys_cost(lm: HFLM) -> Iterator[None]:
    forwards, rows = lm.forwards, lm.token_rows
    yield
    lm.forwards, lm.token_rows = forwards, rows


def _of_cache(lm: HFLM) -> Abilities:
    """Whether a forked cache gives what no cache gives, and leaves the cache it came from alone."""
    try:
        cache = new_cache(lm.model)
        lm.forward([[0, 1, 2]], cache, 0)
        if cache.get_seq_length() != 3:
            return Abilities(False, False)
        lm.forward([[1], [2]], fork(cache, rows=2), 3)
        again = lm.forward([[2]], fork(cache), 3)
    except UNABLE:
        return Abilities(False, False)
    plain = lm.forward([[0, 1, 2, 2]], None, 0)[0, -1]
    return Abilities(_close(lm, plain, again[0, -1], 64), croppable(cache))


def _tree_agrees(lm: HFLM) -> bool:
    """Whether alternatives fed side by side under a mask give what each gives by itself, at some distance too."""
    ids = (0, 1, 2) * min(8, (lm.context or 27) // 3 - 1)

    def fed(more: tuple[int, ...], cache: Any) -> Tensor:
        return lm.forward([list(more)], cache, len(ids) + (2 if len(more) == 1 else 0))[0, -1]

    cache = new_cache(lm.model)
    root = Prefix(ids, lm.forward([list(ids)], cache, 0)[0, -1], cache)
    try:
        tree = TreeAttentionBatch(lm.forward, lambda prefix, **_: prefix, root, fork(cache), ((1,), (2,))).advance(
            [2, 1]
        )
        went_on = fed((0,), tree.select(1).cache)
    except UNABLE:
        return False
    first, second, third = (fed(tail, fork(cache)) for tail in ((1, 2), (2, 1), (2, 1, 0)))
    pairs = ((first, tree.logits[0]), (second, tree.logits[1]), (third, went_on))
    return all(_close(lm, alone, together, 4) for alone, together in pairs)


def _close(lm: HFLM, expected: Tensor, seen: Tensor, roundings: int) -> bool:
    eps = max(torch.finfo(lm.model.dtype).eps, torch.finfo(torch.float32).eps)  # some layers compute in float32
    # An entry that is -inf in both is alike; in one alone, it is not.
    apart = (expected - seen).abs().masked_fill(expected == seen, 0.0)
    largest = max(1.0, float(expected[expected.isfinite()].abs().max()))
    return bool(apart.max() <= roundings * eps * largest)
