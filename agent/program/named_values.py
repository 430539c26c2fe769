"""Find the inputs that a request names in prose, as "a duration such as '1h30m'" does. Knows no output for them.

A value counts only where the words say that the function takes it. It does not where they say that the function returns
it or raises for it, or that it is a part of an input, such as a separator. Reads English alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from agent.program.examples.notation import find_close, read_value, take_literal
from agent.program.syntax import find_asked_name, is_code, parse

_MOST = 8  # values of a request
_LONGEST = 4_000  # characters of prose that are read
_QUOTED = re.compile(r"""(?<!\w)(?:"[^"\n]*"|'[^'\n]*'(?!\w)|`[^`\n]*`)""")
_STRAIGHT = str.maketrans("“”‘’", "\"\"''")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n\s*\n|\n(?=\s*(?:[-*•]|\d+\.)\s)")
_CLAUSE_END = re.compile(r",?\s+(?:and|but|while|whereas|otherwise)\s+(?!(?:for|on|if|when|given|or)\b)(?=[A-Za-z])")
_FILLER = r"(?:the|an?|this|input|strings?|texts?|words?|values?|numbers?|lists?|durations?|dates?|times?)"
_SUCH = r"such\s+as|for\s+(?:example|instance)|like|as\s+in|given|turns?|converts?"
_NAMING = re.compile(
    rf"\b(?:({_SUCH})|say|parses?|accepts?|understands?|for|on)\b[,:]?\s+(?:{_FILLER}\s+){{0,2}}(?=\S)",
    re.IGNORECASE,
)
_MEANS = re.compile(
    r"\s*(?:->|→|=>|(?:becomes?|gives?|means?|returns?|should\s+(?:give|return|become|be|mean))\b)", re.IGNORECASE
)
_BARE = re.compile(r"(?=[^\s,;]*\d)(?=[^\s,;]*[A-Za-z:/.-])(?!\d+-[A-Za-z]{3})[\w:/.-]*\w(?=[\s,;.)]|$)")
_AND = re.compile(r"\s*(?:,\s*(?:or|and)?|\bor\b|\band\b|/)\s*", re.IGNORECASE)
_UNIT = re.compile(r"\s+(?!(?:and|or|to|into|in|is|it|the|as|returns?|gives?|should|must|then|for)\b)[A-Za-z]")
_RAISES = re.compile(
    r"(?<!not )(?<!never )(?<!without )\brais(?:e|es|ed|ing)\b|\b(?:\w*error|exception|invalid|malformed|illegal"
    r"|unknown|reject\w*|refus\w*|fails?|not\s+(?:valid|allowed|accepted|supported|an?\b)|un(?:supported|parsable|parseable))\b",
    re.IGNORECASE,
)
_MAPS_TO = re.compile(r"\b(?:into|to|becomes?|gives?|returns?|means?)\b|->|→|=>", re.IGNORECASE)
_GIVES = re.compile(
    r"\b(?:return(?:s|ing)?|giv(?:es?|ing)|produc(?:es?|ing)|prints?|outputs?|yields?|results?|answers?|into)\b"
    r"|\b(?:conver|turn|transla|map|chang|transform|format|render|encod)\w*\b.*\b(?:to|as)\b",
    re.IGNORECASE,
)
_OF_INPUT = re.compile(r"(?<!list )(?<!lists )(?<!tuple )(?<!set )(?<!string )\bof\b|\b(?:in|from|for|given|within)\b")
_PART = re.compile(
    r"\b(?:separat\w+|delimit\w+|units?|keys?|names?|symbols?|characters?|letters?|tokens?|operators?|suffix(?:es)?"
    r"|prefix(?:es)?|fields?|columns?|options?|modes?|commands?|methods?|functions?|named|called|by)\W*(?:\w+\W*)?$",
    re.IGNORECASE,
)


class _Clause(NamedTuple):
    """A clause of the prose, and the same with _ for what stands in quotes."""

    text: str
    masked: str


def find_named_inputs(request: str, source: str, entry_point: str) -> list[tuple[Any, ...]]:
    """Return the arguments that a request names for a function: those of its calls, and the values of its prose.

    source: Python that defines the function, or begins it. A value is the argument of a function that needs exactly
    one; for any other function nobody says which argument it is. A signature in the request says which types fit.
    """
    prose, parameters = _find_prose(request), _find_parameters(source, entry_point)
    inputs = list(_find_calls(prose, entry_point))
    if len(parameters) == 1:
        hint = parameters[0].annotation if is_code(request) else None
        inputs += [(value,) for value in find_named_values(prose) if _fits(value, hint)]
    return list({repr(each): each for each in inputs}.values())[:_MOST]


def find_named_values(prose: str) -> list[Any]:
    """Return the values that prose names as inputs, each once, in their order."""
    values = [value for clause in _split_clauses(prose) for value in _read_clause(clause)]
    return list({repr(value): value for value in values}.values())[:_MOST]


def _find_prose(request: str) -> str:
    """Return a sentence as it is, and of Python the docstring of what it asks for, without sessions and asserts."""
    if not is_code(request):
        return re.sub(r"^```.*?^```", "", request, flags=re.MULTILINE | re.DOTALL)
    tree, name = parse(f"{request.rstrip()}\n    pass\n") or parse(request), find_asked_name(request)
    nodes = ast.walk(tree) if tree else iter(())
    defined = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
    text = next((ast.get_docstring(node) or "" for node in defined if node.name == name), "")
    return re.sub(r"^\s*(?:>>>.*(?:\n.*\S.*)*|assert .*)", "", text, flags=re.MULTILINE)


