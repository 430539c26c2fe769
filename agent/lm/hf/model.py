"""Any causal LM of transformers as an `LM`.

A cache is used only after it was seen to give the same numbers as no cache on this very model (agent.lm.hf.trial);
otherwise every prefix is recomputed, with one warning.
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
        self.accepts = _accepted_arguments(model)
        self._store = PrefixStore(store_bytes)
        self._rope_boundaries = rope_boundaries(model.config)

    @cached_property
    def context(self) -> int | None:
        """The most tokens that prompt and completion may have together; None where the model sets no bound."""
        bound = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(bound) if bound and bound > 0 else None

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, feeding only what no stored prefix covers. Raises ContextLengthError."""
        wanted = self._checked(ids)
        if not self._caching:
            return self._feed(wanted, None, wanted)
        found = self._store.longest(
            wanted, whole=not self._croppable, fits=lambda n: self._same_rotation(n, len(wanted))
        )
        if found is None:
            return self._kept(self._feed(wanted, new_cache(self.model), wanted))
        if found.prefix.ids == wanted:
            return found.prefix
        kept = min(found.length, len(wanted) - 1)  # the last id is always fed: its logits are what is asked for
        longer = self._feed(wanted, self._fork(found.prefix, length=kept), wanted[kept:])
        over = self._croppable and kept == len(found.prefix.ids)
        return self._kept(longer, instead_of=found.prefix if over else None)

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        if not tokens:
            return prefix
        ids = self._checked((*prefix.ids, *tokens))
        if prefix.cache is None or not self._same_rotation(len(prefix.ids), len(ids)):
            return self.prefill(ids)
        return self._kept(self._feed(ids, self._fork(prefix), tokens), instead_of=prefix)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens in one forward; return the prefix after each, up to the end of the context."""
        if prefix.cache is None or not self._croppable:
            return extend_each(self, prefix, tokens)
        room = len(tokens) if self.context is None else self.context - len(prefix.ids)
        ids = self._checked((*prefix.ids, *tokens[: max(room, 1)]))
        if not self._same_rotation(len(prefix.ids), len(ids)):
            return extend_each(self, prefix, ids[len(prefix.ids) :])
        cache, begun = self._fork(prefix), len(prefix.ids)
        logits = self.forward([ids[begun:]], cache, begun, keep=len(ids) - begun)[0]
        made = [Prefix(ids[: begun + number], after, cache) for number, after in enumerate(logits, start=1)]
        self._kept(made[-1], instead_of=prefix)
        return made

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix: k rows, one forward."""
        self._checked((*prefix.ids, tokens[0]))
        if prefix.cache is None or not self._same_rotation(len(prefix.ids), len(prefix.ids) + 1):
            return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])
        batch = self._side_by_side(prefix, tuple((token,) for token in tokens))
        room = next(
            (boundary - len(prefix.ids) for boundary in self._rope_boundaries if boundary > len(prefix.ids)), None
        )
        return batch if room is None else BoundaryBatch(self, batch, room)

    def _side_by_side(self, prefix: Prefix, paths: Paths) -> Batch:
        if self._trees:
            return TreeAttentionBatch(self.forward, self._kept, prefix, self._fork(prefix), paths)
        self._kept(prefix)
        return CopiedRowsBatch(self.forward, self._kept, prefix, self._fork(prefix, rows=len(paths)), paths)

    def forward(
        self, rows: Sequence[Sequence[int]], cache: Any, past: int, *, keep: int = 1, mask: Tensor | None = None
    ) -> Tensor:
        """Feed rows of equal length after `past` tokens; the cache is changed. Logits after the last `keep` of each.

        Returns [rows, keep, vocab]. mask: additive, [tokens fed, tokens cached and fed]; it makes all tokens fed
        alternatives at one position.
        """
        ids = torch.tensor(rows, device=self.model.device)
        new = 1 if mask is not None else ids.shape[1]
        self._check_room(past + new)
        positions = torch.arange(past, past + new, device=ids.device)
        wanted = {
            "position_ids": positions.expand_as(ids),
            "past_key_values": cache,
            "use_cache": cache is not None,
            "logits_to_keep": keep,
        }
        if mask is not None:
            wanted["attention_mask"] = mask.to(ids.device, self.model.dtype)[None, None]
        with torch.inference_mode():
            out = self.model(ids, **{name: value for name, value in wanted.items() if name in self.accepts})
        self.forwards += 1
        self.token_rows += ids.numel()
        logits: Tensor = out.logits[:, -keep:]
        if not bool(logits.amax(-1).isfinite().all()):  # a NaN anywhere, +inf, or -inf for every token
            raise InvalidLogitsError(
                "the model gives NaN or infinite logits, which say nothing; try the dtype float32, or undamaged weights"
            )
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def teacher_forced(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt: [len(tokens), vocab].

        One forward that neither uses nor leaves anything in the store, so that no text depends on the one before it.
        """
        ids = self._checked((*prompt, *tokens))
        starts = [boundary for boundary in self._rope_boundaries if len(prompt) <= boundary < len(ids)]
        read = [
            ids[:boundary] for boundary in starts
        ]  # a token before a boundary was chosen by what the model says before it
        parts, known = [], len(prompt) - 1
        for text in (*read, ids):
            parts.append(self.forward([text], None, 0, keep=len(text) - known)[0])
            known = len(text)
        return torch.cat(parts)[:-1]

    def beam_search(
        self, prompt: Sequence[int], *, width: int, returned: int, max_tokens: int, end_ids: frozenset[int]
    ) -> list[list[int]]:
        """Return the best beams of transformers' own search, best first, each up to and including its end token."""
        return beam_search(
            self, self._checked(prompt), width=width, returned=returned, max_tokens=max_tokens, end_ids=end_ids
        )

    @cached_property
    def _caching(self) -> bool:
        return try_cache(self).caching

    @cached_property
    def _croppable(self) -> bool:
        return try_cache(self).croppable

    @cached_property
    def _trees(self) -> bool:
        return try_tree_attention(self)

    def _same_rotation(self, length: int, other: int) -> bool:
        """Whether the caches of texts of these lengths hold keys that were rotated alike."""
        return not self._rope_boundaries or rope_regime(self._rope_boundaries, length) == rope_regime(
            self._rope_boundaries, other
        )

    def _fork(self, prefix: Prefix, *, length: int | None = None, rows: int = 1) -> Any:
        wanted = len(prefix.ids) if length is None else length
        return fork(prefix.cache, length=wanted if self._croppable else None, rows=rows)

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        return Prefix(ids, self.forward([list(tail)], cache, len(ids) - len(tail))[0, -1], cache)

    def _kept(self, prefix: Prefix, *, instead_of: Prefix | None = None) -> Prefix:
        # A croppable cache contains its own beginnings; with any other, going back means computing again.
        if prefix.logits.untyped_storage().nbytes() > prefix.logits.nbytes:  # a row would keep all others alive
            prefix = replace(prefix, logits=prefix.logits.clone())
        self._store.put(prefix, count_cache_bytes(prefix.cache) + prefix.logits.nbytes, instead_of=instead_of)
        return prefix

    def _checked(self, ids: Sequence[int]) -> tuple[int, ...]:
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


def _accepted_arguments(model: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)
