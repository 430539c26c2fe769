"""Forwards over slot caches, for a GPU: those of few tokens are recorded once for each shape, and then replayed.

A forward of few tokens costs a GPU mostly the launches of some thousand kernels. A replay (a CUDA graph) launches them
at once. Each token reads its own list of slots, so tasks, drafts and alternatives of a tree all have one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agent.lm.hf.cache import new_cache
from agent.lm.hf.feeds import Answer, Feed, attend_plainly, hooked_attention, run_feed
from agent.lm.hf.slots import SlotCache, SlotPool, Slots
from uncertainty.scores import Summary, compute_summaries, read_summaries

_MOST_TOKENS = 512  # of a recorded forward; a longer feed is read as a text
_MOST_KEPT = 128  # of these, tokens whose logits are wanted
_MOST_PLACES = 2**19  # tokens of a recorded forward times the slots that each may read
_LEAST_WIDTH = 256  # slots that each token may read
_MOST_READ = 4096  # tokens of a forward of texts; activations of more take too much memory
_OPTIONS = {"scaling"}  # of attention, besides those that leave it as usual
_IGNORED = {"dropout", "is_causal", "position_ids", "use_cache", "output_router_logits"}


class SlotForward:
    """Forwards of one model over the caches of a pool."""

    def __init__(self, model: Any, accepted: frozenset[str], *, records: bool) -> None:
        """records: record forwards of few tokens, which needs CUDA."""
        probe = new_cache(model)
        run_feed(model, Feed([[0]], probe, 0), accepted)
        self.pool = SlotPool([each.keys for each in probe.layers], [each.values for each in probe.layers])
        self._memory = torch.cuda.graph_pool_handle() if records else None  # shared: one forward runs at a time
        self._few: dict[tuple[int, int], _FewTokens] = {}

    def new_cache(self) -> SlotCache:
        """Return an empty cache."""
        return SlotCache(self.pool)

    def run(self, model: Any, feeds: Sequence[Feed]) -> list[Answer]:
        """Answer feeds, each with a cache of its own, from as few forwards as hold them."""
        answers: dict[int, Answer] = {}
        for group in _group([feed for feed in feeds if _Size.of(feed).is_few], lambda size: size.is_few):
            answers.update(zip(map(id, group), self._run_few(model, group), strict=True))
        texts = [feed for feed in feeds if id(feed) not in answers]
        for group in _group(texts, lambda size: size.tokens <= _MOST_READ):
            answers.update(zip(map(id, group), self._run_texts(model, group), strict=True))
        return [answers[id(feed)] for feed in feeds]

    def _run_few(self, model: Any, feeds: Sequence[Feed]) -> Iterator[Answer]:
        rows = [row for feed in feeds for row in _lay_out(feed)]
        shape = _round_up(len(rows)), max(_LEAST_WIDTH, _round_up(max(len(row.seen) for row in rows)))
        recorded = self._few.get(shape)
        if recorded is None or recorded.size != self.pool.size:  # a pool that moved needs new recordings
            recorded = self._few[shape] = _FewTokens(self.pool, *shape, device=model.device, memory=self._memory)
        ends = np.cumsum([feed.tokens for feed in feeds])
        kept = np.concatenate([np.arange(end - feed.keep, end) for end, feed in zip(ends, feeds, strict=True)])
        yield from _split(*recorded.run(model, rows, kept), feeds)

    def _run_texts(self, model: Any, feeds: Sequence[Feed]) -> Iterator[Answer]:
        texts = _Texts(self.pool, feeds, model)
        with torch.inference_mode(), hooked_attention(model):
            out = model(
                texts.ids, position_ids=texts.positions, past_key_values=texts, use_cache=True,
                logits_to_keep=texts.kept, joined=texts,
            )  # fmt: skip
            logits = out.logits[0].to(torch.promote_types(out.logits.dtype, torch.float32))
            summaries = read_summaries(compute_summaries(logits))
        yield from _split(logits, summaries, feeds)


def _split(logits: Tensor, summaries: Sequence[Summary], feeds: Sequence[Feed]) -> Iterator[Answer]:
    """Yield the part of each feed. logits: of the kept tokens, [tokens, vocab]."""
    start = 0
    for feed in feeds:
        end = start + feed.keep
        yield Answer(logits[start:end][None], summaries[start:end])
        start = end


class _Size(NamedTuple):
    """The size of a forward."""

    tokens: int = 0
    kept: int = 0
    length: int = 0  # of its longest text

    @classmethod
    def of(cls, feed: Feed) -> _Size:
        return cls(feed.tokens, feed.keep, feed.cache.get_seq_length() + feed.tokens)

    def add(self, other: _Size) -> _Size:
        return _Size(self.tokens + other.tokens, self.kept + other.kept, max(self.length, other.length))

    @property
    def is_few(self) -> bool:
        """Whether such a forward is recorded."""
        places = _round_up(self.tokens) * max(_LEAST_WIDTH, _round_up(self.length))
        return self.tokens <= _MOST_TOKENS and self.kept <= _MOST_KEPT and places <= _MOST_PLACES


@dataclass(frozen=True, slots=True)
class _Row:
    """A token of a forward."""

    token: int
    position: int
    slot: int  # its own
    seen: Slots  # the slots that it attends to, its own included


def _lay_out(feed: Feed) -> Iterator[_Row]:
    """Append a feed's tokens to its cache and yield them."""
    cache, tokens = feed.cache, feed.rows[0]
    new = cache.append(len(tokens))
    for at, (token, slot) in enumerate(zip(tokens, new.tolist(), strict=True)):
        if feed.mask is None:
            yield _Row(token, feed.past + at, slot, cache.slots[: feed.past + at + 1])
        else:
            yield _Row(token, feed.past, slot, cache.slots[feed.mask[at].numpy() == 0])


