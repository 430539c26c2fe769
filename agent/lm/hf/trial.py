"""Try a model: is its cache of use, does it take tree attention, joint forwards, and int8 weights?

A trial costs a few forwards of a few tokens, once for each model. No run pays for it. That of int8 weights costs some
seconds, and agent.lm.fidelity keeps its result.
"""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from agent.lm.base import Prefix
from agent.lm.fidelity import Fidelity
from agent.lm.hf.cache import count_cache_bytes, fork, is_croppable
from agent.lm.hf.cache import new_cache as make_cache
from agent.lm.hf.feeds import Feed, run_joint
from agent.lm.hf.int8 import find_linear, put_back, use_int8
from agent.lm.hf.rope import rope_boundaries
from agent.lm.hf.slot_forward import SlotForward
from agent.lm.hf.tree_attention import TreeAttentionBatch

if TYPE_CHECKING:
    from agent.lm.hf.model import HFLM

# Config entries of layers that look back a number of cache places. In a tree, siblings take some of these places.
_WINDOWS = ("window", "window_size")
# What models raise if they cannot do something.
_UNABLE = (AttributeError, TypeError, ValueError, RuntimeError, LookupError, NotImplementedError)
_ROWS = 8  # tokens a forward with int8 weights: as many as the kernel for few rows takes
_DIFFERING_BEHIND = ((0, 1, 2, 1, 2, 1, 2, 1), (0, 2, 2, 0, 1, 1, 0, 2))


@dataclass(slots=True)
class Abilities:
    """The results of one model's trials."""

    caching: bool  # a forked cache gives the same numbers as no cache
    croppable: bool  # cropping gives every shorter cache
    tree_attention: bool | None = None  # it takes alternatives in one sequence under a mask; None before the trial
    joint: bool | None = None  # it takes the feeds of many tasks in one sequence; None before the trial
    slots: SlotForward | Literal[False] | None = None  # its forwards over caches in a pool; None before the trial


_tried: weakref.WeakKeyDictionary[Any, dict[tuple[str, ...], Abilities]] = weakref.WeakKeyDictionary()


def try_cache(lm: HFLM) -> Abilities:
    """Return what this model's cache can do, by a trial the first time. Warns once if the cache is useless."""
    model = lm.model
    setup = (str(model.dtype), str(model.device), str(getattr(model.config, "_attn_implementation", "")))
    abilities = _tried.setdefault(model, {})
    if setup not in abilities:
        with _uncounted(lm):
            abilities[setup] = (
                _try_forking(lm) if "past_key_values" in lm.accepted_arguments else Abilities(False, False)
            )
        if not abilities[setup].caching:
            warnings.warn(
                "this model's cache cannot be forked: every prefix is recomputed, which is slow", stacklevel=4
            )
    return abilities[setup]


def try_tree_attention(lm: HFLM) -> bool:
    """Return whether alternatives under a mask get the same logits as each by itself, by a trial the first time."""
    abilities = try_cache(lm)
    if abilities.tree_attention is None:
        windowed = any(value and name.endswith(_WINDOWS) for name, value in lm.model.config.to_dict().items())
        positioned = "position_ids" in lm.accepted_arguments  # else siblings would get different positions
        with _uncounted(lm):
            abilities.tree_attention = abilities.croppable and positioned and not windowed and _tree_agrees(lm)
    return abilities.tree_attention


def try_joint(lm: HFLM) -> bool:
    """Return whether feeds in one forward get the same logits as each in its own, by a trial the first time."""
    abilities = try_cache(lm)
    if abilities.joint is None:
        # Where rotations depend on the length of a text, texts of two lengths need two forwards.
        abilities.joint = (
            not rope_boundaries(lm.model.config)
            and try_tree_attention(lm)
            and _joint_agrees(lm, lambda: make_cache(lm.model), lambda feeds: run_joint(lm.model, feeds))
        )
    return abilities.joint


