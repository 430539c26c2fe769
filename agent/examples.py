"""The visible examples of a prompt, taken apart: what the program computes, and what is claimed of it.

A program is handed the expressions alone. The claims, which hold the expected values, are judged without it.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Check:
    """One example. The program evaluates the expressions; `claim` speaks of their values as _0, _1 …"""

    source: str  # as the prompt has it
    expressions: tuple[str, ...]
    claim: str | None  # None: the wanted exception says it all
    raises: str | None = None
    setup: str = ""  # statements that the expressions need
    claim_setup: str = ""  # statements that the claim needs; the program never sees them


class NotSeparableError(ValueError):
    """An assert whose expected value cannot be kept from the program."""


def visible_checks(request: str) -> list[Check]:
    """Return the examples of a prompt, in their order: doctests, asserts, and lines such as `f(2) ➞ 4`.

    What cannot be taken apart is left out.
    """
    found: list[Check] = []
    defined = set(re.findall(r"^def (\w+)", request, re.MULTILINE))
    waits = set(re.findall(r"^async def (\w+)", request, re.MULTILINE))  # their calls give coroutines, not values
    for docstring in _docstrings(request):
        found += _doctests(docstring)
        for line in docstring.splitlines():
            if line.strip().startswith("assert "):
                found += _lenient(line.strip())
            elif not line.strip().startswith((">>>", "...")):
                found += _equation(line.strip(), defined)
    return [check for check in found if not any(re.search(rf"\b{name}\(", check.source) for name in waits)]


def unread_examples(request: str, checks: Iterable[Check]) -> list[str]:
    """Return the lines that look like examples, `>>>` or `assert`, of which none of the checks was made."""
    made = "\n".join(f"{check.source}\n{check.setup}" for check in checks)
    found = []
    for line in (line.strip() for docstring in _docstrings(request) for line in docstring.splitlines()):
        shown = line.removeprefix(">>>").strip() if line.startswith(">>>") else ""
        if (shown and shown not in made) or (line.startswith("assert ") and not _lenient(line)):
            found.append(line)
    return [line for line in found if line.startswith("assert ") or not _only_prepares(line)]


def _only_prepares(line: str) -> bool:
    """Whether a shown line is a statement, which prepares examples and shows no value."""
    tree = parsed(line.removeprefix(">>>").strip())
    return tree is not None and bool(tree.body) and not isinstance(tree.body[0], ast.Expr)


def asserts(source: str) -> list[Check]:
    """Return the checks of a test file: its asserts at the top level and in functions named test….

    Raises SyntaxError for what is no Python, NotSeparableError for an assert that would have to be left out.
    """
    module = ast.parse(source)
    found, seen = _collected(module.body, [])
    for node in ast.walk(module):
        if isinstance(node, ast.Assert) and node not in seen:
            raise NotSeparableError(
                f"{node.lineno}: this assert stands inside {_WHERE}; write it out, one assert a case"
            )
    return found


_WHERE = "a loop, a class or a function with arguments, where its expected value cannot be kept from the program"


def parsed(source: str) -> ast.Module | None:
    """Return the syntax tree of a text, or None where it is no Python or too deep to tell."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


# Asserts: whatever depends on the program is an expression, the rest is the claim.


def _collected(statements: list[ast.stmt], before: list[ast.stmt]) -> tuple[list[Check], set[ast.Assert]]:
    checks: list[Check] = []
    seen: set[ast.Assert] = set()
    setup = list(before)
    for statement in statements:
        match statement:
            case ast.Assert():
                checks.append(_taken_apart(statement, setup))
                seen.add(statement)
            case ast.FunctionDef(name=name) if name.startswith("test") and not statement.args.args:
                inner, inside = _collected(statement.body, setup)
                checks += inner
                seen |= inside
            case _:
                setup.append(statement)
    return checks, seen


def _taken_apart(statement: ast.Assert, setup: list[ast.stmt]) -> Check:
    source = ast.unparse(statement.test)  # before it is taken apart in place
    puller = _Puller(_trusted(setup))
    claim = puller.visit(statement.test)
    if not puller.pulled or puller.stuck:
        raise NotSeparableError(
            f"{statement.lineno}: `assert {source}` cannot be split into calls and what is said of them"
        )
    needed = _needed(setup, _names(ast.parse(expression) for expression in puller.pulled))
    own = _needed([s for s in setup if _bound(s) <= puller.trusted], _names([claim]))
    return Check(f"assert {source}", tuple(puller.pulled), ast.unparse(claim), setup=needed, claim_setup=own)


