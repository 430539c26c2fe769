"""What the child says, one frame each: sixteen bytes that sign it, a letter for its kind, and a body."""

from __future__ import annotations

_TOKEN_BYTES = 16  # bytes of a token
UNSIGNED = bytes(_TOKEN_BYTES)  # on what helps no program: that it was refused, or has no memory left
RETURNED, RAISED, NOT_PLAIN, DONE, REFUSED, MEMORY = b"r", b"x", b"u", b"d", b"c", b"m"


def sign(token: bytes, kind: bytes, body: bytes = b"") -> bytes:
    """The message as a payload."""
    return token + kind + body


def split_message(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Token, kind and body of a payload; of one too short, what there is."""
    return payload[:_TOKEN_BYTES], payload[_TOKEN_BYTES : _TOKEN_BYTES + 1], payload[_TOKEN_BYTES + 1 :]
