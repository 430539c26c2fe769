"""Decide whether a literal may be of the type that an annotation promises. Types that are no literals' fit nothing."""

from __future__ import annotations

import ast
import builtins
import re
import typing

_PLAIN_NAMES = set(dir(builtins)) | set(typing.__all__) | {"typing", "collections", "abc", "numbers", "Number", "Real"}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "int": int, "float": (int, float), "str": str, "bool": bool, "bytes": bytes, "list": list, "List": list,
    "tuple": tuple, "Tuple": tuple, "dict": dict, "Dict": dict, "set": set, "Set": set,
}  # fmt: skip


def is_plain(annotation: ast.expr, aliases: set[str]) -> bool:
    """Decide whether literals can be of a type: it names no class of a library or of the prompt."""
    words = set(re.findall(r"[A-Za-z_]\w*", ast.unparse(annotation)))
    return "Literal" in words or all(len(word) < 3 for word in words - _PLAIN_NAMES - aliases)


def fits_annotation(annotation: ast.expr | None, value: ast.expr) -> bool:
    """Decide whether a value may be of the annotated type, and all that is in it of the types in its brackets."""
    return annotation is None or _is_of(annotation, ast.literal_eval(value))


def _is_of(annotation: ast.expr, literal: object) -> bool:
    """Decide whether a literal, with all that is in it, may be of a type. Of a type that is not known it may be."""
    match annotation:
        case ast.BinOp(left, ast.BitOr(), right):
            return _is_of(left, literal) or _is_of(right, literal)
        case ast.Constant(None):
            return literal is None
        case ast.Subscript(slice=ast.Tuple(inner)):
            parts = inner
        case ast.Subscript(slice=inner_type):
            parts = [inner_type]
        case _:
            parts = []
    name = find_kind_name(annotation)
    if name in ("Optional", "Union"):
        return (name == "Optional" and literal is None) or any(_is_of(part, literal) for part in parts)
    kind = _KINDS.get(name)
    if kind is None:
        return True
    if not isinstance(literal, kind) or isinstance(literal, bool) != (kind is bool):
        return False
    return not parts or _holds(parts, literal)


def _holds(parts: list[ast.expr], literal: object) -> bool:
    """Decide whether what is in a literal may be of the types in an annotation's brackets."""
    match literal:
        case dict() if len(parts) == 2:
            return all(_is_of(parts[0], key) and _is_of(parts[1], value) for key, value in literal.items())
        case tuple() if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
            return all(_is_of(parts[0], each) for each in literal)
        case tuple():
            return len(parts) == len(literal) and all(map(_is_of, parts, literal))
        case list() | set() if len(parts) == 1:
            return all(_is_of(parts[0], each) for each in literal)
    return True


def find_kind_name(annotation: ast.expr | None) -> str:
    """Return the name of an annotation without what stands in its brackets; "" if it has none."""
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else ""