def try_slots(lm: HFLM) -> SlotForward | None:
    """Return the model's forwards over caches in a pool, if they give the same logits; by a trial the first time.

    Only on a GPU, where launches are what a token costs.
    """
    abilities = try_cache(lm)
    if abilities.slots is None:
        cuda = lm.model.device.type == "cuda"
        abilities.slots = cuda and try_joint(lm) and try_slots_on(lm, records=True)
    return abilities.slots or None


def try_slots_on(lm: HFLM, *, records: bool) -> SlotForward | Literal[False]:
    """Return the model's forwards over caches in a pool, if they give the same logits as plain ones."""
    try:
        slots = SlotForward(lm.model, lm.accepted_arguments, records=records)
    except _UNABLE:  # it may lack the memory
        return False

    def run(feeds: Sequence[Feed]) -> list[Tensor]:
        return [each.logits for each in slots.run(lm.model, feeds)]

    # The second trial replays the recordings of the first with other tokens.
    agree = _joint_agrees(lm, slots.new_cache, run) and _joint_agrees(lm, slots.new_cache, run, further=1)
    return agree and slots


def count_token_bytes(lm: HFLM) -> int:
    """Return the bytes that a token takes in a cache."""
    cache = make_cache(lm.model)
    with _uncounted(lm):
        lm.forward([[0]], cache, 0)
    return count_cache_bytes(cache)


def is_causal(lm: HFLM) -> bool:
    """Decide whether the logits after a token ignore the tokens behind it, as those of a decoder do."""
    with _uncounted(lm):
        first, second = (lm.forward([text], None, 0, keep=len(text))[0, 0] for text in _DIFFERING_BEHIND)
    # Experts that sort tokens, and states computed in chunks, round differently. A model that looks ahead is far off.
    rounding = max(1e-3, 8 * torch.finfo(lm.model.dtype).eps) * first[first.isfinite()].abs().max()
    return bool((first - second).abs().masked_fill(first == second, 0.0).max() <= rounding)


def try_int8(lm: HFLM, name: str, ids: Sequence[int]) -> Fidelity:
    """Measure over a text how near the model comes to itself with int8 weights. Keep them if it is near enough.

    ids: of the text. The trial feeds few tokens at a time, as decoding does. A model that cannot compute with int8
    weights is infinitely far.
    """
    ids = ids[: lm.context]
    with _uncounted(lm):
        expected = lm.forward([ids], None, 0, keep=len(ids))[0].log_softmax(-1)
        layers = find_linear(lm.model)
        use_int8(lm.model)
        try:
            with_int8 = _read_in_steps(lm, ids).log_softmax(-1)
        except _UNABLE:
            with_int8 = torch.full_like(expected, torch.nan)
    # Entries that are -inf in both are equal; subtracting them would give NaN.
    differences = (expected - with_int8).masked_fill(expected == with_int8, 0.0)
    kl = float((expected.exp() * differences).sum(-1).mean())
    first = expected.gather(
        -1, with_int8.argmax(-1, keepdim=True)
    )  # often one of several: bf16 rounds logits into ties
    agreement = float((first == expected.amax(-1, keepdim=True)).float().mean())
    fidelity = Fidelity(name, math.inf if math.isnan(kl) else kl, agreement, len(ids))
    if not fidelity.suffices:
        put_back(lm.model, layers)
    return fidelity


def _read_in_steps(lm: HFLM, ids: Sequence[int]) -> Tensor:
    cache, parts = make_cache(lm.model), []
    for start in range(0, len(ids), _ROWS):
        part = list(ids[start : start + _ROWS])
        parts.append(lm.forward([part], cache, start, keep=len(part))[0])
    return torch.cat(parts)


@contextmanager
def _uncounted(lm: HFLM) -> Iterator[None]:
    """Let a trial run the model plainly, and leave the counters as they were."""
    forwards, rows, run = lm.forwards, lm.token_rows, lm.run
    lm.run = lm.run_plainly
    try:
        yield
    finally:
        lm.forwards, lm.token_rows, lm.run = forwards, rows, run


