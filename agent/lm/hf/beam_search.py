"""Beam search by transformers' own `generate`, counted. A yardstick: nothing in this project decodes so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from agent.lm.hf.model import HFLM


def beam_search(
    lm: HFLM,
    prompt: Sequence[int],
    *,
    width: int,
    returned: int,
    max_tokens: int,
    end_ids: frozenset[int],
    forbidden_first: Sequence[int] = (),
) -> list[list[int]]:
    """Return the best beams, best first, each up to and including its end token."""
    ids = torch.tensor([list(prompt)], device=lm.model.device)
    ends = sorted(end_ids) or None
    with _counted(lm):
        out = lm.model.generate(
            ids, attention_mask=torch.ones_like(ids), num_beams=width, num_return_sequences=returned, do_sample=False,
            eos_token_id=ends, pad_token_id=ends[0] if ends else None, max_new_tokens=max_tokens,
            begin_suppress_tokens=list(forbidden_first) or None,
        )  # fmt: skip
    return [_up_to_end(tokens, end_ids) for tokens in out[:, len(prompt) :].tolist()]


def _up_to_end(tokens: list[int], end_ids: frozenset[int]) -> list[int]:
    return next((tokens[: at + 1] for at, token in enumerate(tokens) if token in end_ids), tokens)


@contextmanager
def _counted(lm: HFLM) -> Iterator[None]:
    """Count the model's calls, and the tokens fed to it, as the LM's own."""

    def count(module: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        ids = options.get("input_ids", arguments[0] if arguments else None)
        lm.forwards += 1
        lm.token_rows += int(ids.numel()) if ids is not None else 0

    hook = lm.model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()
