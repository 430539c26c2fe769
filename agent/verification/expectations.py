"""What is judged of values: on the host where they are compared with a literal or as text, else without the program."""

from __future__ import annotations

import ast
import doctest
import inspect
import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from agent.program.examples.example import Example
from agent.program.syntax import find_names, read_expression, read_literal
from agent.verification import judge_guest
from agent.verification.show_guest import TAG
from sandbox.base import Call, Limits, Returned, Sandbox

_TOLERANCE, _NEAR_ZERO = 1e-6, 1e-12
_TIMES, _SPARE = 4, 200  # a text that equals a literal has at most so many times its characters, and so many more
_OF_TYPES = {"type", "isinstance", "issubclass", "_is_just"}


class Expectation(NamedTuple):
    """What is said of values."""

    values: list[Any]
    text: str  # speaks of _0, _1 …
    setup: str = ""


def needs_exact(expectation: str) -> bool:
    """Whether a claim speaks of types, so that a value of a derived class is not as good as a plain one."""
    tree = read_expression(expectation)
    nodes = list(ast.walk(tree)) if tree else []
    return bool(find_names(nodes) & _OF_TYPES)


def find_literal(expectation: str) -> tuple[Any] | None:
    """Return the literal that _0 should equal, if that is the whole claim."""
    match read_expression(expectation):
        case ast.Compare(ast.Name("_0"), [ast.Eq()], [other]) | ast.Compare(other, [ast.Eq()], [ast.Name("_0")]):
            return read_literal(other)
    return None


def judge_expectations(sandbox: Sandbox, expectations: Sequence[Expectation], limits: Limits) -> list[bool]:
    """Judge claims in a process of their own, which never held the program. One run; none where there is no claim."""
    calls = [
        Call("judge", (number, expectation.setup, expectation.text, expectation.values))
        for number, expectation in enumerate(expectations)
    ]
    if not calls:
        return []
    try:
        outcomes = sandbox.run(_judge(), calls=calls, limits=limits).outcomes
    except ValueError:  # one is nested so deeply that it cannot go back where it came from
        return (
            [False]
            if len(expectations) == 1
            else [judge_expectations(sandbox, [expectation], limits)[0] for expectation in expectations]
        )
    return [outcome == Returned([number, True]) for number, outcome in enumerate(outcomes)] + [False] * (
        len(expectations) - len(outcomes)
    )


@cache
def _judge() -> str:
    return inspect.getsource(judge_guest)


def is_tagged(value: Any) -> bool:
    """Whether a value of the standard library is somewhere in it, which is for a process of its own to build."""
    if isinstance(value, dict):
        return TAG in value or any(is_tagged(item) for item in value.values())
    return isinstance(value, list | tuple) and any(map(is_tagged, value))


def agree(value: Any, wanted: Any) -> bool:
    """Whether plain data are equal, floats to six digits; lists and tuples differ, as they do in Python.

    Total: whatever a guest may send is compared, and never in more time than its size takes.
    """
    if isinstance(wanted, float | complex) or isinstance(value, float | complex):
        return _near(value, wanted)
    if isinstance(value, list | tuple) and type(value) is type(wanted):
        return len(value) == len(wanted) and all(agree(v, w) for v, w in zip(value, wanted, strict=True))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(agree(value[key], wanted[key]) for key in wanted)
    return bool(value == wanted)


def _near(value: Any, wanted: Any) -> bool:
    """Whether two numbers are equal, or differ by rounding: by a millionth of the wanted one; zero by 1e-12."""
    if not (isinstance(value, int | float | complex) and isinstance(wanted, int | float | complex)):
        return False
    if value == wanted or (value != value and wanted != wanted):
        return True
    try:
        distance, size = abs(complex(value) - complex(wanted)), abs(complex(wanted))
    except OverflowError:  # a whole number beyond all floats
        return False
    return math.isfinite(size) and distance <= (_TOLERANCE * size if size else _NEAR_ZERO)


def compare_shown(example: Example, outcome: Any) -> tuple[bool, str]:
    """Judge what an example printed and showed; and return that text."""
    match outcome:
        case [str(printed), None]:
            text = printed
        case [str(printed), str(shown)]:
            text = f"{printed}{shown}\n"
        case _:
            return False, "what is no text"
    right = _same_text(example.shown or "", text, example.flags)
    return right or (not outcome[0] and _same_literal(example.shown or "", text)), text


def _same_literal(wanted: str, text: str) -> bool:
    """Whether both are literals of equal values, such as dicts in another order.

    The text is a program's: it is evaluated only where a literal is wanted, and up to a few times its length.
    """
    literal = read_literal(wanted.strip())
    if literal is None or len(text) > _TIMES * len(wanted) + _SPARE:
        return False
    other = read_literal(text.strip())
    return other is not None and agree(other[0], literal[0])


def is_wanted_exception(example: Example, outcome: Any) -> bool:
    """Judge an exception: by its class and, where one is wanted and is no pattern, by its message."""
    match outcome:
        case [[str(first), *others], str(message)]:
            names = {first, *(other for other in others if isinstance(other, str))} if example.subclasses else {first}
            wanted = {name.rpartition(".")[2] for name in (example.raises or "").split("|")}
            return bool(names & wanted) and _right_message(example, message)
    return False


def _right_message(example: Example, message: str) -> bool:
    if example.message is None or example.pattern or example.flags & doctest.IGNORE_EXCEPTION_DETAIL:
        return True
    return _same_text(example.message, message, example.flags | doctest.ELLIPSIS)


def _same_text(wanted: str, text: str, flags: int) -> bool:
    """Whether texts are the same to doctest; blanks at the ends of lines do not count."""
    wanted, text = ("\n".join(map(str.rstrip, each.strip("\n").split("\n"))) + "\n" for each in (wanted, text))
    return wanted == text or doctest.OutputChecker().check_output(wanted, text, flags | doctest.DONT_ACCEPT_TRUE_FOR_1)
