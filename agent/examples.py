"""The visible examples of a prompt, taken apart: what the program computes, and what is claimed of it.

A program is handed the expressions alone. The claims, which hold the expected values, are judged without it.
"""

from __future__ import annotations

import ast
import doctest
import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Check:
    """One example. The program evaluates the expressions; `claim` speaks of their values as _0, _1 …"""

    source: str  # as the prompt has it
    expressions: tuple[str, ...]
    claim: str | None  # None: the wanted exception says it all
    raises: str | None = None
    setup: str = ""  # statements that the example runs before


_ARROW = re.compile(r"\s*(?:==>|=>|➞|➔|->|==|\breturns?\b|\bshould return\b)\s*")


def visible_checks(request: str) -> list[Check]:
    """Return the examples of a prompt, in their order: doctests, asserts, and lines such as `f(2) ➞ 4`.

    What cannot be taken apart is left out.
    """
    found: list[Check] = []
    defined = set(re.findall(r"^(?:async )?def (\w+)", request, re.MULTILINE))
    for docstring in _docstrings(request):
        found += _doctests(docstring)
        for line in docstring.splitlines():
            if line.strip().startswith("assert "):
                found += _parsed(line.strip())
            elif not line.strip().startswith((">>>", "...")):
                found += _equation(line.strip(), defined)
    return found


def asserts(source: str) -> list[Check]:
    """Return the checks of a test file: each assert, in test functions too, what stands before it as its setup.

    Raises SyntaxError for what is no Python.
    """
    return _collected(ast.parse(source).body, [])


def _collected(statements: list[ast.stmt], before: list[str]) -> list[Check]:
    checks: list[Check] = []
    setup = list(before)
    for statement in statements:
        match statement:
            case ast.Assert():
                check = _taken_apart(statement, "\n".join(setup))
                checks += [check] if check else []
            case ast.FunctionDef(name=name) if name.startswith("test") and not statement.args.args:
                checks += _collected(statement.body, setup)
            case _:
                setup.append(ast.unparse(statement))
    return checks


def _equation(line: str, defined: set[str]) -> list[Check]:
    """Take a line for an example if it is a call of the asked function with literals, an arrow and a literal."""
    for arrow in _ARROW.finditer(line):
        call, value = line[: arrow.start()], line[arrow.end() :].rstrip(" .,;")
        if _is_call_of_literals(call, defined) and _is_literal(value):
            return [Check(f"{call} == {value}", (call,), f"_0 == {value}")]
    return []


def _is_call_of_literals(source: str, defined: set[str]) -> bool:
    try:
        node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        return False
    match node:
        case ast.Call(ast.Name(name), arguments, []) if name in defined:
            return all(_is_literal(ast.unparse(argument)) for argument in arguments)
    return False


def _parsed(line: str) -> list[Check]:
    try:
        return asserts(line)
    except SyntaxError:  # prose that begins with the word
        return []


def _docstrings(request: str) -> list[str]:
    for ending in ("\n    pass\n", "\n", "\n        pass\n"):
        try:
            tree = ast.parse(request.rstrip() + ending)
        except SyntaxError:
            continue
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
        texts = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
        return [text for text in texts if text]
    return [request]


def _doctests(docstring: str) -> list[Check]:
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:  # a prompt is no place to complain about the indentation of its examples
        return []
    checks: list[Check] = []
    setup: list[str] = []
    for example in examples:
        source = example.source.strip()
        if not _is_expression(source):
            setup.append(source)
        else:
            checks.append(_from_doctest(source, example, "\n".join(setup)))
    return checks


def _from_doctest(source: str, example: doctest.Example, setup: str) -> Check:
    shown = f">>> {source}"
    if example.exc_msg is not None:
        return Check(shown, (source,), None, raises=example.exc_msg.split(":")[0].strip(), setup=setup)
    want = example.want.strip()
    if not want and (claimed := _parsed(f"assert {source}")) and claimed[0].claim != "_0":
        return replace(claimed[0], source=shown, setup=setup)  # `>>> f(2) == 4` without an answer means what it says
    if not want:
        return Check(shown, (source,), "_0 is None", setup=setup)
    # What doctest compares is the text of a value; where the text is a literal, the value itself is meant.
    return Check(shown, (source,), f"_0 == {want}" if _is_literal(want) else f"repr(_0) == {want!r}", setup=setup)


def _taken_apart(statement: ast.Assert, setup: str) -> Check | None:
    """Pull the calls of the program's own names out of an assert; None where nothing can be pulled out."""
    source = f"assert {ast.unparse(statement.test)}"  # before it is taken apart in place
    puller = _Puller()
    claim = puller.visit(statement.test)
    if not puller.pulled:
        return None
    return Check(source, tuple(puller.pulled), ast.unparse(claim), setup=setup)


class _Puller(ast.NodeTransformer):
    """Replaces each outermost call of a plain name that is no builtin by _0, _1 …"""

    def __init__(self) -> None:
        self.pulled: list[str] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id not in _TRUSTED:
            self.pulled.append(ast.unparse(node))
            return ast.Name(f"_{len(self.pulled) - 1}", ast.Load())
        return self.generic_visit(node)

    def visit_comprehension_owner(self, node: ast.AST) -> ast.AST:
        """Leave comprehensions whole: their calls depend on names that exist only inside."""
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Lambda = visit_comprehension_owner  # noqa: N815


_TRUSTED = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__)


def _is_expression(source: str) -> bool:
    try:
        ast.parse(source, mode="eval")
    except SyntaxError:
        return False
    return True


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True
