"""Turn values into plain data that can leave the program's process. Its source runs there, behind the program.

A value of a class derived from a plain type becomes the plain value. Some values of the standard library become tagged
data, which `judge_guest` builds anew. A program can forge all of this, as it can forge any value; nothing here knows
what is expected. It imports little, because each run of a program pays for it.
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
_ITEMS = 10_000  # items of an iterator that are read
_ATOMS = {type(None), bool, int, float, complex, str, bytes}
_FLAT: dict[type, Callable[[Any], Any]] = {  # by the base class's own methods: a derived class may redefine them
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
_PARTS: dict[str, Callable[[Any], Any]] = {  # the parts from which a value of exactly this class is built
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
_COUNTED: dict[str, Callable[[Any], Any]] = {  # derived from dict; they keep their class only in `show_exactly`
    "collections.Counter": lambda value: [[_plain(key), _plain(item)] for key, item in value.items()],
    "collections.OrderedDict": lambda value: [[_plain(key), _plain(item)] for key, item in value.items()],
}
_ITERATORS = {"generator", "map", "filter", "zip", "enumerate", "reversed", "dict_values", "dict_items"}
_standard_output = sys.stdout


def show_value(value: Any) -> Any:
    """Return the value as plain data; if it is none, return it unchanged, and the sandbox will refuse it."""
    try:
        return _plain(value)
    except (TypeError, RecursionError):
        return value


def show_exactly(value: Any) -> Any:
    """Return the value as plain data if its exact type is known here; else return it unchanged."""
    kind, name = type(value), _name_of(type(value))
    if name in _COUNTED:
        return {TAG: [name, _COUNTED[name](value)]}
    return show_value(value) if kind in _ATOMS or kind in _FLAT or name in _PARTS or _iterates(kind) else value


def _plain(value: Any) -> Any:
    """Return the value in plain types only. Raises TypeError if it has none."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    base = next((base for base in _FLAT if isinstance(value, base)), None)
    if base is not None:
        return _FLAT[base](value)
    if _iterates(kind):
        return {TAG: ["iterator", list(map(_plain, islice(value, _ITEMS)))]}
    name = _name_of(kind)
    known = name in _PARTS and (kind is not type or vars(builtins).get(value.__name__) is value)
    return {TAG: [name, _PARTS[name](value)]} if known and getattr(value, "tzinfo", None) is None else _record(value)


def _by_key(pairs: list[tuple[Any, Any]]) -> Any:
    """Return a dict; as tagged pairs if a key became a dict or a list, which cannot be a key."""
    if any(_is_tagged(key) for key, _ in pairs):
        return {TAG: ["builtins.dict", list(map(list, pairs))]}
    return dict(pairs)


def _of_items(kind: type[set[Any]] | type[frozenset[Any]], items: list[Any]) -> Any:
    if any(map(_is_tagged, items)):
        return {TAG: [f"builtins.{kind.__name__}", items]}
    return kind(items)


def _is_tagged(value: Any) -> bool:
    """Whether a key holds a dict or a list, and so cannot be a key."""
    return type(value) in (dict, list) or (type(value) is tuple and any(map(_is_tagged, value)))


def _record(value: Any) -> Any:
    """Return a dataclass's instance or a member of an enumeration as its class's name and its fields."""
    kind = type(value)
    if hasattr(kind, "__members__"):
        return {TAG: ["record", [kind.__name__, [value.name]]]}
    if hasattr(kind, "__dataclass_fields__") and kind.__dataclass_params__.eq:
        compared = [name for name, field in kind.__dataclass_fields__.items() if field.compare]
        fields = [[name, _plain(getattr(value, name))] for name in compared]
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
    """Record what is printed from here on."""
    sys.stdout = io.StringIO()


def _stop_listening() -> str:
    """Return what was printed since `listen`, and print as before."""
    printed = sys.stdout.getvalue() if isinstance(sys.stdout, io.StringIO) else ""
    sys.stdout = _standard_output
    return printed[:_LONGEST]


def show_text(_: None, value: Any) -> list[Any]:
    """Return what was printed while the value was computed, and its repr; None for None, as an interpreter shows it."""
    shown = None if value is None else str(repr(value))[:_LONGEST]
    return [_stop_listening(), shown]


def run_statements(source: str, space: dict[str, Any]) -> list[Any]:
    """Execute statements, and return what they printed."""
    listen()
    exec(compile(source, "<example>", "exec", dont_inherit=True), space)
    return [_stop_listening(), None]


def show_exception(source: str, space: dict[str, Any]) -> list[Any]:
    """Execute code, and return the names of its exception's classes, nearest first, with its message.

    Without an exception, return no names and the value's repr.
    """
    try:
        try:
            code = compile(source, "<example>", "eval", dont_inherit=True)
        except SyntaxError:
            exec(compile(source, "<example>", "exec", dont_inherit=True), space)
            return [[], "None"]
        return [[], repr(eval(code, space))[:_LONGEST]]
    except BaseException as error:  # noqa: BLE001 - the example expects any exception
        return [[kind.__name__ for kind in type(error).__mro__[:-1]], str(error)[:_LONGEST]]
