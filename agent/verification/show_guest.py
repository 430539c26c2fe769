"""How an example's value leaves the guest. Its source runs in the sandbox, behind the program; it judges nothing.

A value of a class derived from a plain type becomes the plain value, and some of the standard library's values become
plain data that `claims.py` builds anew. All of it can be forged by the program, as any value can: nothing that is
wanted of the value is known here. Imports little, for each run of a program pays for it.
"""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

TAG = "\0dubito"  # the one key of a dict that stands for a value of the standard library
_LONGEST = 1 << 20  # characters of a text that leaves
_ITEMS = 10_000  # of an iterator that are looked at
_ATOMS = {type(None), bool, int, float, complex, str, bytes}
_FLAT: dict[type, Callable[[Any], Any]] = {  # what a derived class may redefine is not asked
    str: str.__str__,
    bytes: bytes.__bytes__,
    bytearray: bytes,
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    dict: lambda value: _by_key([(_plain(key), _plain(item)) for key, item in dict.items(value)]),
    list: lambda value: list(map(_plain, list.__iter__(value))),
    tuple: lambda value: tuple(map(_plain, tuple.__iter__(value))),
    set: lambda value: _of_items(set, list(map(_plain, set.__iter__(value)))),
    frozenset: lambda value: _of_items(frozenset, list(map(_plain, frozenset.__iter__(value)))),
}
_PARTS: dict[str, Callable[[Any], Any]] = {  # the parts of which a value of just this class is built
    "collections.deque": lambda value: [list(map(_plain, value)), value.maxlen],
    "datetime.date": lambda value: [value.year, value.month, value.day],
    "datetime.datetime": lambda value: [*value.timetuple()[:6], value.microsecond],
    "datetime.timedelta": lambda value: [value.days, value.seconds, value.microseconds],
    "decimal.Decimal": str,
    "fractions.Fraction": lambda value: [value.numerator, value.denominator],
    "re.Match": lambda value: [value.string, value.start(), value.end()],
    "builtins.range": lambda value: [value.start, value.stop, value.step],
    "builtins.dict_keys": lambda value: list(map(_plain, value)),
    "builtins.type": lambda value: value.__name__,
}
_COUNTED: dict[str, Callable[[Any], Any]] = {  # derived from dict, and told apart where types are spoken of
    "collections.Counter": lambda value: [[_plain(key), _plain(item)] for key, item in value.items()],
    "collections.OrderedDict": lambda value: [[_plain(key), _plain(item)] for key, item in value.items()],
}
_ITERATORS = {"generator", "map", "filter", "zip", "enumerate", "reversed", "dict_values", "dict_items"}
_standard_output = sys.stdout


def show_value(given: Any) -> Any:
    """Return the value as plain data; itself where it is none, so that the sandbox says so."""
    try:
        return _plain(given)
    except (TypeError, RecursionError):
        return given


def show_exactly(given: Any) -> Any:
    """Return the value as plain data if its type is one of those known here; itself, which is no plain data, if not."""
    kind, name = type(given), _name_of(type(given))
    if name in _COUNTED:
        return {TAG: [name, _COUNTED[name](given)]}
    return show_value(given) if kind in _ATOMS or kind in _FLAT or name in _PARTS or _iterates(kind) else given


def _plain(given: Any) -> Any:
    """Return the value in plain types only. Raises TypeError where there is none."""
    kind = type(given)
    if kind in _ATOMS:
        return given
    base = next((base for base in _FLAT if isinstance(given, base)), None)
    if base is not None:
        return _FLAT[base](given)
    if _iterates(kind):
        return {TAG: ["iterator", list(map(_plain, islice(given, _ITEMS)))]}
    name = _name_of(kind)
    known = name in _PARTS and (kind is not type or vars(builtins).get(given.__name__) is given)
    return {TAG: [name, _PARTS[name](given)]} if known and getattr(given, "tzinfo", None) is None else _record(given)


def _by_key(pairs: list[tuple[Any, Any]]) -> Any:
    """Return a dict; its pairs, tagged, where a key is a value of the standard library or a record."""
    if any(_is_tagged(key) for key, _ in pairs):
        return {TAG: ["builtins.dict", list(map(list, pairs))]}
    return dict(pairs)


def _of_items(kind: type[set[Any]] | type[frozenset[Any]], items: list[Any]) -> Any:
    if any(map(_is_tagged, items)):
        return {TAG: [f"builtins.{kind.__name__}", items]}
    return kind(items)


def _is_tagged(given: Any) -> bool:
    """Whether a key holds what became a dict, or a list, and can be no key any more."""
    return type(given) in (dict, list) or (type(given) is tuple and any(map(_is_tagged, given)))


def _record(given: Any) -> Any:
    """Return what makes up a dataclass's instance, or a member of an enumeration."""
    kind = type(given)
    if hasattr(kind, "__members__"):
        return {TAG: ["record", [kind.__name__, [given.name]]]}
    if hasattr(kind, "__dataclass_fields__") and kind.__dataclass_params__.eq:
        compared = [name for name, field in kind.__dataclass_fields__.items() if field.compare]
        fields = [[name, _plain(getattr(given, name))] for name in compared]
        return {TAG: ["record", [kind.__name__, fields]]}
    raise TypeError(f"not plain data: {kind.__name__}")


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _iterates(kind: type) -> bool:
    name = kind.__name__
    return kind.__module__ == "itertools" or (
        kind.__module__ == "builtins" and (name in _ITERATORS or name.endswith("iterator"))
    )


def listen() -> None:
    """Keep from here on what is printed."""
    sys.stdout = io.StringIO()


def _stop_listening() -> str:
    """Return what was printed since, and print as before."""
    printed = sys.stdout.getvalue() if isinstance(sys.stdout, io.StringIO) else ""
    sys.stdout = _standard_output
    return printed[:_LONGEST]


def show_text(_: None, given: Any) -> list[Any]:
    """Return what was printed while the value was made, and its repr; None for None, as an interpreter shows it."""
    shown = None if given is None else str(repr(given))[:_LONGEST]
    return [_stop_listening(), shown]


def run_statements(source: str, space: dict[str, Any]) -> list[Any]:
    """Execute statements; return what they printed."""
    listen()
    exec(compile(source, "<example>", "exec", dont_inherit=True), space)
    return [_stop_listening(), None]


def show_exception(source: str, space: dict[str, Any]) -> list[Any]:
    """Execute; return the names of the exception's classes, the nearest first, and its message.

    Without an exception there are no names, and the text is the value's repr.
    """
    try:
        try:
            code = compile(source, "<example>", "eval", dont_inherit=True)
        except SyntaxError:
            exec(compile(source, "<example>", "exec", dont_inherit=True), space)
            return [[], "None"]
        return [[], repr(eval(code, space))[:_LONGEST]]
    except BaseException as error:  # noqa: BLE001 - whatever it is was asked for
        return [[kind.__name__ for kind in type(error).__mro__[:-1]], str(error)[:_LONGEST]]
