"""Compare a program's values with what an example expects.

Literals and texts are compared on the host. Any other condition is evaluated in a process that never held the program.
"""

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
_TIMES, _SPARE = 4, 200  # a text longer than 4 times the literal's plus 200 characters is not evaluated
_TYPE_FUNCTIONS = {"type", "isinstance", "issubclass", "_is_just"}


class Expectation(NamedTuple):
    """A condition over values."""

    values: list[Any]  # _0, _1 …
    condition: str
    setup: str = ""


def needs_exact(expectation: str) -> bool:
    """Whether a condition depends on types, so that a value of a derived class must not become a plain one."""
    tree = read_expression(expectation)
    nodes = list(ast.walk(tree)) if tree else []
    return bool(find_names(nodes) & _TYPE_FUNCTIONS)


def find_literal(expectation: str) -> tuple[Any] | None:
    """Return the literal that _0 should equal, in a tuple of one, if that is the whole condition."""
    match read_expression(expectation):
        case ast.Compare(ast.Name("_0"), [ast.Eq()], [other]) | ast.Compare(other, [ast.Eq()], [ast.Name("_0")]):
            return read_literal(other)
    return None


def judge_expectations(sandbox: Sandbox, expectations: Sequence[Expectation], limits: Limits) -> list[bool]:
    """Return which expectations hold, judged in one run of a process that never held the program."""
    calls = [
        Call("judge", (number, expectation.setup, expectation.condition, expectation.values))
        for number, expectation in enumerate(expectations)
    ]
    if not calls:
        return []
    try:
        outcomes = sandbox.run(_read_judge_guest(), calls=calls, limits=limits).outcomes
    except ValueError:  # a value is nested too deeply to be sent
        return (
            [False]
            if len(expectations) == 1
            else [judge_expectations(sandbox, [expectation], limits)[0] for expectation in expectations]
        )
    return [outcome == Returned([number, True]) for number, outcome in enumerate(outcomes)] + [False] * (
        len(expectations) - len(outcomes)
    )


@cache
def _read_judge_guest() -> str:
    return inspect.getsource(judge_guest)


def is_tagged(value: Any) -> bool:
    """Whether a value holds one of the standard library, which only the judge's process builds."""
    if isinstance(value, dict):
        return TAG in value or any(is_tagged(item) for item in value.values())
    return isinstance(value, list | tuple) and any(map(is_tagged, value))


def agree(value: Any, wanted: Any) -> bool:
    """Whether plain data are equal, floats to six digits; a list never equals a tuple.

    Compares whatever a guest may send, and raises nothing. Time is linear in the size.
    """
    if isinstance(wanted, float | complex) or isinstance(value, float | complex):
        return _near(value, wanted)
    if isinstance(value, list | tuple) and type(value) is type(wanted):
        return len(value) == len(wanted) and all(agree(v, w) for v, w in zip(value, wanted, strict=True))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(agree(value[key], wanted[key]) for key in wanted)
    return bool(value == wanted)


def _near(value: Any, wanted: Any) -> bool:
    """Whether two numbers are equal within a relative 1e-6; where zero is wanted, within 1e-12."""
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
    """Return whether an example printed and showed the wanted text, and that text."""
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
    """Whether both texts are literals of equal values, such as dicts in another order.

    The program wrote the text: it is evaluated only if a literal is wanted, and if it is not much longer.
    """
    literal = read_literal(wanted.strip())
    if literal is None or len(text) > _TIMES * len(wanted) + _SPARE:
        return False
    other = read_literal(text.strip())
    return other is not None and agree(other[0], literal[0])


def is_wanted_exception(example: Example, outcome: Any) -> bool:
    """Whether an exception is of the wanted class and, unless a pattern is wanted, has the wanted message."""
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
    """Whether texts are the same to doctest, apart from blanks at the ends of lines."""
    wanted, text = ("\n".join(map(str.rstrip, each.strip("\n").split("\n"))) + "\n" for each in (wanted, text))
    return wanted == text or doctest.OutputChecker().check_output(wanted, text, flags | doctest.DONT_ACCEPT_TRUE_FOR_1)
