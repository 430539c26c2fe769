"""Find the examples that a file shows for its own functions: in docstrings, in asserts and in functions of tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.program.examples.assertions import is_idle
from agent.program.examples.asserts import read_tests
from agent.program.examples.docstrings import Definitions, find_definitions
from agent.program.examples.example import Example, combine_examples
from agent.program.examples.read import read_examples
from agent.program.holes import Hole
from agent.program.prompts import find_called_function
from agent.program.separation.scope import NotSeparableError
from agent.program.syntax import find_bound_names, find_names, is_text, parse, read_module
from uncertainty.places import Places


@dataclass(frozen=True, slots=True)
class FileExamples:
    """The examples of a file, and the asserts at its margin that are among them."""

    examples: tuple[Example, ...]
    asserts: frozenset[str] = frozenset()  # each as Python writes it


def read_file_examples(plain: str) -> FileExamples:
    """Return the examples of a file. plain: its text, with `...` in its holes.

    What cannot be read as an example is left out. Such an assert stays a part of the program, and runs with it.
    """
    tree = read_module(plain)
    defined, examples, asserts = find_definitions(plain, tree), tuple(read_examples(plain).examples), set[str]()
    for statement in tree.body:
        shown = () if any(map(_is_gap, ast.walk(statement))) else _read_statement(statement, defined)
        examples = combine_examples(examples, shown)
        if shown and isinstance(statement, ast.Assert):
            asserts.add(_write_statement(statement))
    return FileExamples(examples, frozenset(asserts))


def find_tested_name(plain: str) -> str | None:
    """Return the name that a file of tests alone calls most often; None for a file that defines or does more.

    It is empty where no test can be read.
    """
    tree = parse(plain)
    if tree is None:
        return None
    rest = [each for each in tree.body if not isinstance(each, ast.Import | ast.ImportFrom) and not is_text(each)]
    if all(map(is_idle, rest)) or not all(map(_is_test, rest)):
        return None
    try:
        return find_called_function(read_tests(plain).examples) or ""
    except (SyntaxError, NotSeparableError):
        return ""


def _is_test(statement: ast.stmt) -> bool:
    """Decide whether a statement is a test, or starts the tests."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name.lower().startswith("test")
    return isinstance(statement, ast.Assert) or is_idle(statement)


def remove_asserts(program: str, asserts: frozenset[str]) -> str:
    """Return a program without these asserts at its margin: its examples check them one by one."""
    places = Places(program)
    for statement in reversed(read_module(program).body):
        if isinstance(statement, ast.Assert) and _write_statement(statement) in asserts:
            start, end = places.find(statement)
            program = f"{program[:start]}pass{program[end:]}"
    return program


def find_reaching_examples(plain: str, hole: Hole, examples: Sequence[Example]) -> tuple[int, ...]:
    """Return the numbers of the examples that may run the code around a hole: they, or what they call, name it.

    Examples of one session count together, because each needs those before it.
    """
    names = _find_users(read_module(plain), hole.line)
    sessions = {each.session for each in examples if names & set(re.findall(r"\w+", _write_code(each)))}
    return tuple(number for number, each in enumerate(examples) if each.session in sessions)


def _find_users(tree: ast.Module, line: int) -> set[str]:
    """Return the names that the statement around a line binds, and those of all statements that lead to them."""
    names = set[str]()
    for statement in tree.body:
        if statement.lineno <= line <= (statement.end_lineno or line):
            names |= find_bound_names(statement)
    size = -1
    while size != len(names):
        size = len(names)
        names |= {name for each in tree.body if names & find_names([each]) for name in find_bound_names(each)}
    return names


def _read_statement(statement: ast.stmt, defined: Definitions) -> tuple[Example, ...]:
    """Return the examples of an assert, or of a function of tests; none of anything else, and where it is unclear."""
    if not isinstance(statement, ast.Assert) and not getattr(statement, "name", "").startswith("test_"):
        return ()
    names, classes, records = defined.names, defined.classes, defined.records
    try:
        return tuple(read_tests(_write_statement(statement), program=names, classes=classes, records=records).examples)
    except (SyntaxError, NotSeparableError):
        return ()


def _write_statement(statement: ast.stmt) -> str:
    """Return a statement as Python writes it; an empty text where it is nested too deeply for that."""
    try:
        return ast.unparse(statement)
    except RecursionError:
        return ""


def _is_gap(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _write_code(example: Example) -> str:
    return "\n".join((*example.before, *example.expressions))
