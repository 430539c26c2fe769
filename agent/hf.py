"""Any causal LM of transformers as an `LM`: the only module that knows how transformers works; owns the cache fork.

Knows kinds of cache layers, never model families. A cache is used only after it was seen to give the same
numbers as no cache on this very model; otherwise every prefix is recomputed, with one warning.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from agent.errors import InfrastructureError, UsageError
from agent.hub import WHAT_LOADS, first_sentence, nearest
from agent.lm import Batch, Prefix, PrefixStore, RowBatch
from agent.text import TextStream


class HFLM:
    """A loaded transformers model as a function of token ids. The tokenizer is needed only for text."""

    def __init__(self, model: Any, tokenizer: Any = None, *, store_bytes: int = 512 * 2**20) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.forwards = self.token_rows = 0
        self._accepts = _accepted_arguments(model)
        self._store = PrefixStore(store_bytes)
        self._caching: bool | None = None  # not known before the first prefix
        self._croppable = False

    @classmethod
    def from_pretrained(cls, name_or_path: str, *, device: str | None = None, dtype: str = "auto") -> HFLM:
        """Load a folder or a hub id. dtype "auto" is the checkpoint's own. Raises UsageError, InfrastructureError."""
        model = _load_model(name_or_path, dtype)
        where = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            model.to(where)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InfrastructureError(
                f"cannot put {name_or_path!r} on device {where!r}: {reason}; try --device cpu"
            ) from error
        return cls(model, _load_tokenizer(name_or_path))

    @property
    def context(self) -> int | None:
        """The most tokens that prompt and completion may have together; None where the model sets no bound."""
        bound = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(bound) if bound else None

    @property
    def end_ids(self) -> frozenset[int]:
        """Token ids that end a text, by the model's generation config, its config and the tokenizer."""
        places = (getattr(self.model, "generation_config", None), self.model.config, self.tokenizer)
        ids = [getattr(place, "eos_token_id", None) for place in places]
        return frozenset(
            i for entry in ids if entry is not None for i in (entry if isinstance(entry, list) else [entry])
        )

    def encode(self, text: str, *, chat: bool = False, continues: bool = False) -> list[int]:
        """Token ids of a text, of a chat whose only user turn it is, or of what `continues` an earlier text.

        Raises UsageError without a tokenizer.
        """
        if self.tokenizer is None:
            raise UsageError(
                "this model came without a tokenizer, and text is wanted; choose a folder or hub id that has one"
            )
        if chat:
            turns = [{"role": "user", "content": text}]
            return list(self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False))
        ids = list(self.tokenizer(text, add_special_tokens=not continues)["input_ids"])
        # Some tokenizers end every text with an end token; a prompt goes on.
        return ids[:-1] if len(ids) > 1 and ids[-1] in self.end_ids else ids

    def encode_with_starts(self, text: str) -> tuple[list[int], list[int]]:
        """Token ids of a text, and where in it each begins, in characters. Raises UsageError where none can say."""
        try:
            found = self.tokenizer(text, return_offsets_mapping=True)
        except (NotImplementedError, TypeError) as error:
            raise UsageError(
                "this model's tokenizer does not say where its tokens begin; choose a model with a fast tokenizer"
            ) from error
        ids, starts = list(found["input_ids"]), [start for start, _ in found["offset_mapping"]]
        cut = len(ids) - 1 if len(ids) > 1 and ids[-1] in self.end_ids else len(ids)
        return ids[:cut], starts[:cut]

    @property
    def chats(self) -> bool:
        """Whether the tokenizer carries a chat template, so the model expects turns."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def stream_after(self, prompt_ids: Sequence[int]) -> TextStream | None:
        """Text of tokens that follow the prompt, piece by piece; None without a tokenizer."""
        return None if self.tokenizer is None else TextStream.after(self.tokenizer.backend_tokenizer, prompt_ids)

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, feeding only what no stored prefix covers. Raises UsageError if too long."""
        wanted = self._checked(ids)
        if not self._cache_works():
            return self._feed(wanted, None, wanted)
        found = self._store.longest(wanted, whole=not self._croppable)
        if found is None:
            return self._remembered(self._feed(wanted, _new_cache(self.model), wanted))
        if found.prefix.ids == wanted:
            return found.prefix
        kept = min(found.length, len(wanted) - 1)  # the last id is always fed: its logits are what is asked for
        start = fork(found.prefix.cache, crop=len(found.prefix.ids) - kept)
        return self._remembered(self._feed(wanted, start, wanted[kept:]))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        if not tokens:
            return prefix
        ids = self._checked((*prefix.ids, *tokens))
        if prefix.cache is None:
            return self.prefill(ids)
        longer = self._feed(ids, fork(prefix.cache), tokens)
        # A croppable cache contains its own beginnings; with any other, going back means computing again.
        self._store.put(longer, _bytes(longer), instead_of=prefix)
        return longer

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix: k rows, one forward."""
        self._checked((*prefix.ids, tokens[0]))
        if prefix.cache is None:
            return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])
        self._remembered(prefix)
        return _Rows(self, prefix, fork(prefix.cache, rows=[0] * len(tokens)), tuple((t,) for t in tokens), parent=None)

    def forward(self, rows: Sequence[Sequence[int]], cache: Any, past: int) -> Tensor:
        """Feed rows of equal length after `past` cached tokens; the cache is changed. Returns logits [rows, vocab]."""
        return self._logits(rows, cache, past, keep=1)[:, -1]

    def _logits(self, rows: Sequence[Sequence[int]], cache: Any, past: int, keep: int) -> Tensor:
        """Logits after the last `keep` tokens of each row: [rows, keep, vocab]."""
        ids = torch.tensor(rows, device=self.model.device)
        positions = torch.arange(past, past + ids.shape[1], device=ids.device).expand_as(ids)
        wanted = {
            "position_ids": positions,
            "past_key_values": cache,
            "use_cache": cache is not None,
            "logits_to_keep": keep,
        }
        with torch.inference_mode():
            out = self.model(ids, **{name: value for name, value in wanted.items() if name in self._accepts})
        self.forwards += 1
        self.token_rows += ids.numel()
        logits: Tensor = out.logits[:, -keep:]
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def teacher_forced(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt, in one forward: [len(tokens), vocab]."""
        return self._logits([self._checked((*prompt, *tokens))], None, 0, keep=len(tokens) + 1)[0, :-1]

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        return Prefix(ids, self.forward([list(tail)], cache, len(ids) - len(tail))[0], cache)

    def _remembered(self, prefix: Prefix) -> Prefix:
        self._store.put(prefix, _bytes(prefix))
        return prefix

    def _checked(self, ids: Sequence[int]) -> tuple[int, ...]:
        if not ids:
            raise UsageError(
                "the prompt has no tokens, and a model needs at least one; give a prompt that is not empty"
            )
        if self.context is not None and len(ids) > self.context:
            raise UsageError(
                f"prompt and completion come to {len(ids)} tokens and this model reads at most {self.context}; "
                "shorten the prompt, lower --max-tokens or choose a model with a longer context"
            )
        return tuple(ids)

    def _cache_works(self) -> bool:
        if self._caching is None:
            forwards, rows = self.forwards, self.token_rows
            self._caching = "past_key_values" in self._accepts and self._cache_agrees()
            self.forwards, self.token_rows = forwards, rows  # the trial is no part of anybody's cost
            if not self._caching:
                warnings.warn(
                    "this model's cache cannot be forked: every prefix is recomputed, which is slow", stacklevel=3
                )
        return self._caching

    def _cache_agrees(self) -> bool:
        """Whether a forked cache gives what no cache gives, and leaves the cache it came from alone."""
        try:
            cache = _new_cache(self.model)
            self.forward([[0, 1, 2]], cache, 0)
            if cache.get_seq_length() != 3:
                return False
            self.forward([[1], [2]], fork(cache, rows=[0, 0]), 3)
            again = self.forward([[2]], fork(cache), 3)
        except (AttributeError, TypeError, ValueError, RuntimeError, IndexError, NotImplementedError):
            return False
        self._croppable = all(type(layer) is _growing_layers()[0] for layer in cache.layers)
        plain = self.forward([[0, 1, 2, 2]], None, 0)
        eps = max(torch.finfo(self.model.dtype).eps, torch.finfo(torch.float32).eps)  # some layers compute in float32
        allowed = 64 * eps * max(1.0, float(plain.abs().max()))
        return bool((plain - again).abs().max() <= allowed)


