"""Errors as OpenAI's protocol tells them: a status, and an object that says what was wrong."""

from __future__ import annotations

from typing import Any

from agent.errors import ContextLengthError, InvalidRequestError, ModelLoadError
from sandbox.base import SandboxError

_SECONDS = 5  # until a client should ask again


class ApiError(Exception):
    """A request that gets no answer. kind, param, code: as OpenAI's protocol names them."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.param, self.code = status, kind, param, code

    def body(self) -> dict[str, Any]:
        """Return the object that a client gets."""
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        return {"Retry-After": str(_SECONDS)} if self.status in (429, 503) else {}


def explain_failure(error: BaseException) -> ApiError:
    """Return what a client is told about an error. One that nobody expected is a bug, and is told by its class."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ContextLengthError):
        return ApiError(400, str(error), code="context_length_exceeded")
    if isinstance(error, InvalidRequestError | ModelLoadError):  # the second: its template or tokens refuse a text
        return ApiError(400, str(error))
    if isinstance(error, SandboxError):
        return ApiError(503, f"the sandbox failed: {error}", kind="server_error")
    name = type(error).__name__
    return ApiError(500, f"the server failed: {name}: {error}"[:500], kind="server_error")
