"""The code of AdaDec's authors, as the package index has it (adadec 0.1.0), on token ids alone: to time it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from benchmarks.speed.bench import TimedRun, read_clock


def complete_as_authors(model: Any, prompt: Sequence[int], tokens: int, threshold: float) -> TimedRun | None:
    """Complete a prompt with their generator, which has no cache; None where the package is not installed."""
    if find_spec("adadec") is None:
        return None
    from adadec.generator import Generator  # noqa: PLC0415 - it may not be installed

    tokenizer = _Ids(prompt, model.device)
    with NamedTemporaryFile("w") as no_stops:
        no_stops.write("[]")
        no_stops.flush()
        generator = Generator(
            model, tokenizer, "", decoding_mode="AdaFixL", entropy_threshold=threshold, stop_words_file=no_stops.name
        )
    start = read_clock()
    generator.generate("", max_new_tokens=tokens)
    return TimedRun(read_clock() - start, tokenizer.last[len(prompt) :], 0)


class _Ids:
    """A tokenizer that gives the same ids for every text, and no text for any ids."""

    eos_token_id = pad_token_id = -1

    def __init__(self, prompt: Sequence[int], device: torch.device) -> None:
        self._input_ids = torch.tensor([list(prompt)], device=device)
        self.last: list[int] = []  # the ids that came last: at the end, the prompt and its completion

    def __call__(self, text: str | list[str], **options: Any) -> SimpleNamespace:
        return SimpleNamespace(input_ids=self._input_ids)

    def decode(self, token_ids: Tensor, **options: Any) -> str:
        self.last = token_ids.tolist()
        return ""

    def batch_decode(self, token_ids: list[list[int]], **options: Any) -> list[str]:
        return [""] * len(token_ids)
