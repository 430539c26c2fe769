"""Forwards of a transformers model: for one feed, or for the feeds of many tasks in one call.

Feeds that share a forward share the reading of the weights, which is what a token costs. Their tokens lie in one
sequence without padding; each feed attends to its own cache alone, with the attention that it gets by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from uncertainty.scores import Summary

_JOINT = "dubito_joint"  # the name of the attention of joint forwards
_MOST_QUERIES = 128  # of one head; with more, attention is bound by its products, and packing gains nothing
# Options of attention that leave it as usual. A model that gives another one gets the attention of transformers.
_OPTIONS = {"scaling", "dropout", "is_causal", "position_ids", "use_cache"}


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """Rows of equal length that a forward appends to a cache, which it changes. Without a cache they stand alone.

    mask: additive, [tokens fed, tokens cached and fed]; with it all tokens fed are alternatives at one position.
    """

    rows: Sequence[Sequence[int]]
    cache: Any
    past: int  # tokens in the cache
    keep: int = 1  # return the logits after so many tokens of each row, the last ones
    mask: Tensor | None = None

    @property
    def tokens(self) -> int:
        """Tokens fed, summed over rows."""
        return len(self.rows) * len(self.rows[0])

    @property
    def length(self) -> int:
        """Tokens of the text behind each row, its own included."""
        return self.past + (1 if self.mask is not None else len(self.rows[0]))

    def positions(self) -> Tensor:
        """Return the position of each token: [rows, tokens of a row]."""
        positions = torch.arange(self.past, self.length)
        return positions.expand(len(self.rows), len(self.rows[0]))


class FeedAnswer(NamedTuple):
    """The logits of one feed, and their summaries."""

    logits: Tensor  # [rows, keep, vocab]
    summaries: Sequence[Summary] | None = None  # of the kept tokens of its one row, if the forward makes any


def run_feed(model: Any, feed: Feed, accepted: frozenset[str]) -> Tensor:
    """Return the logits of one feed: [rows, keep, vocab]. accepted: the arguments that the model's forward takes."""
    ids = torch.tensor(feed.rows, device=model.device)
    arguments = {
        "position_ids": feed.positions().to(ids.device),
        "past_key_values": feed.cache,
        "use_cache": feed.cache is not None,
        "logits_to_keep": feed.keep,
    }
    if feed.mask is not None:
        arguments["attention_mask"] = feed.mask.to(ids.device, model.dtype)[None, None]
    with torch.inference_mode():
        out = model(ids, **{name: each for name, each in arguments.items() if name in accepted})
    logits: Tensor = out.logits[:, -feed.keep :]
    return logits


def run_joint(model: Any, feeds: Sequence[Feed]) -> list[Tensor]:
    """Return the logits of each feed, from one forward of them all. Only for a model that agent.lm.hf.trial tried.

    Each feed has a croppable cache of its own.
    """
    parts = list(_lay_out(feeds, model))
    ids = torch.tensor([[token for feed in feeds for row in feed.rows for token in row]], device=model.device)
    positions = torch.cat([feed.positions().flatten() for feed in feeds]).to(ids.device)
    kept = torch.cat([part.kept() for part in parts]).to(ids.device)
    joined = _JoinedCaches(parts)
    with torch.inference_mode(), hooked_attention(model):
        out = model(
            ids,
            position_ids=positions[None],
            past_key_values=joined,
            use_cache=True,
            logits_to_keep=kept,
            joined=joined,  # models pass what they do not know to their attention
        )
    logits = out.logits[0].split([len(part.kept()) for part in parts])
    return [each.view(len(part.feed.rows), part.feed.keep, -1) for each, part in zip(logits, parts, strict=True)]


