"""Forwards over slot caches: those of few tokens are recorded (agent.lm.hf.recording), those of long texts are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agent.lm.hf.cache import new_cache
from agent.lm.hf.feeds import Feed, FeedAnswer, attend_plainly, hooked_attention, run_feed
from agent.lm.hf.recording import MOST_KEPT, FewTokens, Recorder, Row
from agent.lm.hf.slots import SlotCache, SlotPool, SlotWriter
from uncertainty.scores import Summary, compute_summaries, read_summaries

_MOST_TOKENS = 512  # of a recorded forward; a longer feed is read as a text
_MOST_BYTES = 2**28  # of the keys and values that all its tokens may read in a layer
_LEAST_WIDTH = 256  # slots that each token may read
_MOST_READ = 4096  # tokens of a forward of texts; activations of more take too much memory


class SlotForward:
    """Forwards of one model over the caches of a pool."""

    def __init__(self, model: Any, accepted: frozenset[str], *, records: bool) -> None:
        """records: record forwards of few tokens, which needs CUDA. accepted: the arguments of the model's forward."""
        probe = new_cache(model)
        run_feed(model, Feed([[0]], probe, 0), accepted)
        self.pool = SlotPool([each.keys for each in probe.layers], [each.values for each in probe.layers])
        self._recorder = Recorder(model.device) if records else None
        self._few: dict[tuple[int, int], FewTokens] = {}

    def new_cache(self) -> SlotCache:
        """Return an empty cache."""
        return SlotCache(self.pool)

    def run(self, model: Any, feeds: Sequence[Feed]) -> list[FeedAnswer]:
        """Answer feeds of one row, each with a cache of its own, from as few forwards as hold them."""
        answers: dict[int, FeedAnswer] = {}
        for group in _group([feed for feed in feeds if self._is_few(_Size.of(feed))], self._is_few):
            answers.update(zip(map(id, group), self._run_few(model, group), strict=True))
        texts = [feed for feed in feeds if id(feed) not in answers]
        for group in _group(texts, lambda size: size.tokens <= _MOST_READ):
            answers.update(zip(map(id, group), self._run_texts(model, group), strict=True))
        return [answers[id(feed)] for feed in feeds]

    def _is_few(self, size: _Size) -> bool:
        """Decide whether a forward of this size is recorded."""
        places = _round_up(size.tokens) * max(_LEAST_WIDTH, _round_up(size.length))
        small = places * self.pool.layer_bytes <= _MOST_BYTES
        return small and size.tokens <= _MOST_TOKENS and size.kept <= MOST_KEPT

    def _run_few(self, model: Any, feeds: Sequence[Feed]) -> Iterator[FeedAnswer]:
        rows = [row for feed in feeds for row in _append_rows(feed)]
        shape = _round_up(len(rows)), max(_LEAST_WIDTH, _round_up(max(len(row.seen) for row in rows)))
        forward = self._few.get(shape)
        if forward is None or forward.size != self.pool.size:  # a pool that moved needs new recordings
            forward = self._few[shape] = FewTokens(self.pool, *shape, model.device, self._recorder)
        ends = np.cumsum([feed.tokens for feed in feeds])
        kept = np.concatenate([np.arange(end - feed.keep, end) for end, feed in zip(ends, feeds, strict=True)])
        yield from _split(*forward.run(model, rows, kept), feeds)

    def _run_texts(self, model: Any, feeds: Sequence[Feed]) -> Iterator[FeedAnswer]:
        texts = _Texts(self.pool, feeds, model)
        with torch.inference_mode(), hooked_attention(model):
            out = model(
                texts.ids, position_ids=texts.positions, past_key_values=texts, use_cache=True,
                logits_to_keep=texts.kept, joined=texts,
            )  # fmt: skip
            logits = out.logits[0].to(torch.promote_types(out.logits.dtype, torch.float32))
            summaries = read_summaries(compute_summaries(logits))
        yield from _split(logits, summaries, feeds)


class _Size(NamedTuple):
    """The size of a forward."""

    tokens: int = 0
    kept: int = 0
    length: int = 0  # of its longest text

    @classmethod
    def of(cls, feed: Feed) -> _Size:
        assert len(feed.rows) == 1, "a cache in a pool is of one text"
        return cls(feed.tokens, feed.keep, feed.cache.get_seq_length() + feed.tokens)

    def add(self, other: _Size) -> _Size:
        return _Size(self.tokens + other.tokens, self.kept + other.kept, max(self.length, other.length))


class _Texts(SlotWriter):
    """A forward of long feeds, each of which attends to its own slots by itself."""

    def __init__(self, pool: SlotPool, feeds: Sequence[Feed], model: Any) -> None:
        device = model.device
        new = [feed.cache.append(feed.tokens) for feed in feeds]
        super().__init__(pool, torch.from_numpy(np.concatenate(new)).to(device))
        self._seen = [torch.from_numpy(feed.cache.slots).to(device) for feed in feeds]
        self._masks = [_see_before(feed, model) for feed in feeds]
        self._sizes = [feed.tokens for feed in feeds]
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


def _append_rows(feed: Feed) -> Iterator[Row]:
    """Append a feed's tokens to its cache and yield them."""
    cache, tokens = feed.cache, feed.rows[0]
    new = cache.append(len(tokens))
    for at, (token, slot) in enumerate(zip(tokens, new.tolist(), strict=True)):
        if feed.mask is None:
            yield Row(token, feed.past + at, slot, cache.slots[: feed.past + at + 1])
        else:
            yield Row(token, feed.past, slot, cache.slots[feed.mask[at].numpy() == 0])


def _split(logits: Tensor, summaries: Sequence[Summary], feeds: Sequence[Feed]) -> Iterator[FeedAnswer]:
    """Yield the part of each feed. logits: of the kept tokens, [tokens, vocab]."""
    start = 0
    for feed in feeds:
        end = start + feed.keep
        yield FeedAnswer(logits[start:end][None], summaries[start:end])
        start = end


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
