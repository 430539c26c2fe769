"""Read the test cases that a model proposes for a program, and write the signature that it proposes them for.

A model's case may be wrong, so it is a vote and never an example of the task.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.program.definitions import choose_main
from agent.program.examples.asserts import read_tests
from agent.program.examples.example import Example
from agent.program.separation.scope import NotSeparableError
from agent.program.syntax import DEFINITIONS, find_bound_names, find_names, is_text, parse

MOST_CASES = 10
_LONGEST = 300  # characters of a case
_MARGIN = re.compile(r"\n(?=[^\s)\]}#])")


def read_cases(text: str, name: str) -> tuple[Example, ...]:
    """Return the asserts about a function or class in a text; what is no such assert is left out.

    Of asserts about the same call, which may contradict each other, only the first is a case. A case has the statements
    above its assert, if it reads a name that they bind. No case imports anything.
    """
    cases = dict[tuple[str, ...], Example]()
    for source in _split_cases(text):
        example = _read_case(source, name) if len(source) <= _LONGEST else None
        if example is not None:
            cases.setdefault((*example.before, *example.expressions), example)
    return tuple(cases.values())[:MOST_CASES]


def find_subject(program: str, name: str | None) -> str | None:
    """Return the function or class of a program that cases test: the one of this name, else the main one, if any."""
    tree = parse(program)
    defined = [node for node in tree.body if isinstance(node, DEFINITIONS)] if tree else []
    if name is None:
        return choose_main(defined)
    return name if name in (each.name for each in defined) else None


def write_signature(program: str, name: str) -> str:
    """Return the head of a program's function or class, with its docstring and without its code."""
    tree = parse(program)
    defined = [node for node in tree.body if isinstance(node, DEFINITIONS) and node.name == name] if tree else []
    return ast.unparse(_empty(defined[-1])) if defined else ""


def _empty(node: ast.stmt) -> ast.stmt:
    """Return a definition without the code in it; a class keeps the heads of its methods."""
    assert isinstance(node, DEFINITIONS), "only a definition has a head"
    kept = [each for each in node.body[:1] if is_text(each)]
    if isinstance(node, ast.ClassDef):
        kept += [_empty(each) for each in node.body if isinstance(each, DEFINITIONS)]
    node.body = kept or [ast.Expr(ast.Constant(...))]
    return node


def _split_cases(text: str) -> Iterator[str]:
    """Yield the source of each assert, at the margin or in a function of tests, with the statements that it needs."""
    above = list[ast.stmt]()
    for chunk in _MARGIN.split(text):
        tree = parse(chunk)
        for statement in tree.body if tree else ():
            if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test"):
                yield from _with_setup(statement.body, [])
            else:
                yield from _with_setup([statement], above)


def _with_setup(statements: Sequence[ast.stmt], above: list[ast.stmt]) -> Iterator[str]:
    """Yield the asserts among statements; the others become part of those above."""
    for statement in statements:
        if isinstance(statement, ast.Assert):
            bound = {name for each in above for name in find_bound_names(each)}
            needed = above if bound & find_names([statement]) else []
            yield "\n".join(ast.unparse(each) for each in (*needed, _drop_message(statement)))
        elif isinstance(statement, ast.Assign | ast.Expr):
            above.append(statement)


def _drop_message(statement: ast.Assert) -> ast.Assert:
    """Return an assert without its message, which says nothing."""
    return ast.Assert(statement.test)


def _read_case(source: str, name: str) -> Example | None:
    """Return the one example in the source of a case; None where it cannot be read, or tests something else."""
    try:
        examples = read_tests(source, program={name}).examples
    except (SyntaxError, NotSeparableError):
        return None
    return replace(examples[0], session=0) if len(examples) == 1 else None