def _find_parameters(source: str, entry_point: str) -> list[ast.arg]:
    """Return the positional parameters that a function needs."""
    tree = parse(source) or parse(f"{source.rstrip()}\n    pass\n")
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point:
            positional = [*node.args.posonlyargs, *node.args.args]
            return positional[: len(positional) - len(node.args.defaults)]
    return []


def _split_clauses(prose: str) -> Iterator[_Clause]:
    text = re.sub(r"\be\.?g\.?(?=[\s,:])", "such as", prose[:_LONGEST].translate(_STRAIGHT), flags=re.IGNORECASE)
    masked = _QUOTED.sub(lambda match: "_" * len(match[0]), text)
    for begin, end in _cut(masked, _SENTENCE_END, 0, len(text)):
        for first, last in _cut(masked, _CLAUSE_END, begin, end):
            yield _Clause(text[first:last], masked[first:last])


def _cut(text: str, pattern: re.Pattern[str], begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the pieces between the matches of a pattern begin and end."""
    for match in pattern.finditer(text, begin, end):
        yield begin, match.start()
        begin = match.end()
    yield begin, end


def _read_clause(clause: _Clause) -> Iterator[Any]:
    """Yield the values that a clause names as inputs."""
    for match in _NAMING.finditer(clause.masked):
        takes = match[0].lower().startswith(("for ", "on "))  # "returns 90 for '1m30s'" has its output before
        if takes or not _names_output(clause.masked[: match.start()]):
            yield from _take_series(clause, match.end(), plain=match[1] is not None)
    for quoted in _QUOTED.finditer(clause.text):
        if _MEANS.match(clause.text, quoted.end()) and not _NAMING.search(clause.masked):
            yield from _take_series(clause, quoted.start(), plain=False)


def _take_series(clause: _Clause, start: int, *, plain: bool) -> Iterator[Any]:
    """Yield the values of a series such as "'a', 'b' or 'c'". plain: numbers and bare words may be values, too."""
    at, begin, values = start, start, list[Any]()
    while value := _take_value(clause.text, at, plain=plain):
        values.append(value[0])
        at = value[1]
        if (more := _AND.match(clause.text, at)) is None:
            break
        at = more.end()
    if values and not _is_refused(clause.masked, begin, at):
        yield from values


def _take_value(text: str, start: int, *, plain: bool) -> tuple[Any, int] | None:
    """Return the value at a place of a text, and its end; None if there is none."""
    start += len(text[start:]) - len(text[start:].lstrip(" \n("))
    if text[start : start + 1] == "`" and (close := text.find("`", start + 1)) > 0:
        inner = text[start + 1 : close]
        tree = read_value(inner)
        return (ast.literal_eval(tree) if tree else inner), close + 1
    if plain and (bare := _BARE.match(text, start)) and not _is_literal(bare[0]):
        return bare[0], bare.end()
    if not plain and text[start : start + 1] not in ("'", '"', "["):
        return None
    literal = take_literal(text, start)
    if literal is None or (text[literal.end - 1].isdigit() and _UNIT.match(text, literal.end)):
        return None
    return ast.literal_eval(literal.tree), literal.end


def _is_literal(text: str) -> bool:
    literal = take_literal(text)
    return literal is not None and literal.end == len(text)


def _names_output(before: str) -> bool:
    """Decide whether the words before a value say that the function returns it, or that it is a part of an input."""
    verbs = list(_GIVES.finditer(before))
    gives = bool(verbs) and not _OF_INPUT.search(before, verbs[-1].end())
    return gives or _PART.search(before) is not None


def _is_refused(masked: str, begin: int, end: int) -> bool:
    """Decide whether a clause says that the function raises for the value between these places."""
    after = _RAISES.search(masked, end)
    says_more = after is not None and _MAPS_TO.search(masked, end, after.start()) is not None
    return _RAISES.search(masked[:begin]) is not None or (after is not None and not says_more)


def _find_calls(prose: str, entry_point: str) -> Iterator[tuple[Any, ...]]:
    """Yield the literal arguments of the calls that prose shows, but for those that shall raise."""
    for clause in _split_clauses(prose):
        for match in re.finditer(rf"\b{re.escape(entry_point)}(?=\()", clause.text):
            close = find_close(clause.text, match.end())
            tree = parse(clause.text[match.start() : close]) if close else None
            arguments = _read_arguments(tree) if tree else None
            if arguments and close and not _is_refused(clause.masked, match.start(), close):
                yield arguments


def _read_arguments(tree: ast.Module) -> tuple[Any, ...] | None:
    match tree.body:
        case [ast.Expr(ast.Call(args=arguments, keywords=[]))]:
            values = [read_value(argument) for argument in arguments]
            return None if None in values else tuple(ast.literal_eval(value) for value in values if value)
    return None


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "list": (list,), "tuple": (tuple,),
    "dict": (dict,), "set": (set,), "bytes": (bytes,), "sequence": (list, tuple, str), "iterable": (list, tuple, str),
}  # fmt: skip


def _fits(value: Any, hint: ast.expr | None) -> bool:
    """Decide whether a value is of the type that a signature states; any value is where it states none."""
    match hint:
        case None | ast.Name("object" | "Any"):
            return True
        case ast.Name(name) | ast.Attribute(attr=name) | ast.Subscript(ast.Name(name) | ast.Attribute(attr=name)):
            return isinstance(value, _TYPES.get(name.lower(), ()))
    return False
