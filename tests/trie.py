"""A fake model that knows a few programs by heart, each with its probability; a token is a character."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from agent.lm.base import Batch, Message, Model, Prefix
from agent.lm.fim import FimTokens
from agent.lm.reference import RowBatch, extend_each
from agent.program.styles import PROMPT_STYLES, PromptStyle, Turn

PLAIN_CHAT = PromptStyle(  # begins no answer
    "plain chat", Turn("Write:\n```python\n{request}\n```{tests}"), Turn("Write: {request}{naming}{tests}")
)
SIZE = 128  # ASCII; 0 ends a text


class Characters:
    """Text of tokens that are characters."""

    def feed(self, token: int) -> tuple[Characters, str]:
        """Return the same stream and the character."""
        return self, chr(token) if token else ""


@dataclass(frozen=True)
class CharacterTokenizer:
    """A character a token; 0 ends a text. Notes the prompts, so that the model knows where a completion begins."""

    prompts: set[tuple[int, ...]]
    opening: str = ""  # what the chat template puts behind a request
    end_ids: frozenset[int] = frozenset({0})
    fim: FimTokens | None = None

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the characters' numbers; a whole text is noted as a prompt."""
        ids = [ord(character) for character in text]
        if not continues:
            self.prompts.add(tuple(ids))
        return ids

    def chat(self, request: str, *, system: str | None = None, opening: str = "") -> list[int]:
        """Return the request's characters, what opens the answer, and what the answer begins with."""
        return self.encode((system or "") + request + self.opening + opening)

    def converse(self, messages: Sequence[Message]) -> list[int]:
        """Return the characters of the messages, each behind its role, and what opens the answer."""
        return self.encode("".join(f"<{role}>{content}" for role, content in messages) + self.opening)

    def find_tokens(self, beginning: str) -> frozenset[int]:
        """Return the character that is this text, if it is one."""
        return frozenset({ord(beginning)} if len(beginning) == 1 else ())

    def stream(self, prompt_ids: Sequence[int]) -> Characters:
        """Return a stream of characters; what it follows is noted as a prompt."""
        self.prompts.add(tuple(prompt_ids))
        return Characters()


@dataclass
class TrieLM:
    """Completions of any prompt, with weights; after `repairs_from` in a prompt, those of `repaired`.

    The next character's probability is the share of weight that goes on with it. A text nobody knows ends.
    """

    known: Mapping[str, float]
    repaired: Mapping[str, float] = field(default_factory=dict)
    repairs_from: str = "# A corrected version:"
    forwards: int = 0
    token_rows: int = 0
    context: int | None = None
    prompts: set[tuple[int, ...]] = field(default_factory=set)
    asked: set[tuple[int, ...]] = field(default_factory=set)  # all ids fed, to count what is fed twice
    again: int = 0

    def model(self, *, style: PromptStyle = PROMPT_STYLES["completion"], opening: str = "") -> Model:
        """Return this model with its tokenizer, asked in a style."""
        return Model(self, CharacterTokenizer(self.prompts, opening), "trie", prompt_style=style)

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Look the completion up. What was asked before is at hand, and no forward."""
        key = tuple(ids)
        if key not in self.asked:
            self.forwards += 1
            self.token_rows += 1
            self.asked.add(key)
        else:
            self.again += 1
        return Prefix(key, self._logits(key))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Look up the longer text."""
        return self.prefill((*prefix.ids, *tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Look up each row."""
        return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Look up each longer prefix, when it is asked for."""
        return extend_each(self, prefix, tokens)

    def _logits(self, ids: tuple[int, ...]) -> torch.Tensor:
        prompt = max((p for p in self.prompts if ids[: len(p)] == p), key=len)
        completion = "".join(map(chr, ids[len(prompt) :]))
        repairing = self.repaired and self.repairs_from in "".join(map(chr, prompt))
        weights = torch.zeros(SIZE, dtype=torch.float64)
        for text, weight in (self.repaired if repairing else self.known).items():
            if text.startswith(completion):
                weights[ord(text[len(completion)]) if len(text) > len(completion) else 0] += weight
        if not weights.sum():
            weights[0] = 1.0
        return (weights / weights.sum()).log()
