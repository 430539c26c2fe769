"""A language model seen through the logits processors of a call to transformers' `generate`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agent.lm.base import LM, Batch, Prefix


class Seen(NamedTuple):
    """What a processed prefix holds where a cache would be."""

    raw: Prefix  # of the model itself
    processors: Any  # as they are after they saw this prefix; never called again, only copied


class Processed:
    """A language model seen through the logits processors of a call, in lookaheads as outside of them.

    Its prefixes hold processed logits. Processors see each prefix of a stream once, in order, as `generate` shows it to
    them; whatever place they keep belongs to the prefix. padding: ids that stand before each row and that the model
    does not see, but the processors count. starts: the prompts at which streams of tokens begin.
    """

    def __init__(
        self, lm: LM, processors: Any, padding: Sequence[int] = (), starts: Sequence[Sequence[int]] = ()
    ) -> None:
        self._lm, self._processors, self._padding = lm, processors, list(padding)
        self._starts = sorted({tuple(start) for start in starts}, key=len, reverse=True)
        self._latest: dict[tuple[int, ...], Prefix] = {}  # of each stream, the prefix that was prefilled last

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and completion."""
        return self._lm.context

    @property
    def forwards(self) -> int:
        """Model calls."""
        return self._lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed, summed over rows."""
        return self._lm.token_rows

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, which go on one of the streams, or begin one."""
        wanted = tuple(ids)
        start = next((start for start in self._starts if wanted[: len(start)] == start), wanted)
        latest = self._latest.get(start)
        if latest is None or wanted[: len(latest.ids)] != latest.ids:
            latest = self.processed(self._lm.prefill(start), self._processors)
        self._latest[start] = self.extend(latest, wanted[len(latest.ids) :])
        return self._latest[start]

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward where the cache allows it; no tokens, no forward."""
        for longer in self.extend_each(prefix, tokens) if len(tokens) > 1 else ():
            prefix = longer
        if len(tokens) != 1:
            return prefix
        return self.processed(self._lm.extend(prefix.cache.raw, tokens), prefix.cache.processors)

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix."""
        return _ProcessedBatch(self, self._lm.branch(prefix.cache.raw, tokens), tokens, lambda row: prefix)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens that may prove wrong; the prefix after each."""
        for raw in self._lm.extend_each(prefix.cache.raw, tokens):
            prefix = self.processed(raw, prefix.cache.processors)
            yield prefix

    def processed(self, raw: Prefix, before: Any) -> Prefix:
        """Return a prefix with the logits that processors make of the model's own. before: those of its parent."""
        processors = copied(before)
        seen = torch.tensor([[*self._padding, *raw.ids]], device=raw.logits.device)
        logits: Tensor = processors(seen, raw.logits[None].clone())[0]
        if not bool(logits.amax(-1).isfinite()):
            raise ValueError(
                "the logits processors leave NaN or infinite logits, or no token at all; wanted at least one finite"
            )
        return Prefix(raw.ids, logits, Seen(raw, processors))


class _ProcessedBatch:
    """Rows that grow together, each processed when it is looked at: nobody looks behind the end of one."""

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
            self._prefixes[row] = self._lm.processed(raw, parent.cache.processors)
        return self._prefixes[row]

    def advance(self, tokens: Sequence[int]) -> _ProcessedBatch:
        return _ProcessedBatch(self._lm, self._batch.advance(tokens), tokens, self.prefix, self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        batch = self
        for _ in range(drop):
            assert batch._before is not None, f"row {row} has no {drop} tokens to drop"
            batch = batch._before
        prefix = batch.prefix(row)
        return replace(prefix, cache=Seen(self._batch.select(row, drop), prefix.cache.processors))


def copied(processors: Any) -> Any:
    """Copy logits processors with the places they keep. Raises ValueError for one that cannot be copied."""
    from transformers import LogitsProcessorList, PreTrainedTokenizerBase

    each = list(processors) if isinstance(processors, list) else [processors]
    held = (value for processor in each for value in getattr(processor, "__dict__", {}).values())
    shared = {id(value): value for value in held if isinstance(value, torch.nn.Module | PreTrainedTokenizerBase)}
    return LogitsProcessorList([_copy_of(processor, shared) for processor in each])


def _copy_of(processor: Any, shared: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(processor, shared)
    except Exception as error:
        name = type(processor).__name__
        raise ValueError(
            f"the logits processor {name} cannot be copied ({type(error).__name__}: {error}), and each branch of a "
            "lookahead needs one of its own; give it a __deepcopy__, or leave it out"
        ) from error
