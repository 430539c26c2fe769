"""Addresses to serve at, and who can reach them. Opens none."""

from __future__ import annotations

import ipaddress
import re

from agent.errors import InvalidRequestError
from agent.messages import quote

_HOST = re.compile(r"[\w.:-]{1,253}")


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(host: str) -> None:
    """Raise InvalidRequestError for what is no address and no name of a machine."""
    if not _HOST.fullmatch(host):
        raise InvalidRequestError(f"{quote(host)} is no address; wanted one such as 127.0.0.1, ::1 or localhost")


def check_token(token: str) -> None:
    """Raise InvalidRequestError for a token that no header can carry."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidRequestError(
            "the token is empty, or holds more than letters, digits and signs; choose another one"
        )


def check_reach(host: str, token: str | None) -> None:
    """Raise InvalidRequestError for an address that others can reach, where no token keeps them out."""
    if token is None and not is_loopback(host):
        raise InvalidRequestError(
            f"others can reach this machine at {quote(host)}, and any of them could use the model; give a token that "
            "they have to bring"
        )