class _Puller(ast.NodeTransformer):
    """Replaces each outermost chain that begins with a name of the program by _0, _1 …"""

    def __init__(self, trusted: set[str]) -> None:
        self.trusted, self.pulled, self.stuck = trusted, list[str](), False

    def visit(self, node: ast.AST) -> ast.AST:
        """Pull a chain, or look inside; what binds names of its own cannot be split."""
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda | ast.Await):
            self.stuck = self.stuck or not _names([node]) <= self.trusted | _targets(node)
            return node
        root = _root(node)
        if root is None or root in self.trusted:
            return self.generic_visit(node)
        self.pulled.append(ast.unparse(node))
        return ast.Name(f"_{len(self.pulled) - 1}", ast.Load())


def _root(node: ast.AST) -> str | None:
    """Return the name that a chain of calls, attributes and subscripts begins with."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _trusted(setup: list[ast.stmt]) -> set[str]:
    """Return the names whose values do not depend on the program, after these statements."""
    trusted = {*dir(builtins), "math"}  # prompts speak of math.isclose without importing it
    for statement in setup:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            trusted |= _bound(statement) if _of_python(statement) else set()
        elif _names([statement]) - _bound(statement) <= trusted:
            trusted |= _bound(statement)
        else:  # what the program touched may be changed by it
            trusted -= (_bound(statement) | _names([statement])) - set(dir(builtins))
    return trusted


def _of_python(statement: ast.Import | ast.ImportFrom) -> bool:
    """Whether all modules are of the standard library; any other is taken for the program under its own name."""
    modules = [statement.module or ""] if isinstance(statement, ast.ImportFrom) else [a.name for a in statement.names]
    return all(module.split(".")[0] in sys.stdlib_module_names for module in modules)


def _needed(setup: list[ast.stmt], names: set[str]) -> str:
    """Return the statements, as text, on which these names depend."""
    kept: list[ast.stmt] = []
    for statement in reversed(setup):
        foreign = isinstance(statement, ast.Import | ast.ImportFrom) and not _of_python(statement)
        touches = _bound(statement) or _names([statement])
        if touches & names and not foreign:
            kept.insert(0, statement)
            names = names | _names([statement])
    return "\n".join(ast.unparse(statement) for statement in kept)


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    inside = (inner for node in nodes for inner in ast.walk(node))
    return {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return _targets(statement)


def _targets(node: ast.AST) -> set[str]:
    stored = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    return stored | {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}


def _lenient(line: str) -> list[Check]:
    try:
        return asserts(line)
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # prose that begins with the word
        return []


# Doctests and lines with an arrow.


def _docstrings(request: str) -> list[str]:
    for ending in ("\n    pass\n", "\n", "\n        pass\n"):
        tree = parsed(request.rstrip() + ending)
        if tree is not None:
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
        if parsed(source) is None:  # it would spoil those that come after it
            continue
        if not _is_expression(source):
            setup.append(source)
        elif not example.options:  # with an option the shown text is not what comes out
            checks.append(_from_doctest(source, example, "\n".join(setup)))
    return checks


def _from_doctest(source: str, example: doctest.Example, setup: str) -> Check:
    shown, want = f">>> {source}", example.want.strip()
    if example.exc_msg is not None:
        name = example.exc_msg.split(":")[0].strip().rpartition(".")[2]
        return Check(shown, (source,), None, raises=name, setup=setup)
    if not want:
        claimed = _lenient(f"assert {source}")
        if claimed and claimed[0].claim != "_0":
            return replace(claimed[0], source=shown, setup=setup)  # `>>> f(2) == 4` without an answer means it
        return Check(shown, (source,), "_0 is None", setup=setup)
    match ast.parse(source, mode="eval").body:
        case ast.Call(ast.Name("print"), [printed], []):
            return Check(shown, (ast.unparse(printed),), f"str(_0) == {want!r}", setup=setup)
    # What doctest compares is the text of a value; where the text is a literal, the value itself is meant.
    return Check(shown, (source,), f"_0 == {want}" if _is_literal(want) else f"repr(_0) == {want!r}", setup=setup)


_ARROW = re.compile(r"\s*(?:==>|=>|➞|➔|->|==|\breturns?\b|\bshould return\b)\s*")


def _equation(line: str, defined: set[str]) -> list[Check]:
    """Take a line for an example if it is a call of the asked function with literals, an arrow and a literal."""
    for arrow in _ARROW.finditer(line):
        call, value = line[: arrow.start()], line[arrow.end() :].rstrip(" .,;")
        if _is_call_of_literals(call, defined) and _is_literal(value):
            return [Check(f"{call} == {value}", (call,), f"_0 == {value}")]
    return []


def _is_call_of_literals(source: str, defined: set[str]) -> bool:
    tree = parsed(source)
    match tree.body if tree else []:
        case [ast.Expr(ast.Call(ast.Name(name), arguments, []))] if name in defined:
            return all(_is_literal(ast.unparse(argument)) for argument in arguments)
    return False


def _is_expression(source: str) -> bool:
    tree = parsed(source)
    return tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True
