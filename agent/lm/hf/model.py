"""Any causal LM of transformers as an `LM`.

The LM uses a cache only if a trial on this very model gives the same numbers as no cache (agent.lm.hf.trial).
Otherwise it recomputes every prefix and warns once.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from agent.errors import ContextLengthError, InvalidLogitsError, InvalidRequestError
from agent.lm.base import Batch, Prefix
from agent.lm.hf.beam_search import beam_search
from agent.lm.hf.cache import count_cache_bytes, fork, new_cache
from agent.lm.hf.rope import BoundaryBatch, rope_boundaries, rope_regime
from agent.lm.hf.tree_attention import CopiedRowsBatch, Paths, TreeAttentionBatch
from agent.lm.hf.trial import try_cache, try_tree_attention
from agent.lm.reference import RowBatch, extend_each
from agent.lm.store import PrefixStore


class HFLM:
    """A loaded transformers model as a function of token ids."""

    def __init__(self, model: Any, *, store_bytes: int = 512 * 2**20) -> None:
        self.model = model.eval()
        self.forwards = self.token_rows = 0
        self.accepted_arguments = frozenset(inspect.signature(model.forward).parameters)
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
            return self._put(self._feed(ids, new_cache(self.model), ids))
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
        logits = self.forward([ids[start:]], cache, start, keep=len(ids) - start)[0]
        prefixes = [Prefix(ids[: start + number], each, cache) for number, each in enumerate(logits, start=1)]
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
            return TreeAttentionBatch(self.forward, self._put, prefix, self._fork(prefix), paths)
        self._put(prefix)
        return CopiedRowsBatch(self.forward, self._put, prefix, self._fork(prefix, rows=len(paths)), paths)

    def forward(
        self, rows: Sequence[Sequence[int]], cache: Any, past: int, *, keep: int = 1, mask: Tensor | None = None
    ) -> Tensor:
        """Feed rows of equal length after `past` tokens. Return the logits after the last `keep` tokens of each row.

        Changes the cache. mask: additive, [tokens fed, tokens cached and fed]; with it all tokens fed are alternatives
        at one position. Returns [rows, keep, vocab]. Raises InvalidLogitsError.
        """
        ids = torch.tensor(rows, device=self.model.device)
        new = 1 if mask is not None else ids.shape[1]
        self._check_room(past + new)
        positions = torch.arange(past, past + new, device=ids.device)
        arguments = {
            "position_ids": positions.expand_as(ids),
            "past_key_values": cache,
            "use_cache": cache is not None,
            "logits_to_keep": keep,
        }
        if mask is not None:
            arguments["attention_mask"] = mask.to(ids.device, self.model.dtype)[None, None]
        with torch.inference_mode():
            out = self.model(ids, **{name: each for name, each in arguments.items() if name in self.accepted_arguments})
        self.forwards += 1
        self.token_rows += ids.numel()
        logits: Tensor = out.logits[:, -keep:]
        if not bool(logits.amax(-1).isfinite().all()):  # a NaN anywhere, +inf, or -inf for every token
            raise InvalidLogitsError(
                "the model gives NaN or infinite logits, which say nothing; try the dtype float32, or undamaged weights"
            )
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def score_tokens(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt: [len(tokens), vocab].

        Neither reads nor fills the store, so the result does not depend on earlier texts.
        """
        ids = self._check_ids((*prompt, *tokens))
        # A token before a boundary was chosen under the rotation before it, so each such stretch is read by itself.
        boundaries = [boundary for boundary in self._rope_boundaries if len(prompt) <= boundary < len(ids)]
        parts, read_up_to = [], len(prompt) - 1
        for text in (*(ids[:boundary] for boundary in boundaries), ids):
            parts.append(self.forward([text], None, 0, keep=len(text) - read_up_to)[0])
            read_up_to = len(text)
        return torch.cat(parts)[:-1]

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

    def _same_rotation(self, length: int, other: int) -> bool:
        """Decide whether texts of these lengths have their keys rotated alike."""
        boundaries = self._rope_boundaries
        return not boundaries or rope_regime(boundaries, length) == rope_regime(boundaries, other)

    def _fork(self, prefix: Prefix, *, length: int | None = None, rows: int = 1) -> Any:
        kept_length = len(prefix.ids) if length is None else length
        return fork(prefix.cache, length=kept_length if self._croppable else None, rows=rows)

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        return Prefix(ids, self.forward([list(tail)], cache, len(ids) - len(tail))[0, -1], cache)

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
