"""Generate inputs on which programs may differ, from the signature's types, the examples and numbers in the request."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

from agent.program.examples.example import Example
from agent.program.lame import write_lame_prompt
from agent.program.syntax import parse

Arguments = tuple[Any, ...]
MOST_INPUTS = 24
_NUMBER = re.compile(r"(?<![\w.^*])(?<!\d,)-?\d{1,6}(?![.,^*]*\w)")
_MOST_NUMBERS = 4  # numbers of a request that are used
_NUMBERS = {"int": 0, "float": 0.0}

_BOUNDARIES: dict[str, tuple[Any, ...]] = {
    "int": (0, 1, -1, 2, 3, 10, -7, 12, 101),
    "float": (0.0, 1.0, -1.5, 0.1, 2.5, 1e6),
    "str": ("", "a", "ab", "Aba", "hello world", "x1y22", "  A b  ", "aaa"),
    "bool": (True, False),
    "bytes": (b"", b"ab"),
    "None": (None,),
}
_OF_ANY_KIND = {"Any", "object", "Hashable", "T", "Optional", "Union"}  # hints that literals fit
_UNKNOWN: tuple[Any, ...] = (0, 1, [3, 1, 2], "ab", [], "")


def generate_inputs(
    request: str,
    entry_point: str,
    examples: Sequence[Example],
    *,
    seeds: Sequence[Arguments] = (),
    most: int = MOST_INPUTS,
    numbers_from: str | None = None,
) -> list[Arguments]:
    """Return distinct arguments for the entry point: those of the examples, mutations of them, and boundary values.

    Numbers in the request, and their neighbours, are boundary values too: "at most 19" and "below 19" differ there.
    seeds: more arguments to use and to mutate, as those of the examples are. numbers_from: the text that holds these
    numbers, if it is not the request. The same request gives the same inputs. Empty if neither types nor
    examples tell how many arguments there are, and if no example shows a value of a class that no literal makes.
    """
    shown = [arguments for example in examples for arguments in find_arguments(example, entry_point)]
    example_inputs = [*shown, *seeds]
    hints = _read_hints(request, entry_point)
    rng, boundaries = (
        random.Random(f"{entry_point}:{len(example_inputs)}"),
        _boundary_values(write_lame_prompt(numbers_from or request, entry_point)),
    )
    if not example_inputs and (not hints or any(map(_is_class, hints))):
        return []
    columns = [
        _values(hint, boundaries, rng)
        if hint or not example_inputs
        else tuple(each[place] for each in example_inputs if place < len(each))
        for place, hint in enumerate(hints)
    ]
    bounds = list(_combine_boundaries(columns, rng)) if all(columns) else []
    mutated = list(_mutate_all(example_inputs or bounds, 4 * most, rng))
    mixed = (each for pair in zip_longest(mutated, bounds) for each in pair if each is not None)
    return list(islice(_drop_duplicates([*example_inputs, *mixed]), most))


def find_arguments(example: Example, entry_point: str) -> list[Arguments]:
    """Return the literal arguments with which an example calls the entry point."""
    calls = []
    for source in example.expressions:
        tree = parse(source)
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Call(ast.Name(name), arguments, []) if name == entry_point:
                    values = [_read_value(argument) for argument in arguments]
                    if all(value is not _NONE_SUCH for value in values):
                        calls.append(tuple(values))
    return calls


_NONE_SUCH = object()


def _read_value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return _NONE_SUCH


def _drop_duplicates(candidates: Sequence[Arguments]) -> Iterator[Arguments]:
    seen = set[str]()
    for arguments in candidates:
        source = _write_source(arguments)
        if source is not None and source not in seen:
            seen.add(source)
            yield arguments


def _write_source(arguments: Arguments) -> str | None:
    """Return the source of arguments; None if it does not read back, as with an infinite float."""
    try:
        source = repr(arguments)
        return source if repr(ast.literal_eval(source)) == source else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _read_hints(request: str, entry_point: str) -> list[ast.expr | None]:
    """Return the annotations of the entry point's positional parameters; empty if the request does not begin it."""
    for ending in ("\n    pass\n", "\n", "\n        pass\n"):
        tree = parse(request.rstrip() + ending)
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point:
                required = node.args.args[: len(node.args.args) - len(node.args.defaults)]
                return [argument.annotation for argument in required]
    return []


def _combine_boundaries(columns: list[tuple[Any, ...]], chance: random.Random) -> Iterator[Arguments]:
    for number in range(2 * max((len(column) for column in columns), default=0)):
        yield tuple(
            column[number] if number < len(column) and place == number % len(columns) else chance.choice(column)
            for place, column in enumerate(columns)
        )


def _boundary_values(prose: str) -> dict[str, tuple[Any, ...]]:
    named = list(dict.fromkeys(int(number) for number in _NUMBER.findall(prose)))[:_MOST_NUMBERS]
    near = dict.fromkeys(number + step for number in named for step in (0, -1, 1))
    kinds = {name: _in_turn([type(value)(n) for n in near], _BOUNDARIES[name]) for name, value in _NUMBERS.items()}
    return {**_BOUNDARIES, **kinds}


def _in_turn(named: Sequence[Any], always: Sequence[Any]) -> tuple[Any, ...]:
    pairs = zip_longest(named, always)
    return tuple(dict.fromkeys(value for pair in pairs for value in pair if value is not None))