def _try_forking(lm: HFLM) -> Abilities:
    """Try whether a forked cache gives the same logits as no cache and leaves its parent unchanged."""
    try:
        cache = make_cache(lm.model)
        lm.forward([[0, 1, 2]], cache, 0)
        if cache.get_seq_length() != 3:
            return Abilities(False, False)
        lm.forward([[1], [2]], fork(cache, rows=2), 3)
        again = lm.forward([[2]], fork(cache), 3)
    except _UNABLE:
        return Abilities(False, False)
    plain = lm.forward([[0, 1, 2, 2]], None, 0)[0, -1]
    return Abilities(_close(lm, plain, again[0, -1], 64), is_croppable(cache))


def _tree_agrees(lm: HFLM) -> bool:
    """Try whether alternatives under a mask get the same logits as each by itself, two and three tokens deep."""
    ids = (0, 1, 2) * min(8, (lm.context or 27) // 3 - 1)

    def feed(more: tuple[int, ...], cache: Any) -> Tensor:
        return lm.forward([list(more)], cache, len(ids) + (2 if len(more) == 1 else 0))[0, -1]

    cache = make_cache(lm.model)
    root = Prefix(ids, lm.forward([list(ids)], cache, 0)[0, -1], cache)
    try:
        tree = TreeAttentionBatch(lm.answer, lambda prefix, **_: prefix, root, fork(cache), ((1,), (2,))).advance(
            [2, 1]
        )
        deeper = feed((0,), tree.select(1).cache)
    except _UNABLE:
        return False
    first, second, third = (feed(tail, fork(cache)) for tail in ((1, 2), (2, 1), (2, 1, 0)))
    pairs = ((first, tree.logits[0]), (second, tree.logits[1]), (third, deeper))
    return all(_close(lm, alone, together, 4) for alone, together in pairs)


def _joint_agrees(
    lm: HFLM, new_cache: Callable[[], Any], run: Callable[[Sequence[Feed]], Sequence[Tensor]], further: int = 0
) -> bool:
    """Try a forward of three feeds behind texts of different lengths: a text, alternatives under a mask, a token.

    further: makes the tokens others, and the longest text longer.
    """
    tree = torch.zeros(2, 5)
    tree[0, 4] = tree[1, 3] = torch.finfo(torch.bfloat16).min

    def feeds(new_cache: Callable[[], Any], run: Callable[[Sequence[Feed]], Sequence[Tensor]]) -> list[Feed]:
        def behind(ids: tuple[int, ...], row: tuple[int, ...], keep: int, mask: Tensor | None = None) -> Feed:
            cache = new_cache()
            if ids:
                run([Feed([[(token + further) % 3 for token in ids]], cache, 0)])
            return Feed([[(token + further) % 3 for token in row]], cache, len(ids), keep, mask)

        return [behind((), (0, 1, 2, 1), 2), behind((2, 0, 1), (1, 2), 2, tree), behind((0,) * (9 + further), (2,), 1)]

    def run_each(feeds: Sequence[Feed]) -> list[Tensor]:
        return [lm.run_plainly(feed).logits for feed in feeds]

    alone = run_each(feeds(lambda: make_cache(lm.model), run_each))
    try:
        together = run(feeds(new_cache, run))
    except _UNABLE:
        return False
    return all(_close(lm, one, other, 16) for one, other in zip(alone, together, strict=True))


def _close(lm: HFLM, expected: Tensor, seen: Tensor, roundings: int) -> bool:
    least = 2.0**-19 if lm.model.device.type == "cuda" else 2.0**-23  # a GPU sums in another order for each shape
    eps = max(torch.finfo(lm.model.dtype).eps, least)  # some layers compute in float32
    # Entries that are -inf in both are equal; subtracting them would give NaN.
    difference = (expected - seen).abs().masked_fill(expected == seen, 0.0)
    largest = max(1.0, float(expected[expected.isfinite()].abs().max()))
    return bool(difference.max() <= roundings * eps * largest)
