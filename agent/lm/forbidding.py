"""A language model that may not begin an answer with certain tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.lm.base import LM, Batch, Prefix


@dataclass(frozen=True, slots=True)
class Forbidding:
    """Gives the tokens no probability right behind the prompts, and leaves every other distribution as it is.

    All that read the first distribution read the same one: gates, samplers, resolvers, forks, a resumed run.
    """

    lm: LM
    prompts: frozenset[tuple[int, ...]]
    tokens: tuple[int, ...]

    @property
    def forwards(self) -> int:
        """Model calls so far."""
        return self.lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed so far, summed over rows."""
        return self.lm.token_rows

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and completion together."""
        return self.lm.context

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids."""
        return self._forbid(self.lm.prefill(ids))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        return self._forbid(self.lm.extend(prefix, tokens))

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix. No row of a branch is a prompt."""
        return self.lm.branch(prefix, tokens)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append draft tokens; return the prefix after each."""
        return map(self._forbid, self.lm.extend_each(prefix, tokens))

    def _forbid(self, prefix: Prefix) -> Prefix:
        if prefix.ids not in self.prompts:
            return prefix
        logits = prefix.logits.clone()
        logits[list(self.tokens)] = -float("inf")
        return replace(prefix, logits=logits, summary=None)
