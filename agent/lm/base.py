"""A language model as a function of token ids: prefixes are values. No transformers here.

`lm.prefill(ids)` gives a `Prefix`; extending or branching it makes new ones and never changes the old one.
So going back to a pause, catching up a second prompt and resuming after a crash are all just `prefill`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from agent.lm.text import TextStream


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Token ids, the logits that follow them, and the model's own cache for them. Never changed once made."""

    ids: tuple[int, ...]
    logits: Tensor  # [vocab], raw, at least float32
    cache: Any = None  # opaque: only the LM that made it looks inside


class Batch(Protocol):
    """Rows of equal length that grow together, one token each a forward: the rollouts of one lookahead."""

    @property
    def logits(self) -> Tensor:
        """Logits that follow each row. [rows, vocab]."""
        ...

    @property
    def depth(self) -> int:
        """Tokens in each row since the branch, its first included."""
        ...

    def advance(self, tokens: Sequence[int]) -> Batch:
        """Append one token to each row: one forward. This batch stays as it was."""
        ...

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row without its last `drop` tokens (fewer than were advanced), as a prefix. No forward."""
        ...


class LM(Protocol):
    """What decoding needs of a model. Counters only grow; whoever wants a cost takes a difference."""

    @property
    def forwards(self) -> int:
        """Model calls."""
        ...

    @property
    def token_rows(self) -> int:
        """Tokens fed, summed over rows: the work inside those calls."""
        ...

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, from the longest one at hand. Raises UsageError if empty or too long."""
        ...

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward; no tokens, no forward."""
        ...

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix: k alternatives that grow together, one forward."""
        ...

    def trail(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens that may prove wrong, in one forward where the cache can be cropped; the prefix after each."""
        ...


class TextLM(LM, Protocol):
    """A language model that also knows text."""

    @property
    def context(self) -> int | None:
        """The most tokens that prompt and completion may have together."""
        ...

    @property
    def end_ids(self) -> frozenset[int]:
        """Token ids that end a text."""
        ...

    @property
    def chats(self) -> bool:
        """Whether the model expects turns of a conversation."""
        ...

    def encode(self, text: str, *, chat: bool = False, continues: bool = False) -> list[int]:
        """Token ids of a text, of a chat's turn, or of what goes on an earlier text."""
        ...

    def stream_after(self, prompt_ids: list[int]) -> TextStream | None:
        """Text of tokens that follow a prompt."""
        ...


class RowBatch:
    """Rows one by one, for models that cannot batch: the reference that every faster batch must equal."""

    def __init__(self, lm: LM, prefixes: Sequence[Prefix], parent: Batch | None = None) -> None:
        self._lm, self._prefixes, self._parent = lm, list(prefixes), parent
        self.depth: int = 1 + (parent.depth if parent else 0)

    @property
    def logits(self) -> Tensor:
        """Logits that follow each row. [rows, vocab]."""
        return torch.stack([prefix.logits for prefix in self._prefixes])

    def advance(self, tokens: Sequence[int]) -> RowBatch:
        """Append one token to each row: a forward a row."""
        rows = [self._lm.extend(prefix, (token,)) for prefix, token in zip(self._prefixes, tokens, strict=True)]
        return RowBatch(self._lm, rows, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row as it was `drop` tokens ago."""
        if not drop:
            return self._prefixes[row]
        assert self._parent is not None, f"row {row} has fewer than {drop} tokens to drop"
        return self._parent.select(row, drop - 1)


class Trail:
    """Prefixes one token apart, each fed only when it is asked for: for caches that cannot be cropped."""

    def __init__(self, lm: LM, prefix: Prefix, tokens: Sequence[int]) -> None:
        self._lm, self._prefix, self._tokens = lm, prefix, tokens

    def __iter__(self) -> Iterator[Prefix]:
        """Yield the prefix after each token; a forward each."""
        prefix = self._prefix
        for token in self._tokens:
            prefix = self._lm.extend(prefix, (token,))
            yield prefix


def logits_before(lm: LM, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
    """Return the logits before each of one or more tokens that follow a prompt: [len(tokens), vocab].

    What was read is at hand afterwards, for completions that leave these tokens somewhere.
    """
    prefix = lm.prefill(prompt)
    behind = lm.trail(prefix, tokens[:-1]) if len(tokens) > 1 else ()
    return torch.stack([prefix.logits, *(each.logits for each in behind)])


class Shared(NamedTuple):
    """A stored prefix and how many leading ids it has in common with what was asked for."""

    prefix: Prefix
    length: int


@dataclass(slots=True)
class PrefixStore:
    """Recent prefixes, bounded in bytes; the least recently used goes first.

    Holds what was prefilled, and the tip of each line: a longer prefix takes its parent's place. Of caches that cannot
    be cropped it also holds what was branched from.
    """

    max_bytes: int = 512 * 2**20
    _entries: OrderedDict[tuple[int, ...], tuple[Prefix, int]] = field(default_factory=OrderedDict)
    _of_cache: dict[int, set[tuple[int, ...]]] = field(default_factory=dict)  # by the id of a cache that an entry holds
    _bytes: int = 0

    def put(self, prefix: Prefix, nbytes: int, *, instead_of: Prefix | None = None) -> None:
        """Remember a prefix of this size; forget the cache of `instead_of`, and the oldest while over the bound."""
        self._forget(prefix.ids)
        if instead_of is not None:
            for ids in tuple(self._of_cache.get(id(instead_of.cache), ())):
                self._forget(ids)
        self._entries[prefix.ids] = (prefix, nbytes)
        self._of_cache.setdefault(id(prefix.cache), set()).add(prefix.ids)
        self._bytes += nbytes
        while self._bytes > self.max_bytes and len(self._entries) > 1:
            self._forget(next(iter(self._entries)))

    def longest(
        self, ids: tuple[int, ...], *, whole: bool, fits: Callable[[int], bool] = lambda length: True
    ) -> Shared | None:
        """Return the entry sharing most leading ids; `whole` asks for entries that are a prefix of `ids` in full.

        fits: whether the cache of an entry of so many ids is of use for these.
        """
        best: Shared | None = None
        for prefix, _ in self._entries.values():
            length = len(prefix.ids) if ids[: len(prefix.ids)] == prefix.ids else _shared(prefix.ids, ids)
            usable = (length == len(prefix.ids) or not whole) and fits(len(prefix.ids))
            if usable and length > (best.length if best else 0):
                best = Shared(prefix, length)
        if best is not None:
            self._entries.move_to_end(best.prefix.ids)
        return best

    def _forget(self, ids: tuple[int, ...]) -> None:
        if ids not in self._entries:
            return
        prefix, nbytes = self._entries.pop(ids)
        self._bytes -= nbytes
        others = self._of_cache[id(prefix.cache)]
        others.discard(ids)
        if not others:
            del self._of_cache[id(prefix.cache)]

    def __len__(self) -> int:
        return len(self._entries)


def _shared(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
