"""Write answers as OpenAI's protocol has them: whole, and in chunks of a stream."""

from __future__ import annotations

import json
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from agent.servers.openai.events import AnswerPiece, Begun, Ended, JobEvent, Notice, WrittenToken

STREAM_END = b"data: [DONE]\n\n"


class Shape(Protocol):
    """How one kind of request is answered."""

    prefix: ClassVar[str]  # of ids
    whole: ClassVar[str]  # object of an answer
    chunk: ClassVar[str]  # object of a part of one

    def begin(self) -> dict[str, Any] | None:
        """Return what the first chunk of a choice says; None where a stream begins with text."""
        ...

    def part(self, text: str, tokens: Sequence[WrittenToken], *, whole: bool) -> dict[str, Any]:
        """Return a text and its tokens as a choice has them. whole: it is all of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class ChatShape:
    """Answers of /v1/chat/completions. tells_logprobs: of each token."""

    tells_logprobs: bool
    prefix: ClassVar[str] = "chatcmpl"
    whole: ClassVar[str] = "chat.completion"
    chunk: ClassVar[str] = "chat.completion.chunk"

    def begin(self) -> dict[str, Any] | None:
        """Say who speaks."""
        return {"delta": {"role": "assistant", "content": ""}, "logprobs": None}

    def part(self, text: str, tokens: Sequence[WrittenToken], *, whole: bool) -> dict[str, Any]:
        """Return a message, or what is new of it."""
        logprobs = {"content": [_write_logprob(each) for each in tokens], "refusal": None}
        content: dict[str, Any] = {"content": text} if text or whole else {}
        message = {"message": {"role": "assistant", **content, "refusal": None}} if whole else {"delta": content}
        return {**message, "logprobs": logprobs if self.tells_logprobs and (tokens or whole) else None}


@dataclass(frozen=True, slots=True)
class TextShape:
    """Answers of /v1/completions. tells_logprobs: of each token."""

    tells_logprobs: bool
    prefix: ClassVar[str] = "cmpl"
    whole: ClassVar[str] = "text_completion"
    chunk: ClassVar[str] = "text_completion"

    def begin(self) -> dict[str, Any] | None:
        """Say nothing: a text begins with its first piece."""
        return None

    def part(self, text: str, tokens: Sequence[WrittenToken], *, whole: bool) -> dict[str, Any]:
        """Return a text, or what is new of it."""
        logprobs = {  # of tokens with the same text, the likeliest counts
            "tokens": [each.text for each in tokens],
            "token_logprobs": [each.logprob for each in tokens],
            "top_logprobs": [{text: logprob for text, logprob in reversed(each.likeliest)} for each in tokens],
            "text_offset": [each.start for each in tokens],
        }
        return {"text": text, "logprobs": logprobs if self.tells_logprobs and (tokens or whole) else None}


def _write_logprob(token: WrittenToken) -> dict[str, Any]:
    return {
        **_write_way(token.text, token.logprob),
        "top_logprobs": [_write_way(text, logprob) for text, logprob in token.likeliest],
    }


def _write_way(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


@dataclass(slots=True)
class Reply:
    """What is known of the answer to one request, as its events arrive."""

    shape: Shape
    model: str
    tells_usage: bool = False  # in a stream
    prompt_tokens: int = 0
    ends: dict[int, Ended] = field(default_factory=dict)
    _pieces: dict[int, list[AnswerPiece]] = field(default_factory=lambda: defaultdict(list))
    _id: str = field(default_factory=lambda: secrets.token_hex(12))
    _created: int = field(default_factory=lambda: int(time.time()))
    _begun: set[int] = field(default_factory=set)

    @property
    def tokens(self) -> int:
        """The tokens that were written for it, as far as is known."""
        pieces = (piece for choice, pieces in self._pieces.items() if choice not in self.ends for piece in pieces)
        return sum(end.tokens for end in self.ends.values()) + sum(len(piece.tokens) for piece in pieces)

    def describe_end(self) -> str:
        """Return how the choices ended, as in "verified" and "stop": by their claims, else by their reasons."""
        return ", ".join(dict.fromkeys(end.dubito["claim"] or end.reason for end in self.ends.values()))

    def note(self, event: JobEvent) -> None:
        """Keep what an event tells."""
        if isinstance(event, Begun):
            self.prompt_tokens = event.prompt_tokens
        elif isinstance(event, AnswerPiece):
            self._pieces[event.choice].append(event)
        elif isinstance(event, Ended):
            self.ends[event.choice] = event

    def write_whole(self) -> dict[str, Any]:
        """Return the answer that has ended."""
        choices = []
        for number, end in sorted(self.ends.items()):
            pieces = self._pieces[number]
            text, tokens = "".join(each.text for each in pieces), [token for each in pieces for token in each.tokens]
            choices.append(self._write_choice(number, self.shape.part(text, tokens, whole=True), end))
        return {**self._head(self.shape.whole), "choices": choices, "usage": self._write_usage()}

    def stream(self, event: JobEvent) -> Iterator[bytes]:
        """Yield what a stream says at an event, which was noted."""
        if isinstance(event, Notice):
            yield f": {event.sentence}\n\n".encode()
        elif isinstance(event, AnswerPiece | Ended):
            first = self.shape.begin() if event.choice not in self._begun else None
            self._begun.add(event.choice)
            if first is not None:
                yield self._write_chunk([self._write_choice(event.choice, first)])
            end = event if isinstance(event, Ended) else None
            text, tokens = (event.text, event.tokens) if isinstance(event, AnswerPiece) else ("", ())
            yield self._write_chunk([self._write_choice(event.choice, self.shape.part(text, tokens, whole=False), end)])

    def end_stream(self) -> Iterator[bytes]:
        """Yield what ends a stream."""
        if self.tells_usage:
            yield write_event({**self._head(self.shape.chunk), "choices": [], "usage": self._write_usage()})
        yield STREAM_END

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": f"{self.shape.prefix}-{self._id}", "object": kind, "created": self._created, "model": self.model}

    def _write_choice(self, number: int, part: dict[str, Any], end: Ended | None = None) -> dict[str, Any]:
        choice = {"index": number, **part, "finish_reason": end.reason if end else None}
        return choice | ({"dubito": end.dubito} if end else {})

    def _write_chunk(self, choices: Iterable[dict[str, Any]]) -> bytes:
        usage = {"usage": None} if self.tells_usage else {}
        return write_event({**self._head(self.shape.chunk), "choices": list(choices), **usage})

    def _write_usage(self) -> dict[str, int]:
        written = self.tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self.prompt_tokens + written,
        }


def write_event(record: dict[str, Any]) -> bytes:
    """Return one event of a stream."""
    return f"data: {json.dumps(record, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
