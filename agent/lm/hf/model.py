"""Any causal LM of transformers as an `LM`.

The LM uses a cache only if a trial on this very model gives the same numbers as no cache (agent.lm.hf.trial).
Otherwise it recomputes every prefix and warns once.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from agent.errors import ContextLengthError, InvalidLogitsError, InvalidRequestError
from agent.lm.base import Batch, Prefix, ScoredTokens
from agent.lm.hf.beam_search import beam_search
from agent.lm.hf.cache import count_cache_bytes, fork, new_cache
from agent.lm.hf.feeds import Feed, FeedAnswer, run_feed, run_joint
from agent.lm.hf.int8 import FEW_ROWS
from agent.lm.hf.rope import BoundaryBatch, rope_boundaries, rope_regime, score_tokens
from agent.lm.hf.slot_forward import SlotForward
from agent.lm.hf.slots import SlotCache
from agent.lm.hf.tree_attention import CopiedRowsBatch, Paths, TreeAttentionBatch
from agent.lm.hf.trial import count_token_bytes, try_cache, try_joint, try_slots, try_tree_attention
from agent.lm.reference import RowBatch, extend_each
from agent.lm.store import PrefixStore
from uncertainty.scores import Summary

_STORE_BYTES = 512 * 2**20
_TASK_STORE_BYTES = 64 * 2**20  # of each task; one size, so that what it feeds does not depend on who is beside it
_MOST_FED = 4096  # tokens of a joint forward on a GPU; activations of more take too much memory
_MOST_FED_BY_CPU = FEW_ROWS  # so that a row gets the kernel that it gets alone: its numbers are the same to the bit
_CPU_TASKS = 8  # with more, a forward takes longer in proportion
_MOST_TASKS = 256


class HFLM:
    """A loaded transformers model as a function of token ids."""

    def __init__(
        self,
        model: Any,
        *,
        store_bytes: int = _STORE_BYTES,
        run: Callable[[Feed], FeedAnswer] | None = None,
        pools: bool = True,
    ) -> None:
        """run: feeds the model, and may do so together with what others feed; by default, it feeds it at once.

        pools: on a GPU, keep caches in a pool and record forwards. Not for a model that others change or watch.
        """
        self.model = model
        if any(module.training for module in model.modules()):
            model.eval()
        self.forwards = self.token_rows = 0
        self.accepted_arguments = frozenset(inspect.signature(model.forward).parameters)
        self.run: Callable[[Feed], FeedAnswer] = run or self._run_here
        self._pools = pools
        self._store = PrefixStore(store_bytes)
        self._rope_boundaries = rope_boundaries(model.config)

    @cached_property
    def context(self) -> int | None:
        """The most tokens of prompt and completion together; None if the model sets no bound."""
        bound = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(bound) if bound and bound > 0 else None

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids. Feed only what no stored prefix covers. Raises ContextLengthError."""
        ids = self._check_ids(ids)
        if not self._caching:
            return self._feed(ids, None, ids)
        match = self._store.longest(
            ids, whole=not self._croppable, fits=lambda length: self._same_rotation(length, len(ids))
        )
        if match is None:
            return self._put(self._feed(ids, self._new_cache(), ids))
        if match.prefix.ids == ids:
            return match.prefix
        shared = min(match.length, len(ids) - 1)  # the last id is always fed, because its logits are wanted
        prefix = self._feed(ids, self._fork(match.prefix, length=shared), ids[shared:])
        extends = self._croppable and shared == len(match.prefix.ids)
        return self._put(prefix, instead_of=match.prefix if extends else None)

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        if not tokens:
            return prefix
        ids = self._check_ids((*prefix.ids, *tokens))
        if prefix.cache is None or not self._same_rotation(len(prefix.ids), len(ids)):
            return self.prefill(ids)
        return self._put(self._feed(ids, self._fork(prefix), tokens), instead_of=prefix)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append draft tokens in one forward; return the prefix after each, up to the end of the context."""
        if prefix.cache is None or not self._croppable:
            return extend_each(self, prefix, tokens)
        start = len(prefix.ids)
        room = len(tokens) if self.context is None else self.context - start
        ids = self._check_ids((*prefix.ids, *tokens[: max(room, 1)]))
        if not self._same_rotation(start, len(ids)):
            return extend_each(self, prefix, ids[start:])
        cache = self._fork(prefix)
        answer = self.answer(Feed([ids[start:]], cache, start, keep=len(ids) - start))
        prefixes = [
            Prefix(ids[: start + number], logits, cache, summary)
            for number, (logits, summary) in enumerate(zip(answer.logits[0], _list_summaries(answer), strict=True), 1)
        ]
        self._put(prefixes[-1], instead_of=prefix)
        return prefixes

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix, in one forward."""
        start, paths = len(prefix.ids), tuple((token,) for token in tokens)
        self._check_ids((*prefix.ids, tokens[0]))
        if prefix.cache is None or not self._same_rotation(start, start + 1):
            return RowBatch(self, [self.extend(prefix, path) for path in paths])
        batch = self._branch_cached(prefix, paths)
        boundary = next((boundary for boundary in self._rope_boundaries if boundary > start), None)
        return batch if boundary is None else BoundaryBatch(self, batch, boundary - start)

    def _branch_cached(self, prefix: Prefix, paths: Paths) -> Batch:
        if self._tree_attention:
            return TreeAttentionBatch(self.answer, self._put, prefix, self._fork(prefix), paths)
        self._put(prefix)
        return CopiedRowsBatch(self.answer, self._put, prefix, self._fork(prefix, rows=len(paths)), paths)

    def forward(
        self, rows: Sequence[Sequence[int]], cache: Any, past: int, *, keep: int = 1, mask: Tensor | None = None
    ) -> Tensor:
        """Feed rows of equal length after `past` tokens. Return the logits after the last `keep` tokens of each row.

        Changes the cache. mask: additive, [tokens fed, tokens cached and fed]; with it all tokens fed are alternatives
        at one position. Returns [rows, keep, vocab]. Raises InvalidLogitsError.
        """
        return self.answer(Feed(rows, cache, past, keep, mask)).logits

    def answer(self, feed: Feed) -> FeedAnswer:
        """Answer a feed, which changes its cache. Raises ContextLengthError, InvalidLogitsError."""
        self._check_room(feed.length)
        logits, summaries = self.run(feed)
        self.forwards += 1
        self.token_rows += feed.tokens
        if summaries is None:
            finite = bool(logits.amax(-1).isfinite().all())  # no NaN anywhere, no +inf, no -inf for every token
        else:
            finite = not any(math.isnan(each.entropy) for each in summaries)
        if not finite:
            raise InvalidLogitsError(
                "the model gives NaN or infinite logits, which say nothing; try the dtype float32, or undamaged weights"
            )
        return FeedAnswer(logits.to(torch.promote_types(logits.dtype, torch.float32)), summaries)

    def run_plainly(self, feed: Feed) -> FeedAnswer:
        """Answer a feed as transformers does."""
        return FeedAnswer(run_feed(self.model, feed, self.accepted_arguments))

    def _run_here(self, feed: Feed) -> FeedAnswer:
        return self.run_plainly(feed) if feed.cache is None else self.run_joint([feed])[0]

    def takes_joint_feeds(self) -> bool:
        """Decide whether each feed of a joint forward gets the numbers that it gets alone, but for rounding."""
        return try_joint(self)

    def count_joint_tasks(self, tokens: int) -> int:
        """Return how many tasks of so many tokens to decode together: on a CPU few, on a GPU as many as fit."""
        if self.model.device.type != "cuda":
            return _CPU_TASKS
        free, _ = torch.cuda.mem_get_info(self.model.device)
        # The half of it is for activations and logits; a task has a cache, a copy that grows, and stored prefixes.
        return max(1, min(_MOST_TASKS, int(free / 2 / (4 * tokens * count_token_bytes(self)))))

    def run_joint(self, feeds: Sequence[Feed]) -> list[FeedAnswer]:
        """Answer each feed, from as few forwards as hold them."""
        joint = self.takes_joint_feeds()
        most = 0 if not joint else _MOST_FED if self.model.device.type == "cuda" else _MOST_FED_BY_CPU
        answers: dict[int, FeedAnswer] = {}
        slots = self._slots
        pooled = [feed for feed in feeds if isinstance(feed.cache, SlotCache)]
        if slots:
            answers.update(zip(map(id, pooled), slots.run(self.model, pooled), strict=True))
        for group in _group([feed for feed in feeds if id(feed) not in answers], most):
            if joint and group[0].cache is not None:
                answers.update(zip(map(id, group), map(FeedAnswer, run_joint(self.model, group)), strict=True))
            else:
                answers.update((id(feed), self.run_plainly(feed)) for feed in group)
        return [answers[id(feed)] for feed in feeds]

    def beside(self, run: Callable[[Feed], FeedAnswer] | None = None) -> HFLM:
        """Return the model of one of many tasks: the same weights, with counters and a store of its own."""
        return HFLM(self.model, store_bytes=_TASK_STORE_BYTES, run=run, pools=self._pools)

    def _new_cache(self) -> Any:
        return self._slots.new_cache() if self._slots else new_cache(self.model)

    def score_tokens(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt: [len(tokens), vocab]. Uses no store."""
        return score_tokens(self.forward, self._rope_boundaries, prompt, self._check_ids((*prompt, *tokens)))

    def score_on(self, prefix: Prefix, tokens: Sequence[int]) -> ScoredTokens:
        """Append tokens in one forward; return the prefix after them, and the logits before each."""
        ids = self._check_ids((*prefix.ids, *tokens))
        if prefix.cache is None or not self._same_rotation(len(prefix.ids), len(ids)):
            return ScoredTokens(self.prefill(ids), self.score_tokens(prefix.ids, tokens))
        cache = self._fork(prefix)
        logits = self.answer(Feed([ids[len(prefix.ids) :]], cache, len(prefix.ids), keep=len(tokens))).logits[0]
        longer = self._put(Prefix(ids, logits[-1], cache), instead_of=prefix)
        return ScoredTokens(longer, torch.cat([prefix.logits[None].to(logits), logits[:-1]]))

    def beam_search(
        self,
        prompt: Sequence[int],
        *,
        width: int,
        returned: int,
        max_tokens: int,
        end_ids: frozenset[int],
        forbidden_first: Sequence[int] = (),
    ) -> list[list[int]]:
        """Return the best beams of transformers' own search, best first, each up to and including its end token."""
        return beam_search(
            self, self._check_ids(prompt), width=width, returned=returned, max_tokens=max_tokens, end_ids=end_ids,
            forbidden_first=forbidden_first,
        )  # fmt: skip

    @cached_property
    def _caching(self) -> bool:
        return try_cache(self).caching

    @cached_property
    def _croppable(self) -> bool:
        return try_cache(self).croppable

    @cached_property
    def _tree_attention(self) -> bool:
        return try_tree_attention(self)

    @cached_property
    def _slots(self) -> SlotForward | None:
        return try_slots(self) if self._pools else None

    def _same_rotation(self, length: int, other: int) -> bool:
        """Decide whether texts of these lengths have their keys rotated alike."""
        boundaries = self._rope_boundaries
        return not boundaries or rope_regime(boundaries, length) == rope_regime(boundaries, other)

    def _fork(self, prefix: Prefix, *, length: int | None = None, rows: int = 1) -> Any:
        kept_length = len(prefix.ids) if length is None else length
        return fork(prefix.cache, length=kept_length if self._croppable else None, rows=rows)

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        answer = self.answer(Feed([list(tail)], cache, len(ids) - len(tail)))
        return Prefix(ids, answer.logits[0, -1], cache, _list_summaries(answer)[-1])

    def _put(self, prefix: Prefix, *, instead_of: Prefix | None = None) -> Prefix:
        if prefix.logits.untyped_storage().nbytes() > prefix.logits.nbytes:  # one row would keep all others alive
            prefix = replace(prefix, logits=prefix.logits.clone())
        self._store.put(prefix, count_cache_bytes(prefix.cache) + prefix.logits.nbytes, instead_of=instead_of)
        return prefix

    def _check_ids(self, ids: Sequence[int]) -> tuple[int, ...]:
        if not ids:
            raise InvalidRequestError(
                "the prompt has no tokens, and a model needs at least one; give a prompt that is not empty"
            )
        self._check_room(len(ids))
        return tuple(ids)

    def _check_room(self, length: int) -> None:
        if self.context is not None and length > self.context:
            raise ContextLengthError(
                f"prompt and completion come to {length} tokens and this model reads at most {self.context}; "
                "shorten the prompt, ask for fewer tokens, or choose a model with a longer context"
            )


def _list_summaries(answer: FeedAnswer) -> Sequence[Summary | None]:
    return answer.summaries or [None] * answer.logits.shape[1]


def _group(feeds: Sequence[Feed], most: int) -> Iterator[list[Feed]]:
    """Yield feeds that go into one forward, of `most` tokens. A longer one, or one without a cache, goes alone."""
    group: list[Feed] = []
    for feed in feeds:
        if feed.cache is None or feed.tokens > most:
            yield [feed]
            continue
        if group and sum(each.tokens for each in group) + feed.tokens > most:
            yield group
            group = []
        group.append(feed)
    if group:
        yield group
