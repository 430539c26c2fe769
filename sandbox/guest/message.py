"""Messages of the child, one a frame: sixteen bytes that sign it, a letter for its kind, and a body."""

from __future__ import annotations

_TOKEN_BYTES = 16  # bytes of a token
UNSIGNED = bytes(_TOKEN_BYTES)  # signs messages that help no program: it was refused, or has no memory left
RETURNED, RAISED, NOT_PLAIN, DONE, REFUSED, MEMORY = b"r", b"x", b"u", b"d", b"c", b"m"


def sign(token: bytes, kind: bytes, body: bytes = b"") -> bytes:
    """Return the message as a payload, signed with the token."""
    return token + kind + body


def split_message(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Split a payload into token, kind and body; what a short payload lacks is empty."""
    return payload[:_TOKEN_BYTES], payload[_TOKEN_BYTES : _TOKEN_BYTES + 1], payload[_TOKEN_BYTES + 1 :]
