"""A transformers tokenizer as a `Tokenizer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent.errors import ModelLoadError
from agent.lm.base import Message, OffsetIds
from agent.lm.fim import FIM_FAMILIES, FimTokens
from agent.lm.hf.chat import render_conversation, render_request
from agent.lm.hf.load import explain_load_errors
from agent.lm.hf.text import TokenStream
from agent.messages import quote


@dataclass(frozen=True, slots=True)
class HFTokenizer:
    """A fast tokenizer of transformers."""

    tokenizer: Any
    end_ids: frozenset[int]
    vocab_size: int  # rows of the model's embedding: the token ids that it knows

    @property
    def fim(self) -> FimTokens | None:
        """Marks of a fill-in-the-middle prompt: those that are one token each."""
        return next((marks for marks in FIM_FAMILIES if all(map(self._is_token, marks))), None)

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the token ids of a text, or of what `continues` an earlier text.

        Raises ModelLoadError for a text that the model has no tokens for.
        """
        ids = self._ids(text, add_special_tokens=not continues)
        return self._without_end(ids)

    def chat(self, request: str, *, system: str | None = None, opening: str = "") -> list[int]:
        """Return the token ids of a chat with this request, and of the text with which its answer begins.

        system: the system prompt; None for the template's own. Raises ModelLoadError without a template.
        """
        text = render_request(self.tokenizer, request, system=system, opening=opening)
        return self._ids(text, add_special_tokens=False)

    def converse(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of a conversation, up to the start of its next answer. Raises ModelLoadError."""
        return self._ids(render_conversation(self.tokenizer, messages), add_special_tokens=False)

    def encode_with_offsets(self, text: str, *, continues: bool = False) -> OffsetIds:
        """Encode a text, or what `continues` one. Raises ModelLoadError where the tokenizer cannot tell offsets."""
        try:
            encoding = self.tokenizer(text, add_special_tokens=not continues, return_offsets_mapping=True)
        except (NotImplementedError, TypeError) as error:
            raise ModelLoadError(
                "this model's tokenizer does not say where its tokens begin; choose a model with a fast tokenizer"
            ) from error
        ids = self._without_end(list(encoding["input_ids"]))
        return OffsetIds(ids, [start for start, _ in encoding["offset_mapping"]][: len(ids)])

    def find_tokens(self, beginning: str) -> frozenset[int]:
        """Return the tokens whose text, without blanks before it, begins so."""
        return _find_tokens(self.tokenizer, beginning)

    def stream(self, prompt_ids: Sequence[int]) -> TokenStream:
        """Return the text stream of what follows a prompt."""
        return TokenStream.after(self.tokenizer.backend_tokenizer, prompt_ids)

    def _ids(self, text: str, *, add_special_tokens: bool) -> list[int]:
        with explain_load_errors("put the text into the model's tokens"):
            ids = list(self.tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"])
            if max(ids, default=0) >= self.vocab_size:
                raise ValueError(f"its tokenizer gives token {max(ids)}, and the model knows {self.vocab_size} tokens")
        return ids

    def _without_end(self, ids: list[int]) -> list[int]:
        """Drop the end token that some tokenizers put behind every text: a prompt goes on."""
        return ids[:-1] if len(ids) > 1 and ids[-1] in self.end_ids else ids

    def _is_token(self, text: str) -> bool:
        return len(self.encode(text, continues=True)) == 1


@lru_cache(maxsize=8)
def _find_tokens(tokenizer: Any, beginning: str) -> frozenset[int]:
    # Every kind of vocabulary spells printable ASCII as itself, so few tokens need to be decoded.
    ids = [number for token, number in tokenizer.get_vocab().items() if beginning[0] in token]
    return frozenset(number for number in ids if tokenizer.decode([number]).lstrip().startswith(beginning))


def read_end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the token ids that end a text, by the model's generation config, its config and the tokenizer.

    Raises ModelLoadError where one of them names no token ids.
    """
    sources = (getattr(model, "generation_config", None), model.config, tokenizer)
    entries = [getattr(source, "eos_token_id", None) for source in sources]
    ids = [i for entry in entries if entry is not None for i in (entry if isinstance(entry, list) else [entry])]
    odd = next((i for i in ids if not isinstance(i, int)), None)
    if odd is not None:
        raise ModelLoadError(f"the model's eos_token_id holds {quote(odd)}; wanted token ids, as whole numbers")
    return frozenset(ids)
