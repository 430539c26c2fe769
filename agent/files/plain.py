"""Turn any value into plain data for JSON. Models and programs may make anything; nothing here raises for it."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

_DEEPEST = 100  # levels of nesting
_MOST_BITS = 1024  # of an integer; a longer one is no float, and readers of JSON fail on it


def make_plain(value: Any, depth: int = 0) -> Any:
    """Return plain data: null for an infinite number or NaN, a text for what JSON cannot hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _MOST_BITS else f"a whole number of {value.bit_length()} bits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str | bytes | bytearray):
        return _text(value)
    if depth == _DEEPEST:
        return "nested too deeply"
    return _plain_parts(value, depth + 1)


def _plain_parts(value: Any, depth: int) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        if hasattr(value, "record"):  # what it shows a reader, beside its fields
            return make_plain(value.record(), depth)
        return {each.name: make_plain(getattr(value, each.name), depth) for each in fields(value)}
    if isinstance(value, dict):
        return {_key(key): make_plain(item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [make_plain(item, depth) for item in value]
    item = getattr(value, "item", None)  # a number of numpy or torch
    return make_plain(item(), depth) if callable(item) and getattr(value, "shape", None) == () else _text(str(value))


def _key(key: Any) -> str:
    plain_key = make_plain(key)
    return plain_key if isinstance(plain_key, str) else _text(str(key if plain_key is None else plain_key))


def _text(value: str | bytes | bytearray) -> str:
    """Return text that UTF-8 can encode. Lone surrogates and invalid bytes become escapes."""
    data = value.encode("utf-8", "backslashreplace") if isinstance(value, str) else bytes(value)
    return data.decode("utf-8", "backslashreplace")
