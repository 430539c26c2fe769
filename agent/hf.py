"""Any causal LM of transformers as an `LM`: this module and hf_*.py alone know how transformers works.

A cache is used only after it was seen to give the same
numbers as no cache on this very model; otherwise every prefix is recomputed, with one warning.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from agent.errors import InfrastructureError, UsageError
from agent.hf_cache import croppable, fork, held_bytes, new_cache
from agent.hf_chat import asked, asks_in_turns, checked_format
from agent.hf_rows import Rows, Tree
from agent.hub import WHAT_LOADS, first_sentence, nearest
from agent.lm import Batch, Prefix, PrefixStore, RowBatch, Trail
from agent.text import TextStream

WINDOWS = ("window", "window_size")  # of a config: layers that look back so far by place, where a tree has siblings
UNABLE = (AttributeError, TypeError, ValueError, RuntimeError, IndexError, NotImplementedError)  # a model's ways to say


class HFLM:
    """A loaded transformers model as a function of token ids. The tokenizer is needed only for text."""

    def __init__(
        self, model: Any, tokenizer: Any = None, *, store_bytes: int = 512 * 2**20, prompt_format: str = "auto"
    ) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.prompt_format = checked_format(prompt_format)
        self.forwards = self.token_rows = 0
        self._accepts = _accepted_arguments(model)
        self._store = PrefixStore(store_bytes)
        self._caching: bool | None = None  # not known before the first prefix
        self._croppable = self._trees = False

    @classmethod
    def from_pretrained(
        cls, name_or_path: str, *, device: str | None = None, dtype: str = "auto", prompt_format: str = "auto"
    ) -> HFLM:
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
        return cls(model, _load_tokenizer(name_or_path), prompt_format=prompt_format)

    @cached_property
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
            return list(self.tokenizer(asked(self.tokenizer, text), add_special_tokens=False)["input_ids"])
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

    @cached_property
    def chats(self) -> bool:
        """Whether prompts are turns of a chat. Raises UsageError where a chat template is wanted and does not work."""
        return asks_in_turns(self.prompt_format, self.tokenizer, self.end_ids)

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
        if prefix.cache is None:
            return self.prefill(ids)
        return self._kept(self._feed(ids, self._fork(prefix), tokens), instead_of=prefix)

    def trail(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens in one forward; return the prefix after each, up to the end of the context."""
        if prefix.cache is None or not self._croppable:
            return Trail(self, prefix, tokens)
        room = len(tokens) if self.context is None else self.context - len(prefix.ids)
        ids = self._checked((*prefix.ids, *tokens[: max(room, 1)]))
        cache, begun = self._fork(prefix), len(prefix.ids)
        logits = self.forward([ids[begun:]], cache, begun, keep=len(ids) - begun)[0]
        made = [Prefix(ids[: begun + number], after, cache) for number, after in enumerate(logits, start=1)]
        self._kept(made[-1], instead_of=prefix)
        return made

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix: k rows, one forward."""
        self._checked((*prefix.ids, tokens[0]))
        if prefix.cache is None:
            return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])
        if self._trees:
            return Tree(self.forward, self._kept, prefix, self._fork(prefix), tuple((t,) for t in tokens))
        self._kept(prefix)
        return Rows(self.forward, self._kept, prefix, self._fork(prefix, rows=len(tokens)), tuple((t,) for t in tokens))

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
            out = self.model(ids, **{name: value for name, value in wanted.items() if name in self._accepts})
        self.forwards += 1
        self.token_rows += ids.numel()
        logits: Tensor = out.logits[:, -keep:]
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def teacher_forced(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt: [len(tokens), vocab].

        One forward that neither uses nor leaves anything in the store, so that no text depends on the one before it.
        """
        return self.forward([self._checked((*prompt, *tokens))], None, 0, keep=len(tokens) + 1)[0, :-1]

    def _fork(self, prefix: Prefix, *, length: int | None = None, rows: int = 1) -> Any:
        wanted = len(prefix.ids) if length is None else length
        return fork(prefix.cache, length=wanted if self._croppable else None, rows=rows)

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        return Prefix(ids, self.forward([list(tail)], cache, len(ids) - len(tail))[0, -1], cache)

    def _kept(self, prefix: Prefix, *, instead_of: Prefix | None = None) -> Prefix:
        # A croppable cache contains its own beginnings; with any other, going back means computing again.
        if prefix.logits.untyped_storage().nbytes() > prefix.logits.nbytes:  # a row would keep all others alive
            prefix = replace(prefix, logits=prefix.logits.clone())
        self._store.put(prefix, held_bytes(prefix.cache) + prefix.logits.nbytes, instead_of=instead_of)
        return prefix

    def _checked(self, ids: Sequence[int]) -> tuple[int, ...]:
        if not ids:
            raise UsageError(
                "the prompt has no tokens, and a model needs at least one; give a prompt that is not empty"
            )
        self._check_room(len(ids))
        return tuple(ids)

    def _check_room(self, length: int) -> None:
        if self.context is not None and length > self.context:
            raise UsageError(
                f"prompt and completion come to {length} tokens and this model reads at most {self.context}; "
                "shorten the prompt, lower --max-tokens or choose a model with a longer context"
            )

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
            cache = new_cache(self.model)
            self.forward([[0, 1, 2]], cache, 0)
            if cache.get_seq_length() != 3:
                return False
            self.forward([[1], [2]], fork(cache, rows=2), 3)
            again = self.forward([[2]], fork(cache), 3)
        except UNABLE:
            return False
        self._croppable = croppable(cache)
        plain = self.forward([[0, 1, 2, 2]], None, 0)[0, -1]
        if not self._close(plain, again[0, -1], 64):
            return False
        windowed = any(value and name.endswith(WINDOWS) for name, value in self.model.config.to_dict().items())
        told = "position_ids" in self._accepts  # else a sibling's position is taken from its place
        self._trees = self._croppable and told and not windowed and self._tree_agrees()
        return True

    def _tree_agrees(self) -> bool:
        """Whether alternatives fed side by side under a mask give what each gives by itself, at some distance too."""
        ids = (0, 1, 2) * min(8, (self.context or 27) // 3 - 1)
        root = self._feed(ids, new_cache(self.model), ids)
        try:
            tree = Tree(self.forward, lambda prefix, **_: prefix, root, fork(root.cache), ((1,), (2,))).advance([2, 1])
            went_on = self._feed((*ids, 2, 1, 0), tree.select(1).cache, (0,))
        except UNABLE:
            return False
        first, second, third = (
            self._feed((*ids, *tail), fork(root.cache), tail).logits for tail in ((1, 2), (2, 1), (2, 1, 0))
        )
        pairs = ((first, tree.logits[0]), (second, tree.logits[1]), (third, went_on.logits))
        return all(self._close(alone, together, 4) for alone, together in pairs)

    def _close(self, expected: Tensor, seen: Tensor, roundings: int) -> bool:
        eps = max(torch.finfo(self.model.dtype).eps, torch.finfo(torch.float32).eps)  # some layers compute in float32
        return bool((expected - seen).abs().max() <= roundings * eps * max(1.0, float(expected.abs().max())))


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
