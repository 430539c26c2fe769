"""Decode tokens to text one by one, with a tokenizer of the `tokenizers` library."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers.decoders import DecodeStream

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class TokenStream:
    """Decodes token by token and joins characters that span tokens. Feeding gives a new stream.

    Some tokenizers spell unknown characters as bytes, a newline among them. There a stray byte unmakes text that was
    given out already: such text stays, and a replacement character follows it.
    """

    decoder: DecodeStream
    tokenizer: Any  # a tokenizers.Tokenizer

    @classmethod
    def after(cls, tokenizer: Any, prompt_ids: Sequence[int]) -> TokenStream:
        """Return the stream of what follows a prompt; its last tokens decide about spaces at the seam."""
        stream = cls(DecodeStream(skip_special_tokens=True), tokenizer)
        for token in list(prompt_ids)[-8:]:
            stream, _ = stream.feed(token)
        return stream

    def feed(self, token: int) -> tuple[TokenStream, str]:
        """Return the stream after `token`, and the text that became complete with it: often all, maybe none."""
        decoder = copy.copy(self.decoder)
        try:
            text = decoder.step(self.tokenizer, token) or ""
        except Exception:  # noqa: BLE001 - tokenizers raises Exception itself where text that was given out is unmade
            decoder = DecodeStream(skip_special_tokens=True)
            decoder.step(self.tokenizer, token)  # stands before itself, so that a space in front of it is kept
            text = REPLACEMENT + (decoder.step(self.tokenizer, token) or "")
        return TokenStream(decoder, self.tokenizer), text