def _values(
    hint: ast.expr | None, known: Mapping[str, tuple[Any, ...]], chance: random.Random, depth: int = 0
) -> tuple[Any, ...]:
    """Return boundary values of a type; for an unknown type, values of several types."""
    match hint:
        case ast.Constant(str() as quoted) if (inner := _read_hint(quoted)) is not None:
            return _values(inner, known, chance, depth)
        case ast.Constant(None):
            return known["None"]
        case ast.Name(name) if name in known:
            return known[name]
        case ast.BinOp(left, ast.BitOr(), right):
            return (*_values(left, known, chance, depth), *_values(right, known, chance, depth))
        case ast.Name(name) | ast.Attribute(attr=name) if name.lower() in _CONTAINERS and depth < 3:
            return _CONTAINERS[name.lower()]([_UNKNOWN], chance)
        case ast.Subscript(ast.Name(name) | ast.Attribute(attr=name), inner) if depth < 3:
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            named = [part for part in parts if not isinstance(part, ast.Constant) or isinstance(part.value, str)]
            kinds = [_values(part, known, chance, depth + 1) for part in named]
            return _values_of_generic(name, kinds, chance)
    return _UNKNOWN


def _is_class(hint: ast.expr | None) -> bool:
    """Whether a hint names a class of which no literal makes a value: on other values every program raises."""
    match hint:
        case ast.Constant(str() as quoted) if (inner := _read_hint(quoted)) is not None:
            return _is_class(inner)
        case ast.Subscript(ast.Name(name) | ast.Attribute(attr=name)) | ast.Name(name) | ast.Attribute(attr=name):
            return name not in _BOUNDARIES and name.lower() not in _CONTAINERS and name not in _OF_ANY_KIND
    return False


def _read_hint(source: str) -> ast.expr | None:
    tree = parse(source)
    match tree.body if tree else []:
        case [ast.Expr(value)]:
            return value
    return None


def _values_of_generic(name: str, kinds: list[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    if name in ("Optional", "Union") and kinds:
        return (*(value for kind in kinds for value in kind), *((None,) if name == "Optional" else ()))
    return _CONTAINERS[name.lower()](kinds, chance) if name.lower() in _CONTAINERS and kinds else _UNKNOWN


def _lists(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    values = kinds[0]
    lengths = (0, 1, 2, 3, 5, 8)
    lists = [[chance.choice(values) for _ in range(length)] for length in lengths]
    return (*lists, [values[0]] * 3, sorted(lists[-1], key=repr))


def _tuples(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    return tuple(tuple(chance.choice(values) for values in kinds) for _ in range(8))


def _sets(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    return tuple({value for value in items if _hashable(value)} for items in _lists(kinds, chance))


def _dicts(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    keys, values = kinds[0], kinds[-1]
    names = [key for key in keys if _hashable(key)]
    return tuple({name: chance.choice(values) for name in names[:length]} for length in (0, 1, 2, 4, 8))


_CONTAINERS: dict[str, Callable[[Sequence[tuple[Any, ...]], random.Random], tuple[Any, ...]]] = {
    "list": _lists,
    "sequence": _lists,
    "iterable": _lists,
    "tuple": _tuples,
    "set": _sets,
    "frozenset": _sets,
    "dict": _dicts,
    "mapping": _dicts,
}


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _mutate_all(originals: Sequence[Arguments], count: int, chance: random.Random) -> Iterator[Arguments]:
    """Yield mutations of each of these in turn; later ones take more steps."""
    for number in range(count if originals else 0):
        arguments = originals[number % len(originals)]
        for _ in range(1 + number // 12):
            arguments = _mutate(arguments, chance)
        yield arguments


def _mutate(arguments: Arguments, chance: random.Random) -> Arguments:
    """Return the arguments with one of them changed."""
    if not arguments:
        return arguments
    place = chance.randrange(len(arguments))
    return (*arguments[:place], _change(arguments[place], chance), *arguments[place + 1 :])


def _change(value: Any, chance: random.Random) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return chance.choice((value + 1, value - 1, -value, 2 * value, 0, value + 10))
        case float():
            return chance.choice((value + 0.5, -value, 2 * value, 0.0))
        case str():
            return _change_text(value, chance)
        case list() | tuple():
            return type(value)(_change_items(list(value), chance, fixed=isinstance(value, tuple)))
        case dict():
            return _change_dict(value, chance)
        case set():
            return set(_change_items(sorted(value, key=repr), chance, fixed=False))
    return value


def _change_text(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    letter = chance.choice(text) if text else "a"
    return chance.choice((text[:at] + text[at + 1 :], text[:at] + letter + text[at:], text[::-1], text.swapcase()))


def _change_items(items: list[Any], chance: random.Random, *, fixed: bool) -> list[Any]:
    """Change an item or, unless their number is fixed, add, drop or move items."""
    if not items:  # the type of an item is unknown
        return items
    at = chance.randrange(len(items))
    changed = [*items[:at], _change(items[at], chance), *items[at + 1 :]]
    if fixed:
        return changed
    without, longer = [*items[:at], *items[at + 1 :]], [*items, chance.choice(items)]
    return chance.choice((changed, changed, without, items[::-1], longer, [items[at], *items]))


def _change_dict(value: dict[Any, Any], chance: random.Random) -> dict[Any, Any]:
    if not value:
        return {}
    name = chance.choice(sorted(value, key=repr))
    if chance.random() < 0.4:
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: _change(value[name], chance)}
