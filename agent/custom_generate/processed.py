"""A language model seen through the logits processors of a call to transformers' `generate`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agent.lm.base import LM, Batch, Prefix
from uncertainty.scores import Summary


class ProcessedCache(NamedTuple):
    """The cache of a processed prefix."""

    raw: Prefix  # the model's own prefix
    processors: Any  # their state after this prefix; they are never called again, only copied


class Processed:
    """A language model whose prefixes hold processed logits, inside lookaheads and outside of them.

    Processors see each prefix of a stream once, in order, as in `generate`. Their state belongs to the prefix. padding:
    ids before each row, which the processors see and the model does not. starts: the prompts of the streams.
    """

    def __init__(
        self, lm: LM, processors: Any, padding: Sequence[int] = (), starts: Sequence[Sequence[int]] = ()
    ) -> None:
        self._lm, self._processors, self._padding = lm, processors, list(padding)
        self._starts = sorted({tuple(start) for start in starts}, key=len, reverse=True)
        self._latest: dict[tuple[int, ...], Prefix] = {}  # of each stream: its last prefilled prefix

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and completion together."""
        return self._lm.context

    @property
    def forwards(self) -> int:
        """Model calls so far."""
        return self._lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed so far, summed over rows."""
        return self._lm.token_rows

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, which continue a stream or start one."""
        all_ids = tuple(ids)
        start = next((start for start in self._starts if all_ids[: len(start)] == start), all_ids)
        latest = self._latest.get(start)
        if latest is None or all_ids[: len(latest.ids)] != latest.ids:
            latest = self.process(self._lm.prefill(start), self._processors)
        self._latest[start] = self.extend(latest, all_ids[len(latest.ids) :])
        return self._latest[start]

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens, in one forward if the cache can be cropped; no tokens, no forward."""
        for longer in self.extend_each(prefix, tokens) if len(tokens) > 1 else ():
            prefix = longer
        if len(tokens) != 1:
            return prefix
        return self.process(self._lm.extend(prefix.cache.raw, tokens), prefix.cache.processors)

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix."""
        return _ProcessedBatch(self, self._lm.branch(prefix.cache.raw, tokens), tokens, lambda row: prefix)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append draft tokens; yield the prefix after each."""
        for raw in self._lm.extend_each(prefix.cache.raw, tokens):
            prefix = self.process(raw, prefix.cache.processors)
            yield prefix

    def process(self, raw: Prefix, before: Any) -> Prefix:
        """Return the prefix with processed logits. before: the processors of its parent."""
        processors = copy_processors(before)
        ids = torch.tensor([[*self._padding, *raw.ids]], device=raw.logits.device)
        logits: Tensor = processors(ids, raw.logits[None].clone())[0]
        if not bool(logits.amax(-1).isfinite()):
            raise ValueError(
                "the logits processors leave NaN or infinite logits, or no token at all; wanted at least one finite"
            )
        return Prefix(raw.ids, logits, ProcessedCache(raw, processors))


class _ProcessedBatch:
    """Rows that grow together. A row is processed only when somebody reads it, so never behind its end."""

    def __init__(
        self,
        lm: Processed,
        batch: Batch,
        tokens: Sequence[int],
        parent: Callable[[int], Prefix],
        before: _ProcessedBatch | None = None,
    ) -> None:
        self._lm, self._batch, self._tokens, self._parent, self._before = lm, batch, tokens, parent, before
        self._prefixes: dict[int, Prefix] = {}
        self.summaries: Sequence[Summary] | None = None

    @property
    def depth(self) -> int:
        return self._batch.depth

    @property
    def logits(self) -> Any:
        return self

    def __getitem__(self, row: int) -> Tensor:
        return self.prefix(row).logits

    def prefix(self, row: int) -> Prefix:
        if row not in self._prefixes:
            parent = self._parent(row)
            raw = Prefix((*parent.ids, self._tokens[row]), self._batch.logits[row])
            self._prefixes[row] = self._lm.process(raw, parent.cache.processors)
        return self._prefixes[row]

    def advance(self, tokens: Sequence[int]) -> _ProcessedBatch:
        return _ProcessedBatch(self._lm, self._batch.advance(tokens), tokens, self.prefix, self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        batch = self
        for _ in range(drop):
            assert batch._before is not None, f"row {row} has no {drop} tokens to drop"
            batch = batch._before
        prefix = batch.prefix(row)
        return replace(prefix, cache=ProcessedCache(self._batch.select(row, drop), prefix.cache.processors))


def copy_processors(processors: Any) -> Any:
    """Copy logits processors with their state. Raises ValueError for one that cannot be copied."""
    from transformers import LogitsProcessorList, PreTrainedTokenizerBase

    originals = list(processors) if isinstance(processors, list) else [processors]
    values = (value for processor in originals for value in getattr(processor, "__dict__", {}).values())
    shared = {id(value): value for value in values if isinstance(value, torch.nn.Module | PreTrainedTokenizerBase)}
    return LogitsProcessorList([_copy(processor, shared) for processor in originals])


def _copy(processor: Any, shared: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(processor, shared)
    except Exception as error:
        name = type(processor).__name__
        raise ValueError(
            f"the logits processor {name} cannot be copied ({type(error).__name__}: {error}), and each branch of a "
            "lookahead needs one of its own; give it a __deepcopy__, or leave it out"
        ) from error
