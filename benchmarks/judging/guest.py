"""How a value is shown to the checker. Its source runs in the sandbox, behind the program; trusts and judges nothing.

A value of a class derived from a plain type (Counter, a named tuple, an enum of str) becomes the plain value, and so
do numpy's numbers and arrays. What is too large to be sent becomes a digest: nobody has the digest of a value without
having computed the value.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import sys
from collections.abc import Callable
from typing import Any

_LONGEST_TEXT = 1 << 16  # characters of a text that is sent whole
_MOST_CELLS = 1 << 22  # of a list of lists or tuples that is sent whole
_ROWS = 1 << 14  # encoded at a time
_MOST_NUMBERS = 1 << 16  # of a list of whole numbers, as ints or floats, that is sent whole
_NUMBERS = {bool, int, float}
_ATOMS = {type(None), bool, int, float, complex, str, bytes}
_CONTAINERS = (list, tuple, set, frozenset)
_PLAIN_BASES: dict[type, Callable[[Any], Any]] = {  # what a derived class may redefine is not asked
    str: str.__str__,
    bytes: bytes.__bytes__,
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    dict: lambda value: {to_plain(key): to_plain(item) for key, item in dict.items(value)},
    list: lambda value: list(map(to_plain, list.__iter__(value))),
    tuple: lambda value: tuple(map(to_plain, tuple.__iter__(value))),
    set: lambda value: set(map(to_plain, set.__iter__(value))),
    frozenset: lambda value: frozenset(map(to_plain, frozenset.__iter__(value))),
}


def call_function(
    namespace: dict[str, Any], function: str, arguments: list[Any], members: bool = False
) -> tuple[str, Any]:
    """Call the program's function and show what it gives; the kinds are those of benchmarks/judging/calls.py.

    members: only what can be gone through is asked for, in whatever class.
    """
    if function not in namespace:
        raise NameError(f"name {function!r} is not defined")
    value = _without_numpy(namespace[function](*arguments))
    if members and not isinstance(value, tuple(_PLAIN_BASES)):
        value = list(value)
    digest = None if members else _digest(value)
    if digest is not None:
        return "digest", digest
    try:
        return "value", to_plain(value)
    except TypeError:
        return "unplain", type(value).__name__


def to_plain(value: Any) -> Any:
    """The value in plain types only. Raises TypeError where there is none."""
    kind = type(value)
    if kind in _ATOMS or (kind in _CONTAINERS and _ATOMS.issuperset(map(type, value))):
        return value
    base = next((base for base in _PLAIN_BASES if isinstance(value, base)), None)
    if base is not None:
        return _PLAIN_BASES[base](value)
    inner = _without_numpy(value)
    if type(inner) is kind:  # an extended float gives itself
        raise TypeError(f"not plain data: {kind.__name__}")
    return to_plain(inner)


def _without_numpy(value: Any) -> Any:
    """The Python value of a numpy number, the list of an array; else the value. Imports nothing: the program has."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.generic, numpy.ndarray)):
        return value
    return value.tolist()


def _digest(value: Any) -> str | None:
    """The digest of a value too large to be sent. Equal values of equal types have equal ones; 1.0 in a list is 1."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return hashlib.sha256(str.encode(value, "utf-8", "surrogatepass")).hexdigest()
    if type(value) is list and len(value) > _MOST_NUMBERS and _NUMBERS.issuperset(map(type, value)):
        with contextlib.suppress(ValueError, OverflowError):  # NaN, infinity
            whole = list(map(int, value))
            return _rows_digest(whole) if whole == value else None
    if type(value) in (list, tuple) and _cells(value) > _MOST_CELLS:
        return _rows_digest(value)
    return None


def _cells(rows: Any) -> int:
    return sum(len(row) for row in rows if type(row) in (list, tuple))


def _rows_digest(rows: Any) -> str:
    """Version 2 of marshal writes values of one type alike; later ones also write what the interpreter shares."""
    digest = hashlib.sha256(type(rows).__name__.encode())
    for start in range(0, len(rows), _ROWS):
        digest.update(marshal.dumps(rows[start : start + _ROWS], 2))
    return digest.hexdigest()
