"""Encode plain data as JSON text, exactly, and decode it from anybody, safely. Unlike pickle it runs nothing.

Plain are None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset and dict, nested, of exactly these
types. Anything else, a cycle, or nesting deeper than `_DEEPEST` is not plain.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, TypeVar

_DEEPEST = 100
_WIDEST_NUMBER = 1 << 53  # larger ints travel as hex: decimal takes quadratic time, and Python stops at 4,300 digits
_MOST_COLLISIONS = 1000  # equal hashes in one set or dict; more would make the decoding side quadratic
_MOST_BYTES = 256 << 20  # of memory for the decoded values of one budget
_LIST, _TAGGED, _ITEM = 72, 420, 48  # bytes of a decoded list, of a tagged container, of an item in any of them
_BETWEEN_LOOKS = 64  # entries of sets and dicts between two looks at the clock

_T = TypeVar("_T")


class PlainError(ValueError):
    """The value is not plain data, or the bytes are not its encoding."""


class DecodingLimitError(PlainError):
    """Decoding would take more memory than its budget, or took more time."""

    def __init__(self, limit: str) -> None:
        """limit: "bytes" or "seconds"."""
        super().__init__(f"decoding reached its limit of {limit}")
        self.limit = limit


class DecodingBudget:
    """What decoding may cost: cpu seconds of this thread, and bytes of memory. Several values may share a budget."""

    def __init__(self, seconds: float = math.inf, most_bytes: int = _MOST_BYTES) -> None:
        self._end = time.thread_time() + seconds
        self._bytes = most_bytes

    def take(self, data: bytes) -> None:
        """Subtract the most memory that decoding these bytes can take. Raises DecodingLimitError."""
        containers = _LIST * data.count(b"[") + _TAGGED * data.count(b"{")
        self._bytes -= containers + _ITEM * data.count(b",") + 4 * len(data)  # a character takes up to 4 bytes
        if self._bytes < 0:
            raise DecodingLimitError("bytes")

    def timed(self, entries: Iterable[_T]) -> Iterator[_T]:
        """Yield the entries of a set or dict and watch the clock: a program may choose hashes that collide.

        Raises DecodingLimitError when the time is up.
        """
        left = iter(entries)
        while chunk := tuple(islice(left, _BETWEEN_LOOKS)):
            if time.thread_time() > self._end:
                raise DecodingLimitError("seconds")
            yield from chunk


def dumps(value: Any) -> bytes:
    """Encode a value as ASCII JSON. Raises PlainError for a value that is not plain."""
    try:
        return json.dumps(_wrap(value, 0), separators=(",", ":"), allow_nan=False).encode("ascii")
    except RecursionError as error:
        raise PlainError("nested too deeply for this stack") from error


def loads(data: bytes, budget: DecodingBudget | None = None) -> Any:
    """Decode a value. Raises PlainError, and nothing else, whatever the bytes are.

    Past the budget it raises DecodingLimitError, which is a PlainError.
    """
    budget = budget or DecodingBudget()
    budget.take(data)
    try:
        return _unwrap(json.loads(data.decode("ascii"), parse_constant=_refuse), 0, budget)
    except PlainError:
        raise
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise PlainError(f"not the encoding of plain data: {type(error).__name__}") from error


def _wrap(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -_WIDEST_NUMBER < value < _WIDEST_NUMBER else {"int": hex(value)}
    if kind is str:
        return _wrap_text(value)
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if depth == _DEEPEST:
        raise PlainError(f"nested deeper than {_DEEPEST}, or within itself")
    return _wrap_large(value, kind, depth + 1)


def _wrap_text(value: str) -> Any:
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # JSON would join two lone surrogates into one character
        return {"str": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")}
    return value


def _wrap_large(value: Any, kind: type, depth: int) -> Any:
    if kind is list:
        return [_wrap(item, depth) for item in value]
    if kind in (tuple, set, frozenset):
        return {kind.__name__: [_wrap(item, depth) for item in value]}
    if kind is dict:
        return {"dict": [[_wrap(key, depth), _wrap(item, depth)] for key, item in value.items()]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if kind is complex:
        return {"complex": [_wrap(value.real, depth), _wrap(value.imag, depth)]}
    raise PlainError(f"not plain data: {kind.__name__}")


def _unwrap(value: Any, depth: int, budget: DecodingBudget) -> Any:
    if type(value) is list:
        return _items(value, depth, budget)
    if type(value) is not dict:
        return value
    if len(value) != 1:
        raise PlainError("a tagged value with other than one tag")
    ((tag, body),) = value.items()
    reader = _READERS.get(tag)
    if reader is None:
        raise PlainError(f"an unknown tag: {tag[:20]!r}")
    return reader(body, depth, budget)


def _items(body: Any, depth: int, budget: DecodingBudget) -> list[Any]:
    if type(body) is not list or depth == _DEEPEST:
        raise PlainError(f"not a list, or nested deeper than {_DEEPEST}")
    return [_unwrap(item, depth + 1, budget) for item in body]


def _int(body: Any, _depth: int, _budget: DecodingBudget) -> int:
    return int(body, 16)


def _float(body: Any, _depth: int, _budget: DecodingBudget) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise PlainError("a tagged float that is finite")
    return float(body)


def _complex(body: Any, depth: int, budget: DecodingBudget) -> complex:
    real, imag = _items(body, depth, budget)
    if type(real) is not float or type(imag) is not float:
        raise PlainError("a complex number whose parts are not floats")
    return complex(real, imag)


def _text(body: Any, _depth: int, _budget: DecodingBudget) -> str:
    return base64.b64decode(body, validate=True).decode("utf-8", "surrogatepass")


def _bytes(body: Any, _depth: int, _budget: DecodingBudget) -> bytes:
    return base64.b64decode(body, validate=True)


def _tuple(body: Any, depth: int, budget: DecodingBudget) -> tuple[Any, ...]:
    return tuple(_items(body, depth, budget))


def _set(body: Any, depth: int, budget: DecodingBudget) -> set[Any]:
    items = _hashable(_items(body, depth, budget))
    value = set(budget.timed(items))
    _check_distinct(value, items)
    return value


def _frozenset(body: Any, depth: int, budget: DecodingBudget) -> frozenset[Any]:
    return frozenset(_set(body, depth, budget))


def _dict(body: Any, depth: int, budget: DecodingBudget) -> dict[Any, Any]:
    if type(body) is not list or depth == _DEEPEST:
        raise PlainError(f"not a list of pairs, or nested deeper than {_DEEPEST}")
    pairs = [(_unwrap(key, depth + 1, budget), _unwrap(item, depth + 1, budget)) for key, item in body]
    _hashable([key for key, _ in pairs])
    value = dict(budget.timed(pairs))
    _check_distinct(value, pairs)
    return value


def _check_distinct(container: Sized, items: list[Any]) -> None:
    if len(container) != len(items):
        raise PlainError("a set or dict with an element twice")


def _hashable(items: list[Any]) -> list[Any]:
    if len(items) > _MOST_COLLISIONS:
        _refuse_collisions(sorted(map(hash, items)))
    return items


def _refuse_collisions(hashes: list[int]) -> None:
    if any(hashes[at] == hashes[at + _MOST_COLLISIONS] for at in range(len(hashes) - _MOST_COLLISIONS)):
        raise PlainError(f"a set or dict with more than {_MOST_COLLISIONS} equal hashes")


def _refuse(constant: str) -> Any:
    raise PlainError(f"a bare {constant}")


_READERS: dict[str, Callable[[Any, int, DecodingBudget], Any]] = {
    "int": _int,
    "float": _float,
    "complex": _complex,
    "str": _text,
    "bytes": _bytes,
    "tuple": _tuple,
    "set": _set,
    "frozenset": _frozenset,
    "dict": _dict,
}
