"""Inputs on which programs may differ, made from a signature's types, the examples shown and the numbers named.

Runs nothing.
"""

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
_MOST = 24
_NUMBER = re.compile(r"(?<![\w.^*])(?<!\d,)-?\d{1,6}(?![.,^*]*\w)")
_MOST_NUMBERS = 4  # of a request
_NUMBERS = {"int": 0, "float": 0.0}

_BOUNDARIES: dict[str, tuple[Any, ...]] = {
    "int": (0, 1, -1, 2, 3, 10, -7, 12, 101),
    "float": (0.0, 1.0, -1.5, 0.1, 2.5, 1e6),
    "str": ("", "a", "ab", "Aba", "hello world", "x1y22", "  A b  ", "aaa"),
    "bool": (True, False),
    "bytes": (b"", b"ab"),
    "None": (None,),
}
_UNKNOWN: tuple[Any, ...] = (0, 1, [3, 1, 2], "ab", [], "")


def generate_inputs(
    request: str, entry_point: str, examples: Sequence[Example], *, most: int = _MOST, asked: str | None = None
) -> list[Arguments]:
    """Return arguments for the asked function: mutations of those shown, and boundaries of its types. No two alike.

    Numbers that the request names, and their neighbours, are boundaries too: "at most 19" and "below 19" part there.
    asked: where they are named, if that is not the request. The same request gives the same inputs. A shown example's
    own arguments come first. Empty where neither types nor examples say how many arguments there are.
    """
    shown = [arguments for example in examples for arguments in find_arguments(example, entry_point)]
    hints = _hints(request, entry_point)
    chance, known = (
        random.Random(f"{entry_point}:{len(shown)}"),
        _boundary_values(write_lame_prompt(asked or request, entry_point)),
    )
    if not shown and not hints:
        return []
    columns = [
        _values(hint, known, chance) if hint or not shown else tuple(each[place] for each in shown if place < len(each))
        for place, hint in enumerate(hints)
    ]
    bounds = list(_boundaries(columns, chance)) if all(columns) else []
    mutated = list(_mutations(shown or bounds, 4 * most, chance))
    mixed = (each for pair in zip_longest(mutated, bounds) for each in pair if each is not None)
    return list(islice(_distinct([*shown, *mixed]), most))


def find_arguments(example: Example, entry_point: str) -> list[Arguments]:
    """Return the literal arguments with which an example calls the asked function."""
    found = []
    for source in example.expressions:
        tree = parse(source)
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Call(ast.Name(name), arguments, []) if name == entry_point:
                    values = [_literal(argument) for argument in arguments]
                    if all(value is not _NONE_SUCH for value in values):
                        found.append(tuple(values))
    return found


_NONE_SUCH = object()


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return _NONE_SUCH


def _distinct(found: Sequence[Arguments]) -> Iterator[Arguments]:
    seen = set[str]()
    for each in found:
        told = _source(each)
        if told is not None and told not in seen:
            seen.add(told)
            yield each


def _source(arguments: Arguments) -> str | None:
    """Return the source of arguments; None where they cannot be read back from it, as an infinite float."""
    try:
        told = repr(arguments)
        return told if repr(ast.literal_eval(told)) == told else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


# By type


def _hints(request: str, entry_point: str) -> list[ast.expr | None]:
    """Return the annotations of the asked function's positional parameters; empty where it is not begun."""
    for ending in ("\n    pass\n", "\n", "\n        pass\n"):
        tree = parse(request.rstrip() + ending)
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point:
                required = node.args.args[: len(node.args.args) - len(node.args.defaults)]
                return [argument.annotation for argument in required]
    return []


def _boundaries(columns: list[tuple[Any, ...]], chance: random.Random) -> Iterator[Arguments]:
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
    """Return boundary values of a type; of one that is not known, a few of several kinds."""
    match hint:
        case ast.Constant(str() as quoted) if (inner := _expression(quoted)) is not None:
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
            return _parametrised(name, kinds, chance)
    return _UNKNOWN


def _expression(source: str) -> ast.expr | None:
    tree = parse(source)
    match tree.body if tree else []:
        case [ast.Expr(value)]:
            return value
    return None


def _parametrised(name: str, kinds: list[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    if name in ("Optional", "Union") and kinds:
        return (*(value for kind in kinds for value in kind), *((None,) if name == "Optional" else ()))
    return _CONTAINERS[name.lower()](kinds, chance) if name.lower() in _CONTAINERS and kinds else _UNKNOWN


def _lists(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    values = kinds[0]
    lengths = (0, 1, 2, 3, 5, 8)
    drawn = [[chance.choice(values) for _ in range(length)] for length in lengths]
    return (*drawn, [values[0]] * 3, sorted(drawn[-1], key=repr))


def _tuples(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    return tuple(tuple(chance.choice(values) for values in kinds) for _ in range(8))


def _sets(kinds: Sequence[tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    return tuple({value for value in made if _hashable(value)} for made in _lists(kinds, chance))


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


# By example


def _mutations(begun: Sequence[Arguments], count: int, chance: random.Random) -> Iterator[Arguments]:
    """Yield mutations in turn, the later ones of several steps."""
    for number in range(count if begun else 0):
        arguments = begun[number % len(begun)]
        for _ in range(1 + number // 12):
            arguments = _mutated(arguments, chance)
        yield arguments


def _mutated(arguments: Arguments, chance: random.Random) -> Arguments:
    """Change one argument."""
    if not arguments:
        return arguments
    place = chance.randrange(len(arguments))
    return (*arguments[:place], _changed(arguments[place], chance), *arguments[place + 1 :])


def _changed(value: Any, chance: random.Random) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return chance.choice((value + 1, value - 1, -value, 2 * value, 0, value + 10))
        case float():
            return chance.choice((value + 0.5, -value, 2 * value, 0.0))
        case str():
            return _changed_text(value, chance)
        case list() | tuple():
            return type(value)(_changed_items(list(value), chance, fixed=isinstance(value, tuple)))
        case dict():
            return _changed_dict(value, chance)
        case set():
            return set(_changed_items(sorted(value, key=repr), chance, fixed=False))
    return value


def _changed_text(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    letter = chance.choice(text) if text else "a"
    return chance.choice((text[:at] + text[at + 1 :], text[:at] + letter + text[at:], text[::-1], text.swapcase()))


def _changed_items(items: list[Any], chance: random.Random, *, fixed: bool) -> list[Any]:
    """Change an item or, where the number is not fixed, what items there are."""
    if not items:  # of which kind they would be is not known
        return items
    at = chance.randrange(len(items))
    changed = [*items[:at], _changed(items[at], chance), *items[at + 1 :]]
    if fixed:
        return changed
    without, longer = [*items[:at], *items[at + 1 :]], [*items, chance.choice(items)]
    return chance.choice((changed, changed, without, items[::-1], longer, [items[at], *items]))


def _changed_dict(value: dict[Any, Any], chance: random.Random) -> dict[Any, Any]:
    if not value:
        return {}
    name = chance.choice(sorted(value, key=repr))
    if chance.random() < 0.4:
        return {key: item for key, item in value.items() if key != name}
    return {**value, name: _changed(value[name], chance)}
