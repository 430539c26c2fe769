"""Judge conditions over values, in a process that never held the program. Its source is sent there.

It builds the values from plain data, and brings what conditions call: pytest's approx and unittest's comparisons.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import fractions
import math
import re
from collections.abc import Callable
from typing import Any

_TAG = "\0dubito"  # as in agent/verification/show_guest.py
_NUMBERS = (int, float, complex, decimal.Decimal, fractions.Fraction)
_counter = collections.Counter
_BUILD: dict[str, Callable[[Any], Any]] = {
    "collections.Counter": lambda pairs: collections.Counter(dict(_pairs(pairs))),
    "collections.OrderedDict": lambda pairs: collections.OrderedDict(_pairs(pairs)),
    "collections.deque": lambda parts: collections.deque(_build(parts[0]), parts[1]),
    "datetime.date": lambda parts: datetime.date(*parts),
    "datetime.datetime": lambda parts: datetime.datetime(*parts),
    "datetime.timedelta": lambda parts: datetime.timedelta(*parts),
    "decimal.Decimal": decimal.Decimal,
    "fractions.Fraction": lambda parts: fractions.Fraction(*parts),
    "re.Match": lambda parts: re.compile(re.escape(parts[0][parts[1] : parts[2]])).match(*parts[:2]),
    "builtins.range": lambda parts: range(*parts),
    "builtins.dict_keys": lambda keys: dict.fromkeys(_build(keys)).keys(),
    "builtins.type": lambda name: getattr(builtins, name),
    "builtins.dict": lambda pairs: dict(_pairs(pairs)),
    "builtins.set": lambda items: set(map(_build, items)),
    "builtins.frozenset": lambda items: frozenset(map(_build, items)),
    "iterator": lambda items: iter(_build(items)),
    "record": lambda parts: _Record(parts[0], tuple(map(tuple, _build(parts[1])))),
}


def judge(number: int, setup: str, expected: str, values: list[Any]) -> list[Any]:
    """Return the condition's number, and whether it holds of the values."""
    space = dict(globals())
    exec(setup, space)
    space.update({f"_{place}": _build(value) for place, value in enumerate(values)})
    holds = eval(expected, space)
    return [number, holds is not NotImplemented and bool(holds)]


class _Record:
    """Stands for a dataclass's instance or a member of an enumeration: enough of it to compare."""

    def __init__(self, name: str, fields: tuple[Any, ...]) -> None:
        self._parts = (name, fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Record) and self._parts == other._parts

    def __lt__(self, other: object) -> bool:
        return isinstance(other, _Record) and self._parts < other._parts

    def __le__(self, other: object) -> bool:
        return isinstance(other, _Record) and self._parts <= other._parts

    def __hash__(self) -> int:
        return hash(self._parts[0])


def _build(value: Any) -> Any:
    """Return the value that the program had, built from trusted classes."""
    if type(value) is dict and list(value) == [_TAG]:
        kind, parts = value[_TAG]
        return _BUILD[kind](parts)
    if type(value) is dict:
        return {_build(key): _build(item) for key, item in value.items()}
    return type(value)(map(_build, value)) if type(value) in (list, tuple, set, frozenset) else value


def _pairs(pairs: Any) -> Any:
    return [(_build(key), _build(item)) for key, item in pairs]


class _approx:  # noqa: N801 - it stands for pytest.approx
    """Numbers, also in lists, tuples and dicts, within a tolerance, by pytest's rules."""

    def __init__(self, expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> None:
        self._expected, self._rules = expected, (rel, abs, nan_ok)

    def __eq__(self, actual: object) -> bool:
        return _near(actual, self._expected, *self._rules)

    __hash__ = None  # type: ignore[assignment] # pytest's has none either


def _near(actual: Any, expected: Any, rel: Any, abs_: Any, nan_ok: bool) -> bool:
    if isinstance(expected, dict):
        same = isinstance(actual, dict) and actual.keys() == expected.keys()
        return same and all(_near(actual[key], expected[key], rel, abs_, nan_ok) for key in expected)
    if isinstance(expected, list | tuple):
        same = type(actual) in (list, tuple) and len(actual) == len(expected)
        return same and all(_near(a, e, rel, abs_, nan_ok) for a, e in zip(actual, expected, strict=True))
    if actual == expected:
        return True
    if not (isinstance(expected, _NUMBERS) and isinstance(actual, _NUMBERS)) or isinstance(expected, bool):
        return False
    return _close(actual, expected, rel, abs_, nan_ok)


def _close(actual: Any, expected: Any, rel: Any, abs_: Any, nan_ok: bool) -> bool:
    if expected != expected:
        return nan_ok and actual != actual
    if actual != actual or math.inf in (abs(actual), abs(expected)):
        return False
    kind: Any = type(expected) if isinstance(expected, decimal.Decimal | fractions.Fraction) else float
    tolerance, gap, size = kind("1e-12" if abs_ is None else abs_), abs(actual - expected), abs(expected)
    if rel is not None or abs_ is None:
        tolerance = max(tolerance, kind("1e-6" if rel is None else rel) * size)
    return bool(gap <= tolerance)


def _almost(first: Any, second: Any, places: Any = None, delta: Any = None) -> bool:
    """Whether unittest's assertAlmostEqual would pass."""
    if first == second:
        return True
    gap = abs(first - second)
    return bool(gap <= delta) if delta is not None else round(gap, 7 if places is None else places) == 0


def _alike(actual: Any, expected: Any) -> bool:
    """Whether two collections have the same items equally often, in any order."""
    left = list(expected)
    for item in actual:
        if item not in left:
            return False
        left.remove(item)
    return not left


def _in_order(actual: Any, expected: Any) -> bool:
    """Whether two sequences have equal items in the same order, whatever their classes."""
    same = len(actual) == len(expected)
    return same and all(actual[place] == expected[place] for place in range(len(actual)))


def _is_just(actual: Any, expected: Any) -> bool:
    """Whether two are equal, and of the same class."""
    return type(actual) is type(expected) and bool(actual == expected)
