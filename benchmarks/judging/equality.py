"""Decide whether a value is the expected one, as evalplus 0.3.1 does. Compares plain data only, and runs no program.

It differs from evalplus in four things. HumanEval/32: evalplus' oracle there fails every program. NaN equals NaN.
Arrays of different shapes differ, even where numpy would broadcast them. Numpy's arrays are the lists of their items.

A stranger's program may choose a value that is slow to compare. So the expected value leads: a comparison ends where
the expected value ends or where the two first differ. It never builds a set or dict of a value with more members than
the expected one has.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.base import Problem

_ROOT_TASKS = ("HumanEval/32", "HumanEval-base/32")
_RTOL = 1e-7  # relative tolerance, of the expected number
FLOAT_ATOL = 1e-6  # absolute tolerance from the first expected float on, where the problem names none

Comparison = Callable[[tuple[Any, ...], Any, Any, float], bool]  # arguments, value, expected, atol


def choose_comparison(problem: Problem) -> Comparison:
    """Return the comparison for one problem: almost always `agrees`."""
    if asks_for_members(problem):
        return _members
    dataset, _, _ = problem.task_id.partition("/")
    if dataset == "Mbpp":
        return _mbpp_oracle(problem.entry_point)
    return _is_root if problem.task_id in _ROOT_TASKS else _ordinary


def has_own_rule(problem: Problem) -> bool:
    """Return whether something else than `agrees` decides for one problem."""
    return choose_comparison(problem) is not _ordinary


def has_floats(value: Any) -> bool:
    """Return whether the value is a float, or a list or tuple of nothing but floats."""
    if isinstance(value, (list, tuple)) and value:
        return all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def agrees(value: Any, expected: Any, atol: float = 0.0) -> bool:
    """Return whether the two are equal or, where atol > 0, of one type and close in every number.

    A value always agrees with itself.
    """
    if equal(value, expected):
        return True
    return atol > 0 and type(value) is type(expected) and _close(value, expected, atol)


def equal(value: Any, expected: Any) -> bool:
    """Compare as Python does, except that NaN equals NaN. A list is no tuple; True is 1."""
    return bool(value == expected) or (_has_nan(expected) and _alike(value, expected))


def agree_on_none(value: Any, expected: Any) -> bool:
    """Apply evalplus' rule for tasks that ask for anything: None means nothing, and a bool speaks for itself."""
    is_something = value if isinstance(value, bool) else value is not None
    return is_something == (expected is not None)


def asks_for_anything(problem: Problem) -> bool:
    """Return whether this is one of MBPP's three tasks where only `is not None` counts; values need not be plain."""
    if not problem.task_id.startswith("Mbpp/"):
        return False
    from evalplus.eval import MBPP_OUTPUT_NOT_NONE_TASKS

    return problem.entry_point in MBPP_OUTPUT_NOT_NONE_TASKS


def asks_for_members(problem: Problem) -> bool:
    """Return whether this is one of MBPP's eight tasks where the set of members counts; any iterable will do."""
    if not problem.task_id.startswith("Mbpp/"):
        return False
    from evalplus.eval import MBPP_OUTPUT_SET_EQ_TASKS

    return problem.entry_point in MBPP_OUTPUT_SET_EQ_TASKS


def _close(value: Any, expected: Any, atol: float) -> bool:
    if isinstance(expected, (list, tuple)):
        same_shape = isinstance(value, (list, tuple)) and len(value) == len(expected)
        return same_shape and all(_close(one, other, atol) for one, other in zip(value, expected, strict=True))
    if not isinstance(value, (int, float, complex)) or not isinstance(expected, (int, float, complex)):
        return False
    try:
        if not (cmath.isfinite(value) and cmath.isfinite(expected)):
            return equal(value, expected)
        return abs(value - expected) <= atol + _RTOL * abs(expected)
    except OverflowError:  # an int beyond the floats
        return bool(value == expected)


class _NaN:
    """Stands for NaN; unlike NaN it equals itself."""


_NAN = _NaN()


def _has_nan(expected: Any) -> bool:
    if isinstance(expected, dict):
        return any(_has_nan(key) or _has_nan(item) for key, item in expected.items())
    if isinstance(expected, (list, tuple, set, frozenset)):
        return any(map(_has_nan, expected))
    return isinstance(expected, (float, complex)) and expected != expected


def _alike(value: Any, expected: Any) -> bool:
    """Compare recursively, with NaN equal to NaN."""
    if isinstance(expected, (set, frozenset)):
        return isinstance(value, (set, frozenset)) and _same_members(map(_settled, value), map(_settled, expected))
    if isinstance(expected, dict):
        return isinstance(value, dict) and _same_items(value, expected)
    if isinstance(expected, (list, tuple)):
        same_shape = type(value) is type(expected) and len(value) == len(expected)
        return same_shape and all(map(_alike, value, expected))
    return bool(_settled(value) == _settled(expected))


def _same_items(value: dict[Any, Any], expected: dict[Any, Any]) -> bool:
    wanted, seen = {_settled(key): item for key, item in expected.items()}, set()
    for key, item in value.items():
        settled = _settled(key)
        if settled not in wanted or not _alike(item, wanted[settled]):
            return False
        seen.add(settled)
    return seen == wanted.keys()


def _same_members(value: Iterable[Any], expected: Iterable[Any]) -> bool:
    """Return whether both have the same set of members. Only expected members go into a set."""
    wanted, seen = set(expected), set()
    for member in value:
        if member not in wanted:
            return False
        seen.add(member)
    return seen == wanted


def _settled(value: Any) -> Any:
    """Replace every NaN in a hashable value by an object that equals itself."""
    if isinstance(value, (tuple, frozenset)):
        return type(value)(map(_settled, value))
    if isinstance(value, complex) and value != value:
        return (_NAN, _settled(value.real), _settled(value.imag))
    return _NAN if isinstance(value, float) and value != value else value


def _ordinary(_: tuple[Any, ...], value: Any, expected: Any, atol: float) -> bool:
    return agrees(value, expected, atol)


def _members(_: tuple[Any, ...], value: Any, expected: Any, atol: float) -> bool:
    return _holds(lambda: _same_members(value, expected)) or (atol > 0 and agrees(value, expected, atol))


def _is_root(arguments: tuple[Any, ...], value: Any, _: Any, atol: float) -> bool:
    """Judge HumanEval/32, which has many right answers. evalplus' own check never records that one was right."""
    from evalplus.eval._special_oracle import _poly

    return _holds(lambda: abs(_poly(*arguments, value)) <= atol)


def _mbpp_oracle(entry_point: str) -> Comparison:
    from evalplus.eval._special_oracle import _digit_distance_nums, _surface_Area

    def also(rule: Callable[[tuple[Any, ...], Any, float], bool]) -> Comparison:
        return lambda arguments, value, expected, atol: (
            agrees(value, expected, atol) or _holds(lambda: rule(arguments, value, atol))
        )

    special: dict[str, Comparison] = {
        "are_equivalent": lambda *_: True,
        "sum_div": also(lambda _, value, __: value == 0),
        "surface_Area": also(lambda arguments, value, atol: abs(value - _surface_Area(*arguments)) <= atol),
        "digit_distance_nums": also(lambda arguments, value, _: value == _digit_distance_nums(*arguments)),
    }
    return special.get(entry_point, _ordinary)


def _holds(claim: Callable[[], bool]) -> bool:
    """Return whether a claim about a value of any type is true. A claim that raises is not."""
    try:
        return bool(claim())
    except (TypeError, ValueError, ArithmeticError):
        return False
