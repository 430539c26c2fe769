"""Train a byte-level BPE tokenizer for Python. Any text survives a round trip; line break and indent are one token."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from agent.lm.fim import FIM_TOKENS
from models.corpus import END

# Words and digits with a space before them, punctuation, and whitespace without the space that the next word takes.
_PIECES = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SPECIAL = [END, *FIM_TOKENS, "<|fim_pad|>"]


def train_tokenizer(texts: Iterable[str], vocabulary: int, file: Path) -> None:
    """Learn merges from texts and write them to a tokenizer.json."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(file))


def read_tokenizer(file: Path) -> Any:
    """Read a tokenizer.json as a tokenizer of transformers. It adds no token before a text."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # transformers leaves it untyped
        tokenizer_file=str(file),
        eos_token=END,
        pad_token=END,
        additional_special_tokens=_SPECIAL[1:],
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )
