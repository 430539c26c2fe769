"""What a job tells while it works on a request: plain values, which `replies` turns into JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias


class Begun(NamedTuple):
    """The request is understood, and the model reads it."""

    prompt_tokens: int


class WrittenToken(NamedTuple):
    """A token of an answer, with the likeliest tokens in its place."""

    text: str
    start: int  # character of the answer
    logprob: float  # nats
    likeliest: tuple[tuple[str, float], ...]  # texts and logprobs, by falling logprob


class AnswerPiece(NamedTuple):
    """A part of an answer."""

    choice: int
    text: str
    tokens: tuple[WrittenToken, ...] = ()


class Notice(NamedTuple):
    """A sentence about work that has no answer yet."""

    sentence: str


class Ended(NamedTuple):
    """The end of an answer."""

    choice: int
    reason: str  # stop or length
    tokens: int  # that were written for it
    dubito: dict[str, Any]  # what this protocol has no field for


JobEvent: TypeAlias = Begun | AnswerPiece | Notice | Ended
TellEvent: TypeAlias = Callable[[JobEvent], None]
Stopped: TypeAlias = Callable[[], bool]  # says whether nobody waits for the answer any more
