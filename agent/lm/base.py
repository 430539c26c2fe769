"""A language model as a function of token ids: prefixes are values. No transformers here.

`lm.prefill(ids)` gives a `Prefix`; extending or branching it makes new ones and never changes the old one.
So going back to a pause, catching up a second prompt and resuming after a crash are all just `prefill`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
        """Return the prefix of these ids, from the longest stored. Raises InvalidRequestError, ContextLengthError."""
        ...

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward; no tokens, no forward."""
        ...

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix: k alternatives that grow together, one forward."""
        ...

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
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