class _Rows:
    """Rows that share one batched cache."""

    def __init__(
        self, lm: HFLM, root: Prefix, cache: Any, paths: tuple[tuple[int, ...], ...], parent: _Rows | None
    ) -> None:
        self._lm, self._root, self._paths = lm, root, paths
        self._cache = cache
        self.depth = len(paths[0])
        self.logits = lm.forward([path[-1:] for path in paths], cache, len(root.ids) + self.depth - 1)
        self._history: list[Tensor] = [*(parent._history if parent else []), self.logits]
        # A cache that can be cropped holds every earlier state; of any other the earlier batches are kept.
        self._parent = None if lm._croppable else parent

    def advance(self, tokens: Sequence[int]) -> _Rows:
        paths = tuple((*path, token) for path, token in zip(self._paths, tokens, strict=True))
        return _Rows(self._lm, self._root, fork(self._cache), paths, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        batch = self
        for _ in range(drop if self._parent else 0):
            assert batch._parent is not None, f"row {row} has no {drop} tokens to drop"
            batch, drop = batch._parent, drop - 1
        path = batch._paths[row][: len(batch._paths[row]) - drop]
        cache = fork(batch._cache, rows=[row], crop=drop)
        return self._lm._remembered(Prefix(self._root.ids + path, batch._history[len(path) - 1][row], cache))


def fork(cache: Any, rows: list[int] | None = None, crop: int = 0) -> Any:
    """Copy a cache so that growing the copy leaves the original alone; choose batch rows; drop the last `crop` tokens.

    Layers that grow by concatenation rebind their tensors, so a shallow copy shares them safely; the type is compared,
    not asked with isinstance, because in-place layers subclass them. Any other layer is copied in depth.
    """
    new = copy.copy(cache)
    shared = _growing_layers()
    new.layers = [copy.copy(layer) if type(layer) in shared else copy.deepcopy(layer) for layer in cache.layers]
    if crop:
        new.crop(-crop)  # before the rows are chosen: a view costs nothing
    if rows is not None:
        new.reorder_cache(torch.tensor(rows))
    return new


def _growing_layers() -> tuple[type, type]:
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    return DynamicLayer, DynamicSlidingWindowLayer


def _new_cache(model: Any) -> Any:
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def _bytes(prefix: Prefix) -> int:
    values = (value for layer in prefix.cache.layers for value in vars(layer).values())
    tensors = (t for value in values for t in (value if isinstance(value, list | tuple) else [value]))
    return sum(t.nbytes for t in tensors if isinstance(t, Tensor)) + prefix.logits.nbytes


def _accepted_arguments(model: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)


def _load_model(name: str, dtype: str) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    if dtype != "auto" and not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise UsageError(f"unknown dtype {dtype!r}; choose auto, float32, bfloat16 or float16")
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    try:
        return nearest(AutoModelForCausalLM, name, dtype=dtype)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UsageError(f"cannot load the model {name!r}: {first_sentence(error)}; {WHAT_LOADS}") from error


def _load_tokenizer(name: str) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = nearest(AutoTokenizer, name)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # ids alone are enough to decode; encode() says so where text is wanted
    return tokenizer if hasattr(tokenizer, "backend_tokenizer") else None
