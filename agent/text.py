"""Text of tokens that arrive one by one, as a value. Encoding is the language model's business."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers.decoders import DecodeStream


@dataclass(frozen=True, slots=True)
class TextStream:
    """Decodes token by token and joins characters that span tokens. Feeding gives a new stream."""

    decoder: DecodeStream
    tokenizer: Any  # a tokenizers.Tokenizer

    @classmethod
    def after(cls, tokenizer: Any, prompt_ids: Sequence[int]) -> TextStream:
        """Return the stream of what follows a prompt; its last tokens decide about spaces at the seam."""
        stream = cls(DecodeStream(skip_special_tokens=True), tokenizer)
        for token in list(prompt_ids)[-8:]:
            stream, _ = stream.feed(token)
        return stream

    def feed(self, token: int) -> tuple[TextStream, str]:
        """Return the stream after `token`, and the text that became complete with it (often all of it, maybe none)."""
        decoder = copy.copy(self.decoder)
        return TextStream(decoder, self.tokenizer), decoder.step(self.tokenizer, token) or ""