class _InPool:
    """What the model of a forward takes for its cache: each layer writes to the slots of the new tokens."""

    is_compileable = False
    pool: SlotPool
    new: Tensor  # slots

    def update(self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write a layer's keys and values, [1, heads, tokens, size], to the pool."""
        self.pool.keys[layer].index_copy_(0, self.new, keys[0].transpose(0, 1))
        self.pool.values[layer].index_copy_(0, self.new, values[0].transpose(0, 1))
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Return 0: the tokens have positions of their own."""
        return 0


class _FewTokens(_InPool):
    """A forward of a fixed number of tokens, each of which reads at most `width` slots."""

    def __init__(self, pool: SlotPool, tokens: int, width: int, *, device: Any, memory: Any) -> None:
        """memory: of recordings; None to record nothing."""
        self.pool, self.size, self._tokens, self._width = pool, pool.size, tokens, width
        keeps = min(tokens, _MOST_KEPT)
        numbers = tokens * (4 + width) + keeps
        self._staged = torch.zeros(numbers, dtype=torch.int64, pin_memory=memory is not None)
        self._numbers = torch.zeros(numbers, dtype=torch.int64, device=device)
        facts, table, self._kept = torch.split(self._numbers, [4 * tokens, tokens * width, keeps])
        self._ids, self._positions, self.new, self._lengths = facts.view(4, tokens)
        self._table = table.view(tokens, width)
        self._mask = torch.empty(0)
        self._memory = memory
        self._graph: Any = None
        self._outputs: tuple[Tensor, Tensor] | None = None

    def run(self, model: Any, rows: Sequence[_Row], kept: Slots) -> tuple[Tensor, list[Summary]]:
        """Return the logits after some rows, [kept, vocab], and their summaries. kept: the indices of these rows."""
        self._stage(rows, kept)
        with torch.inference_mode():
            self._numbers.copy_(self._staged, non_blocking=True)
            logits, summaries = self._forward(model) if self._memory is None else self._replay(model)
            return logits[: len(kept)].clone(), read_summaries(summaries[: len(kept)])

    def attend(self, module: Any, query: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Let each token attend to its slots: [1, heads, tokens, size] gives [1, tokens, heads, size]."""
        if not _OPTIONS.union(_IGNORED).issuperset(options):
            raise NotImplementedError(f"attention with the options {sorted(options)}")
        keys = self.pool.keys[module.layer_idx][self._table].transpose(1, 2)  # [tokens, heads, width, size]
        values = self.pool.values[module.layer_idx][self._table].transpose(1, 2)
        _, heads, tokens, size = query.shape
        # Heads that share keys become queries of one head.
        packed = query[0].transpose(0, 1).reshape(tokens, keys.shape[1], heads // keys.shape[1], size)
        out = functional.scaled_dot_product_attention(
            packed, keys, values, attn_mask=self._mask, scale=options.get("scaling")
        )
        return out.reshape(1, tokens, heads, -1)

    def _stage(self, rows: Sequence[_Row], kept: Slots) -> None:
        tokens, staged = self._tokens, self._staged.numpy()
        staged[:] = 0
        facts, table, keeps = np.split(staged, [4 * tokens, tokens * (4 + self._width)])
        facts, table = facts.reshape(4, tokens), table.reshape(tokens, self._width)
        facts[3] = 1  # padding reads one slot
        keeps[: len(kept)] = kept
        for at, row in enumerate(rows):
            facts[:, at] = row.token, row.position, row.slot, len(row.seen)
            table[at] = row.seen[0]  # what lies behind its list must be finite, though no token attends to it
            table[at, : len(row.seen)] = row.seen

    def _forward(self, model: Any) -> tuple[Tensor, Tensor]:
        places = torch.arange(self._width, device=self._numbers.device)
        self._mask = (places < self._lengths[:, None])[:, None, None]  # [tokens, 1, 1, width]
        with hooked_attention(model):
            out = model(
                self._ids[None], position_ids=self._positions[None], past_key_values=self, use_cache=True,
                logits_to_keep=self._kept, joined=self,
            )  # fmt: skip
        logits = out.logits[0].to(torch.promote_types(out.logits.dtype, torch.float32))
        return logits, compute_summaries(logits)

    def _replay(self, model: Any) -> tuple[Tensor, Tensor]:
        if self._outputs is None:
            self._outputs = self._record(model)
        self._graph.replay()
        return self._outputs

    def _record(self, model: Any) -> tuple[Tensor, Tensor]:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what is set up once must not be recorded
            for _ in range(2):
                self._forward(model)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=self._memory):
            return self._forward(model)


class _Texts(_InPool):
    """A forward of long feeds, each of which attends to its own slots by itself."""

    def __init__(self, pool: SlotPool, feeds: Sequence[Feed], model: Any) -> None:
        self.pool, device = pool, model.device
        new = [feed.cache.append(feed.tokens) for feed in feeds]
        self._seen = [torch.from_numpy(feed.cache.slots).to(device) for feed in feeds]
        self._masks = [_see_before(feed, model) for feed in feeds]
        self._sizes = [feed.tokens for feed in feeds]
        self.new = torch.from_numpy(np.concatenate(new)).to(device)
        self.ids = torch.tensor([[token for feed in feeds for token in feed.rows[0]]], device=device)
        self.positions = torch.cat([feed.positions()[0] for feed in feeds])[None].to(device)
        ends = np.cumsum(self._sizes)
        kept = [np.arange(end - feed.keep, end) for end, feed in zip(ends, feeds, strict=True)]
        self.kept = torch.from_numpy(np.concatenate(kept)).to(device)

    def attend(self, module: Any, query: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Let each text attend to itself: [1, heads, tokens, size] gives [1, tokens, heads, size]."""
        keys, values = self.pool.keys[module.layer_idx], self.pool.values[module.layer_idx]
        outs = [
            attend_plainly(
                module, part, keys[seen].transpose(0, 1)[None], values[seen].transpose(0, 1)[None], mask, options
            )
            for part, seen, mask in zip(torch.split(query, self._sizes, dim=2), self._seen, self._masks, strict=True)
        ]
        return torch.cat(outs, dim=1)


def _see_before(feed: Feed, model: Any) -> Tensor | None:
    """Return a mask that shows each token what is before it, [1, 1, tokens, slots]; None for a whole text."""
    if feed.mask is not None:
        return feed.mask.to(model.device, model.dtype)[None, None]
    if not feed.past:
        return None
    seen = torch.arange(feed.length, device=model.device)
    return (seen <= seen[feed.past :, None])[None, None]


def _group(feeds: Sequence[Feed], fits: Callable[[_Size], bool]) -> Iterator[list[Feed]]:
    """Yield feeds that go into one forward, whose size fits. One that does not fit by itself goes alone."""
    group: list[Feed] = []
    size = _Size()
    for feed in feeds:
        larger = size.add(_Size.of(feed))
        if group and not fits(larger):
            yield group
            group, larger = [], _Size.of(feed)
        group.append(feed)
        size = larger
    if group:
        yield group


def _round_up(number: int) -> int:
    """Return the next power of two."""
    return 1 << (number - 1).bit_length()
