"""Read a value as people write it in prose: how far it goes, and whether what stands behind it leaves it whole.

It reads more than Python does (true, null, an empty list). It reads no value that may be cut off, rounded or in a unit.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from agent.program.syntax import PARSE_ERRORS, find_names, read_expression, read_literal

_LONGEST = 4_000  # characters of a value
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_WORDS = {"true": "True", "false": "False", "null": "None", "True": "True", "False": "False", "None": "None"}
_EMPTY = {
    "list": "[]", "array": "[]", "string": "''", "tuple": "()", "dict": "{}", "dictionary": "{}", "set": "set()",
}  # fmt: skip
_STRING = re.compile(r"""(?<!\w)[bruBRU]{0,2}(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_NUMBER = re.compile(r"[-+−]?(?:0[xob][\da-fA-F_]+|(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?j?)(?![\w%°])")
_GROUPED = re.compile(r"[-+−]?\d{1,3}(?:,\d{3})+(?!\d)")  # 1,000 is a thousand, or two numbers
_WORD = re.compile(r"\w+")
_EMPTY_WORDS = re.compile(rf"(?:an?\s+|the\s+)?empty\s+({'|'.join(_EMPTY)})\b(?!\()", re.IGNORECASE)
_KINDS: dict[str, tuple[type, ...]] = {
    "value": (object,), "string": (str,), "list": (list,), "array": (list,), "tuple": (tuple,), "set": (set,),
    "number": (int, float), "integer": (int,), "float": (float,), "boolean": (bool,), "dictionary": (dict,),
    "dict": (dict,),
}  # fmt: skip
_KIND = re.compile(rf"(?:(?:the|an?)\s+)?(?:({'|'.join(_KINDS)})\s+)?(?!empty\b)", re.IGNORECASE)
_STARTS = r"(?:if|for|when|given|with|otherwise|else)\b"
_TAIL = re.compile(
    rf"""\s*(?:
        \)?(?:[.;,]|(?<!\d)!)?\s*$                        # nothing more on the line; 4! is a factorial
      | (?:\#|(?://|--|—|–)(?!\s*[-\d.(\[])).*            # a comment; 3–4 and 7 // 2 go on
      | \s\((?!\s*(?:or|round|approx|about))[^=()]*\)?[.;,]?\s*$  # a remark in parentheses
      | \)?\.\s+(?=[A-Z(]|\w+\()                           # another sentence, or another call
      | ;\s+(?!or\b)(?=[A-Za-z][a-z])                       # another clause
      | [,;]?\s+(?:because|since|whereas|while|which(?![^.;]*\b(?:wrong|incorrect|not|bug)\b)|due)\b
      | [,;]?\s+(?:and\s+|but\s+)?(?=\w+\()                # another call
      | (?:[,;]|\s+(?:and|but))\s+(?:and\s+|but\s+)?(?={_STARTS})
    )""",
    re.VERBOSE | re.MULTILINE,
)


_OTHER_SCALE = (
    r"mod|modulo|base|hex\w*|binary|octal|units?|percent|milliseconds|seconds|minutes|hours|days|ms|mm|cm|km|kg|degrees"
    r"|dollars|euros|if|unless"
)
_REMARK_ON_NUMBER = re.compile(
    r"\)?\s*(?:\#|//|--|—|–|\()\s*(?:(?:or|mod|modulo|rounded|approx\w*|about|roughly|nearly"
    rf"|in (?:base|hex|binary|octal))\b|(?<=\()[^()]*\b(?:{_OTHER_SCALE})\b)",
    re.IGNORECASE,
)


class ShownValue(NamedTuple):
    """A value in a text, and where it ends."""

    tree: ast.expr
    end: int
    loose: bool = False  # a tuple without parentheses, or parentheses without a tuple


def take_value(text: str, start: int = 0) -> ShownValue | None:
    """Return the value that begins at a place of a text and that nothing behind it changes; None if there is none."""
    kind = _KIND.match(text, start)
    value = _take_tuple(text, start) or take_literal(text, kind.end() if kind else start)
    if value is None or not ends_value(text, value.end):
        return None
    wanted = _KINDS[kind[1].lower()] if kind and kind[1] else (object,)
    return value if isinstance(ast.literal_eval(value.tree), wanted) else None


def ends_value(text: str, end: int) -> bool:
    """Decide whether a value that ends here is whole: what follows is prose that leaves it as it is, or nothing."""
    if text[end - 1 : end].isdigit() and _REMARK_ON_NUMBER.match(text, end):
        return False
    return text[end : end + 2] != ".." and _TAIL.match(text, end) is not None


def take_literal(text: str, start: int = 0) -> ShownValue | None:
    """Return the literal that begins at a place of a text, whatever stands behind it."""
    start += len(text[start : start + _LONGEST]) - len(text[start : start + _LONGEST].lstrip())
    if _GROUPED.match(text, start):
        return None
    if empty := _EMPTY_WORDS.match(text, start):
        return _as_value(_EMPTY[empty[1].lower()], empty.end())
    for pattern in (_NUMBER, _STRING):
        if match := pattern.match(text, start):
            return _as_value(match[0].replace("−", "-"), match.end())
    if (word := _WORD.match(text, start)) and word[0] in _WORDS:
        return _as_value(_WORDS[word[0]], word.end())
    opening = start + 3 if text.startswith("set(", start) else start
    end = find_close(text, opening)
    return None if end is None else _as_value(text[start:end], end)


def _take_tuple(text: str, start: int) -> ShownValue | None:
    """Return the values between commas up to the end of the line, which are a tuple without its parentheses."""
    parts, at = list[ast.expr](), start
    while part := take_literal(text, at):
        parts.append(part.tree)
        comma = re.compile(r"\s*,\s*(?=\S)").match(text, part.end)
        if comma is None:
            return ShownValue(ast.Tuple(parts, ast.Load()), part.end, True) if len(parts) > 1 else None
        at = comma.end()
    return None


def _as_value(source: str, end: int) -> ShownValue | None:
    tree = read_value(source)
    bare = tree is not None and source.startswith("(") and not isinstance(tree, ast.Tuple)
    return None if tree is None else ShownValue(tree, end, bare)


def read_value(source: str | ast.expr) -> ast.expr | None:
    """Return a literal's syntax tree, with true, false and null as Python's; None for what is no whole literal."""
    tree = read_expression(source) if isinstance(source, str) else source
    if tree is None:
        return None
    if find_names([tree]) & set(_WORDS):
        tree = _WordTranslator().visit(tree)
    parts = {type(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    cut = any(isinstance(n, ast.Constant) and str(n.value).endswith(("...", "…")) for n in ast.walk(tree))
    return None if read_literal(tree) is None or type(...) in parts or cut else tree


class _WordTranslator(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.AST:
        return read_expression(_WORDS.get(node.id, node.id)) or node


def find_close(text: str, start: int) -> int | None:
    """Return the place behind the bracket that closes the one at `start`; None if none does."""
    stack, at, end = list[str](), start, min(len(text), start + _LONGEST)
    while at < end:
        character = text[at]
        if string := _STRING.match(text, at) if character in "\"'" else None:
            at = string.end()
            continue
        if character in _CLOSING:
            stack.append(_CLOSING[character])
        elif character in ")]}" and (not stack or stack.pop() != character):
            return None
        at += 1
        if not stack:
            return at if at > start + 1 else None
    return None


_OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip


def read_arithmetic(source: str) -> float | None:
    """Return what an expression of plain numbers comes to; None for another expression."""
    tree = read_expression(source.strip())
    try:
        return None if tree is None else _evaluate(tree)
    except (*PARSE_ERRORS, ArithmeticError):
        return None


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluate(operand)
        case ast.BinOp(left, operation, right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](_evaluate(left), _evaluate(right))
    raise ValueError("no plain numbers")
