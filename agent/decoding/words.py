"""Answers of a chat model in words, token by token. Reads no program, and nothing checks what it says."""

from __future__ import annotations

from collections.abc import Iterator

from agent.decoding.loop import decode
from agent.decoding.policies import POLICIES
from agent.decoding.stops import any_of, end_token, token_limit
from agent.lm.base import Model


def answer_in_words(model: Model, question: str, *, max_tokens: int = 160) -> Iterator[str]:
    """Yield the pieces of a chat model's greedy answer to a question; "…" last where it was cut off.

    Raises ContextLengthError for a question that the model cannot read.
    """
    ids, ends = model.encode_prompt(question, ""), model.tokenizer.end_ids
    stop = any_of(end_token(ends), token_limit(max_tokens))
    for step in decode(model.lm, ids, POLICIES["greedy"], stop=stop, text=model.tokenizer.stream(ids)):
        if step.token not in ends:
            yield step.text
            if step.end is not None:
                yield "…"
