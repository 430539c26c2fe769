"""Who may ask: a program on this machine, or one that knows the token. Web pages of other sites may not."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.servers.openai.addresses import is_loopback
from agent.servers.openai.failures import ApiError

_OPEN_PATHS = ("/health",)  # without the token


@dataclass(frozen=True, slots=True)
class AccessGuard:
    """Refuses requests before they are read. token: empty where none is needed. local: served to this machine alone."""

    app: ASGIApp
    token: str
    local: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            error = self._find_refusal(Headers(scope=scope), scope["path"])
            if error is not None:
                await JSONResponse(error.body(), error.status, error.headers())(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _find_refusal(self, headers: Headers, path: str) -> ApiError | None:
        if self.local and not is_loopback(_host_in(f"//{headers.get('host', '')}")):
            # A page whose name was made to mean this machine (DNS rebinding) still says its own name here.
            return ApiError(
                403, "this server answers to localhost alone; ask it under that name, or serve with a token"
            )
        origin = headers.get("origin", "")
        if self.local and origin.startswith(("http://", "https://")) and not is_loopback(_host_in(origin)):
            return ApiError(403, "pages of other sites may not ask this server")
        if self.token and path not in _OPEN_PATHS:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), self.token.encode()):
                return ApiError(401, "wrong or missing token; send it as the API key", code="invalid_api_key")
        return None


def _host_in(url: str) -> str:
    """Return the host of a URL; nothing where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
