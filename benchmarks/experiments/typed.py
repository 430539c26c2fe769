"""Read a record out of JSON that nobody vouches for: every value has its field's type, or the record is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from agent.files.plain import make_plain

_MOST_CHARACTERS = 2**22  # of a text
_LARGEST_NUMBER = 10**15  # so that sums over any file stay exact enough

_Kind = TypeVar("_Kind")


def build_record(kind: type[_Kind], values: Mapping[str, Any]) -> _Kind:
    """Return the dataclass that JSON values make; other names are left out. Raises ValueError where they do not fit.

    Fields hold texts, numbers, claims, other dataclasses, lists and dicts of these, or None where the type has it.
    """
    hints, parts = _hints(kind), dict[str, Any]()  # type: ignore[arg-type]  # every class is hashable
    if missing := required_fields(kind) - values.keys():
        raise ValueError(f"it has no {min(missing)}")
    for name in [each for each in hints if each in values]:
        if not _fits(hints[name], values[name]):
            raise ValueError(f"{name} is {describe_value(values[name])}")
        parts[name] = _build(hints[name], values[name])
    return kind(**parts)


def required_fields(kind: type) -> set[str]:
    """Return the names of the fields that have no default."""
    return {part.name for part in fields(kind) if part.default is part.default_factory is MISSING}


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {part.name: hints[part.name] for part in fields(kind)}


def _build(hint: Any, value: Any) -> Any:
    """Return a value that fits a type, with a dataclass where the type has one."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return _build(next(each for each in inner if _fits(each, value)), value)
    if origin is list:
        return [_build(inner[0], each) for each in value]
    return build_record(hint, value) if is_dataclass(hint) else value  # type: ignore[arg-type]  # it is a class


def _fits(hint: Any, value: Any) -> bool:
    """Whether a value from JSON has a type. Numbers are finite, counts not negative, and texts can be written."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return any(_fits(each, value) for each in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(inner[0], each) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(str, key) and _fits(inner[1], each) for key, each in value.items())
    return isinstance(value, dict) if is_dataclass(hint) else _FITS_PLAIN[hint](value)


def describe_value(value: Any) -> str:
    """Return a value as JSON has it, in at most 61 characters that can be printed."""
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value, sort_keys=True)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_CHARACTERS and make_plain(value) == value


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and (isinstance(value, int) or math.isfinite(value)) and abs(value) <= _LARGEST_NUMBER


_FITS_PLAIN: dict[Any, Callable[[Any], bool]] = {
    NoneType: lambda value: value is None,
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and _is_number(value) and value >= 0,
    float: _is_number,
    str: _is_text,
}
