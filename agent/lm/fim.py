"""Tokens of fill-in-the-middle prompts: what stands before a hole, what stands after it, and where the filling goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class FimTokens(NamedTuple):
    """The three marks of one family of models, as text. The filling follows the last one."""

    prefix: str
    suffix: str
    middle: str

    def prompt(self, before: str, after: str) -> str:
        """Return the prompt that asks for what stands between two parts of a program."""
        return f"{self.prefix}{before}{self.suffix}{after}{self.middle}"


# Qwen2.5-Coder and CodeGemma use these marks, and so does the embedded model.
FIM_TOKENS = FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
FIM_FAMILIES = (FIM_TOKENS,)
# Tokens with which some models end a filling, besides those that end every text.
FIM_ENDS = ("<|fim_pad|>", "<|file_sep|>", "<|repo_name|>")


def list_fim_ends(marks: FimTokens, encode: Callable[[str], list[int]]) -> frozenset[int]:
    """Return the tokens that end a filling, besides those that end every text. encode: of what continues a text."""
    tokens = [encode(mark) for mark in (*marks, *FIM_ENDS)]
    return frozenset(ids[0] for ids in tokens if len(ids) == 1)
