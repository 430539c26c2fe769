"""A fake model that fills holes: a table of texts for each hole, and whole files that it knows by heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from trie import SIZE, CharacterTokenizer, TrieLM

from agent.lm.base import Model
from agent.lm.fim import FimTokens

MARKS = FimTokens("<P>", "<S>", "<M>")


@dataclass
class FillingLM(TrieLM):
    """Behind the mark of a hole, `known` says what follows, or `holes` for a prompt that has a text in its prefix.

    Everywhere else a text goes on as the `files` that begin with it do, by weight; a text that begins none of them goes
    on with any character, all alike.
    """

    known: Mapping[str, float] = field(default_factory=dict)
    holes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    files: Mapping[str, float] = field(default_factory=dict)

    def filler(self) -> Model:
        """Return this model with a tokenizer that has marks."""
        return Model(self, CharacterTokenizer(self.prompts, fim=MARKS), "filler")

    def _logits(self, ids: tuple[int, ...]) -> torch.Tensor:
        text = "".join(map(chr, ids))
        prompt, mark, written = text.rpartition(MARKS.middle)
        if mark:
            before = prompt.partition(MARKS.suffix)[0]
            table = next((table for part, table in self.holes.items() if part in before), self.known)
        else:
            table, written = self.files, text
        weights = torch.zeros(SIZE, dtype=torch.float64)
        for known, weight in table.items():
            if known.startswith(written):
                weights[ord(known[len(written)]) if len(known) > len(written) else 0] += weight
        return (weights / weights.sum() if weights.sum() else torch.full((SIZE,), 1 / SIZE, dtype=torch.float64)).log()
