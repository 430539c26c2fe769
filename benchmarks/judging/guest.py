"""Call the program's function and turn its value into plain data or a digest. Runs in the sandbox; judges nothing.

`benchmarks/judging/calls.py` appends this source to the program. A value whose class derives from a plain type
(Counter, a named tuple, an enum of str) becomes the plain value. So do numpy's numbers and arrays. A value that is too
large to send becomes its digest: only a program that computed the value knows the digest.
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
_PLAIN_BASES: dict[type, Callable[[Any], Any]] = {  # the base's own methods: a derived class may have redefined them
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
    """Call the program's function; return the kind and value of a CallResult (benchmarks/judging/calls.py).

    members: return the members of any iterable as a list, whatever its class.
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
    """Convert the value to plain types. Raises TypeError where no plain type fits."""
    kind = type(value)
    if kind in _ATOMS or (kind in _CONTAINERS and _ATOMS.issuperset(map(type, value))):
        return value
    base = next((base for base in _PLAIN_BASES if isinstance(value, base)), None)
    if base is not None:
        return _PLAIN_BASES[base](value)
    inner = _without_numpy(value)
    if type(inner) is kind:  # numpy's extended float returns itself
        raise TypeError(f"not plain data: {kind.__name__}")
    return to_plain(inner)


def _without_numpy(value: Any) -> Any:
    """Convert a numpy number or array to Python values. Imports nothing: a program with arrays has imported numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.generic, numpy.ndarray)):
        return value
    return value.tolist()


def _digest(value: Any) -> str | None:
    """Return the digest of a value too large to send, else None. Equal values of equal types have equal digests.

    A float that is a whole number counts as that int: 1.0 in a list is 1.
    """
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
    """Digest the rows with version 2 of marshal: later versions also write which objects the interpreter shares."""
    digest = hashlib.sha256(type(rows).__name__.encode())
    for start in range(0, len(rows), _ROWS):
        digest.update(marshal.dumps(rows[start : start + _ROWS], 2))
    return digest.hexdigest()