@dataclass(frozen=True, slots=True)
class _Part:
    """The place of a feed in the sequence of a joint forward."""

    feed: Feed
    start: int
    end: int
    mask: Tensor | None  # [1, 1, tokens, tokens cached and fed]; None for one token, which sees all before it

    def kept(self) -> Tensor:
        """Return the places of the tokens whose logits are wanted."""
        places = torch.arange(self.start, self.end).view(len(self.feed.rows), -1)
        return places[:, -self.feed.keep :].flatten()

    def cut(self, states: Tensor) -> Tensor:
        """Cut the feed's rows out of the states of a sequence: [1, heads, all tokens, size] to one with rows."""
        rows = len(self.feed.rows)
        mine = states[:, :, self.start : self.end]
        if rows == 1:
            return mine
        _, heads, tokens, size = mine.shape
        return mine.reshape(heads, rows, tokens // rows, size).transpose(0, 1)

    def attend(self, module: Any, query: Tensor, keys: Tensor, values: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Let the feed attend to its keys and values: [rows, heads, tokens, size] gives [rows, tokens, heads, size]."""
        rows, heads, tokens, size = query.shape
        shared = heads // keys.shape[1]
        if shared == 1 or query.is_cuda or shared * tokens > _MOST_QUERIES or not _OPTIONS.issuperset(options):
            mask = self.mask if self.feed.past else None  # without a mask it is causal
            return attend_plainly(module, query, keys, values, mask, options)
        # Heads that share keys become more queries of one head: on a CPU ten times as fast.
        mask = None if self.mask is None else self.mask.repeat(1, 1, shared, 1)
        packed = query.reshape(rows, heads // shared, shared * tokens, size)
        out = functional.scaled_dot_product_attention(
            packed, keys, values, attn_mask=mask, scale=options.get("scaling")
        )
        return out.reshape(rows, heads, tokens, -1).transpose(1, 2)


def _lay_out(feeds: Sequence[Feed], model: Any) -> Iterator[_Part]:
    start = 0
    for feed in feeds:
        new, mask = len(feed.rows[0]), None
        if feed.mask is not None:
            mask = feed.mask.to(model.device, model.dtype)[None, None]
        elif new > 1:
            seen = torch.arange(feed.past + new, device=model.device)
            mask = (seen <= seen[feed.past :, None])[None, None]
        yield _Part(feed, start, start + feed.tokens, mask)
        start += feed.tokens


class _JoinedCaches:
    """The caches of many feeds, as the model of a joint forward sees them: a layer appends to each its own part."""

    is_compileable = False

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.parts = parts
        self.states: dict[int, list[tuple[Tensor, Tensor]]] = {}  # layer -> keys and values of each feed

    def update(self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append the new keys and values of a layer to each feed's cache. `_attend` reads what came of it."""
        self.states[layer] = [part.feed.cache.update(part.cut(keys), part.cut(values), layer) for part in self.parts]
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Return 0: the feeds have positions of their own."""
        return 0

    def attend(self, module: Any, query: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Let each feed attend to its keys and values: [1, heads, tokens, size] gives [1, tokens, heads, size]."""
        outs = [
            part.attend(module, part.cut(query), keys, values, options)
            for part, (keys, values) in zip(self.parts, self.states.pop(module.layer_idx), strict=True)
        ]
        return torch.cat([out.reshape(1, -1, *out.shape[2:]) for out in outs], dim=1)


def attend_plainly(
    module: Any, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, options: Mapping[str, Any]
) -> Tensor:
    """Attend as transformers does, causally without a mask: [rows, heads, tokens, size] to [rows, tokens, heads, size].

    mask: added, or True for what is seen. [1, 1, tokens, keys].
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    out: Tensor = ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, keys, values, mask, **options)[0]
    return out


def _attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: None, *, joined: Any, **options: Any
) -> tuple[Tensor, None]:
    return joined.attend(module, query, {name: each for name, each in options.items() if each is not None}), None


@contextmanager
def hooked_attention(model: Any) -> Iterator[None]:
    """Let `joined`, an argument of the model's forward, attend: `joined.attend(module, query, options)`."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(_JOINT, _attend)
    config, before = model.config, model.config._attn_implementation
    config._attn_implementation = _JOINT
    try:
        yield
    finally:
        config._attn_implementation = before
