"""Find the function that a request asks for, and say whether a program has it. Runs nothing."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from inspect import Parameter, Signature
from typing import TypeAlias

from agent.program.extraction.facts import IMPORTS_EVERYTHING, inspect_source
from agent.program.failures import Failure, FailureKind
from agent.program.syntax import find_bound_names, is_code, parse

_Head: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_VERBS = r"write|implement|define|create|need|want|give me"
_BETWEEN = r"(?:\s+(?:me|a|an|the|some|small|short|python|function|called|named|for me{})){{0,5}}"
_CALL = r"\s+`?([a-z_]\w{0,60})\(([^()\n]{0,200})\)"
_ASKED = re.compile(rf"\b(?:{_VERBS}){_BETWEEN.format('')}{_CALL}", re.IGNORECASE)
_MENTIONED = re.compile(
    rf"(?:\b(?:{_VERBS}|called|named)|(?<!the )\bfunction){_BETWEEN.format('|method')}{_CALL}", re.IGNORECASE
)
_NO_NAMES = {*dir(builtins), "O", "function", "method"}
_PLURALS = ("s", "es", "ies")  # as in "the word(s)"
_MANY = 100  # arguments; no function names so many parameters
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def find_named_function(sentence: str) -> str | None:
    """Return the function that a sentence asks for by a call, as in "Write slugify(title)"; None where it names none.

    Without such a call, a function that it mentions is taken: "for a function called f(x)". A sentence that asks for a
    class writes calls of its methods, so it names no function.
    """
    if re.search(r"\bclass\b", sentence):
        return None
    heads = [*_find_heads(sentence, _ASKED), *_find_heads(sentence, _MENTIONED)]
    return heads[0].name if heads else None


def read_parameters(sentence: str, name: str | None) -> str:
    """Return the parameters that a sentence names for a function, as Python without hints.

    The empty string where it names none, or where they cannot stand in a function: `add(int, int)`.
    """
    head = None if is_code(sentence) else _find_asked_head(sentence, name)
    if head is None or _read_signature(head.args) is None or not all(map(_is_literal, _list_defaults(head.args))):
        return ""
    for each in ast.walk(head.args):
        if isinstance(each, ast.arg):
            each.annotation = None
    return ast.unparse(head.args)


def find_head_failure(request: str, program: str, name: str) -> Failure | None:
    """Return why a program does not have the function that a request asks for.

    It must define the name, and its function must take the calls that the request's parameters allow. Its own may have
    other names, and there may be more of them, with defaults. None where it fits, where the request only mentions the
    function, and where only a run could tell which parameters it has.
    """
    asked = _find_code_head(request, name) if is_code(request) else _find_asked_head(request, name)
    if asked is None:
        return None
    if name not in inspect_source(program).defines and not IMPORTS_EVERYTHING.search(program):
        return Failure(FailureKind.OTHER_NAME, expression=name)
    written = _find_only_head(program, name)
    if written is None or not ast.unparse(asked.args) or _takes_calls_of(written.args, asked.args):
        return None
    return Failure(FailureKind.OTHER_PARAMETERS, expression=_write_head(asked), got=_write_head(written))


def _find_heads(sentence: str, pattern: re.Pattern[str]) -> Iterator[_Head]:
    """Yield the heads of the functions that a sentence writes as calls."""
    for name, inside in pattern.findall(sentence):
        tree = None if inside.strip() in _PLURALS or name in _NO_NAMES else parse(f"def {name}({inside}): pass")
        if tree is not None and isinstance(tree.body[0], ast.FunctionDef):
            yield tree.body[0]


def _find_asked_head(sentence: str, name: str | None) -> _Head | None:
    """Return the last head that a sentence asks for under a name; a person who corrects it says it again."""
    if re.search(r"\bclass\b", sentence):
        return None
    return next((each for each in reversed([*_find_heads(sentence, _ASKED)]) if each.name == name), None)


def _find_code_head(request: str, name: str) -> _Head | None:
    """Return the last head of a name in a request that may end behind a head."""
    tree = parse(request) or parse(f"{request.rstrip()}\n    pass\n")
    heads = [each for each in tree.body if isinstance(each, _Head)] if tree else []
    return next((each for each in reversed(heads) if each.name == name), None)


def _find_only_head(program: str, name: str) -> _Head | None:
    """Return the head of a function; None where it is decorated, or another statement binds its name, too."""
    tree = parse(program)
    binding = [each for each in tree.body if name in find_bound_names(each)] if tree else []
    match binding:
        case [ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]) as only]:
            return only
    return None


def _takes_calls_of(written: ast.arguments, asked: ast.arguments) -> bool:
    """Decide whether a function takes the shortest and the longest call that another takes."""
    theirs, ours = _read_signature(asked), _read_signature(written)
    return theirs is None or ours is None or all(_takes(ours, *call) for call in _list_calls(theirs))


def _list_calls(signature: Signature) -> list[tuple[int, list[str]]]:
    """Return the shortest and the longest call: the number of its arguments, and its keywords."""
    parameters = [*signature.parameters.values()]
    kinds = {each.kind for each in parameters}
    needed = [each for each in parameters if each.default is Parameter.empty]
    (least, some), (most, every) = _count_arguments(needed), _count_arguments(parameters)
    further = _MANY if Parameter.VAR_POSITIONAL in kinds else 0
    return [(least, some), (most + further, [*every, *(["one_more"] if Parameter.VAR_KEYWORD in kinds else [])])]


def _count_arguments(parameters: Sequence[Parameter]) -> tuple[int, list[str]]:
    """Return how many of some parameters are given by position, and the names of those given by keyword."""
    positional = sum(each.kind in _POSITIONAL for each in parameters)
    return positional, [each.name for each in parameters if each.kind == Parameter.KEYWORD_ONLY]


def _takes(signature: Signature, count: int, keywords: Sequence[str]) -> bool:
    try:
        signature.bind(*[None] * count, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def _read_signature(arguments: ast.arguments) -> Signature | None:
    """Return the parameters of a function, without their hints; None where two have one name."""
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = {each.arg for each in positional[len(positional) - len(arguments.defaults) :]}
    optional |= {each.arg for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default}
    kinds = [
        (arguments.posonlyargs, Parameter.POSITIONAL_ONLY),
        (arguments.args, Parameter.POSITIONAL_OR_KEYWORD),
        ([arguments.vararg] if arguments.vararg else [], Parameter.VAR_POSITIONAL),
        (arguments.kwonlyargs, Parameter.KEYWORD_ONLY),
        ([arguments.kwarg] if arguments.kwarg else [], Parameter.VAR_KEYWORD),
    ]
    try:
        return Signature(
            [
                Parameter(each.arg, kind, default=None if each.arg in optional else Parameter.empty)
                for group, kind in kinds
                for each in group
            ]
        )
    except ValueError:
        return None


def _list_defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(each for each in arguments.kw_defaults if each)]


def _is_literal(expression: ast.expr) -> bool:
    try:
        ast.literal_eval(expression)
    except (ValueError, TypeError):
        return False
    return True


def _write_head(function: _Head) -> str:
    return f"{function.name}({ast.unparse(function.args)})"
