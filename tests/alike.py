"""Equality of plain data as a wire must keep it: types, NaN and the sign of zero included."""


def alike(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, complex):
        return alike(left.real, right.real) and alike(left.imag, right.imag)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, set | frozenset):
        return sorted(map(_kind, left)) == sorted(map(_kind, right))
    if isinstance(left, dict):
        return alike(list(left.values()), list(right.values())) and [*map(_kind, left)] == [*map(_kind, right)]
    return left == right


def _kind(item):
    """A hashable item as text that tells 1 from 1.0 and True; a frozenset's order does not count."""
    if isinstance(item, frozenset):
        return f"frozenset{sorted(map(_kind, item))}"
    if isinstance(item, tuple):
        return f"tuple{[*map(_kind, item)]}"
    return f"{type(item).__name__}:{item!r}"
