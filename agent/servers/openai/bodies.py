"""Read the bodies of requests. What would change the answer and cannot be done is refused; the rest is ignored."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agent.lm.base import Message
from agent.messages import shorten_repr
from agent.servers.openai.failures import ApiError

_MOST_CHOICES, _MOST_STOPS, _MOST_TOP = 64, 64, 20
# Fields that would change the answer in a way that this server cannot.
_REFUSED = (
    "tools", "functions", "response_format", "logit_bias", "frequency_penalty", "presence_penalty", "best_of", "echo",
    "audio",
)  # fmt: skip
Body = TypeVar("Body", bound="RequestBody")


def _read_content(value: object) -> object:
    """Return the text of a message: as it is, or out of its parts."""
    if value is None:
        return ""
    if isinstance(value, list):
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
            raise ValueError("this model reads text alone; wanted a text, or parts of the type text")
        return "".join(part["text"] for part in value)
    return value


def _read_texts(value: object) -> object:
    """Return one text or a list of them as a list."""
    return [value] if isinstance(value, str) else value


MessageText = Annotated[str, BeforeValidator(_read_content)]
Texts = Annotated[list[str], BeforeValidator(_read_texts)]
StopText = Annotated[str, Field(min_length=1, max_length=200)]
Stops = Annotated[list[StopText], BeforeValidator(_read_texts), Field(max_length=_MOST_STOPS)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class ChatTurn(_Record):
    """A message of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: MessageText = ""


class _StreamOptions(_Record):
    include_usage: bool | None = None


class RequestBody(_Record):
    """The fields that both kinds of requests have."""

    model_config = ConfigDict(extra="allow")  # others are looked at, too

    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=_MOST_CHOICES)
    stop: Stops | None = None
    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None

    @property
    def tells_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)


class ChatBody(RequestBody):
    """The body of a request to /v1/chat/completions."""

    messages: list[ChatTurn] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=_MOST_TOP)

    @property
    def longest(self) -> int | None:
        """The most tokens of an answer; None where the request says no number."""
        return self.max_completion_tokens or self.max_tokens

    def read_messages(self) -> list[Message]:
        """Return the messages. What a developer says is a system prompt."""
        return [Message(each.role.replace("developer", "system"), each.content) for each in self.messages]


class CompletionBody(RequestBody):
    """The body of a request to /v1/completions."""

    prompt: Texts = Field(min_length=1, max_length=_MOST_CHOICES)
    suffix: str | None = None
    logprobs: int | None = Field(None, ge=0, le=_MOST_TOP)


def read_body(kind: type[Body], data: bytes) -> Body:
    """Return the body of a request. Raises ApiError with the first thing that is wrong in it."""
    try:
        body = kind.model_validate_json(data)
    except ValidationError as error:
        raise _explain(error) from error
    others = body.model_extra or {}
    for name in _REFUSED:
        if others.get(name) and not _asks_for_nothing(name, others[name]):
            raise ApiError(
                400, f"this server cannot do what {name!r} asks for; leave it out", param=name,
                code="unsupported_parameter",
            )  # fmt: skip
    return body


def _asks_for_nothing(name: str, value: object) -> bool:
    return (name == "best_of" and value == 1) or (name == "response_format" and value == {"type": "text"})


def _explain(error: ValidationError) -> ApiError:
    """Return the first of the errors in a body."""
    first = error.errors(include_url=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return ApiError(400, f"the body is no JSON ({message.removeprefix('Invalid JSON: ')}); wanted a JSON object")
    place = ".".join(str(part) for part in first["loc"])
    if not place:
        return ApiError(400, 'the body is no JSON object; wanted one, as in {"model": …}')
    if first["type"] == "missing":
        return ApiError(400, f"{place} is missing", param=place)
    return ApiError(400, f"{place} is {shorten_repr(first['input'])}: {message[:1].lower()}{message[1:]}", param=place)
