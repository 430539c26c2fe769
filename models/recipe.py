"""The recipe of the embedded model: everything that decides the weights, except the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """The options of a training run; each is an option of the command line."""

    seed: int = 1
    documents: int = 80_000
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    intermediate: int = 704
    context: int = 1024
    rows: int = 4
    steps: int = 3_000
    rate: float = 4e-3
    rate_rest: float = 3e-3


OPTION_HELP = {
    "seed": "seed of the corpus and the weights",
    "documents": "documents of the corpus",
    "vocabulary": "tokens of the tokenizer",
    "hidden": "width of the model",
    "layers": "layers of the model",
    "heads": "attention heads of a layer",
    "intermediate": "width of the feed-forward layers",
    "context": "tokens of a row, and the longest context",
    "rows": "rows of one step",
    "steps": "steps of the schedule",
    "rate": "peak learning rate of the matrices (Muon)",
    "rate_rest": "peak learning rate of embedding and norms (AdamW)",
}
