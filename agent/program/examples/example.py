"""One example, taken apart: what the program's process evaluates, and what is claimed of the values outside of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from agent.program.syntax import find_bound_names, parse


@dataclass(frozen=True, slots=True)
class Example:
    """One example. The program runs `expressions`; the rest is judged where no program can reach it.

    At most one of three is wanted: that `claim` holds of the values _0, _1 …, that an exception is raised, or that the
    expression shows a text, as an interpreter would, by printing or by its value's repr. Else it is to run, no more.
    """

    source: str  # as the prompt has it
    expressions: tuple[str, ...]  # Python, in the order in which it runs; for `raises` and `shown` also statements
    expected: str | None = None
    raises: str | None = None  # names of exceptions, "A|B" for either of two
    subclasses: bool = False  # an exception derived from one of these is wanted as well
    message: str | None = None  # of the exception; None where any will do
    shown: str | None = None
    flags: int = 0  # doctest's, for `shown` and `message`
    pattern: bool = False  # `message` is a regular expression that is looked for
    expected_setup: str = ""  # statements that the claim needs; the program never sees them
    before: tuple[str, ...] = ()  # statements that run just before, and must not raise
    session: int = 0  # checks of one session run in one process, in their order


class ReadExamples(NamedTuple):
    """The examples that a text shows and that can be checked, and the lines of what looks like one and cannot be."""

    examples: list[Example]
    unparsed: list[str]


def list_earlier_code(examples: Sequence[Example], number: int) -> list[str]:
    """Return what the process of a check has run when the check's turn comes."""
    example = examples[number]
    earlier = [other for other in examples[:number] if other.session == example.session]
    return [source for other in earlier for source in (*other.before, *other.expressions)] + list(example.before)


def combine_examples(examples: Sequence[Example], more: Sequence[Example]) -> tuple[Example, ...]:
    """Return the checks of two sources, none in a session with one of the other's."""
    first = 1 + max((example.session for example in examples), default=-1)
    return (*examples, *(replace(example, session=first + example.session) for example in more))


def find_required_names(examples: Sequence[Example]) -> set[str]:
    """Return the names that the program must define: those that its process calls and nothing before binds."""
    called, bound = set[str](), {*dir(builtins)}
    for example in examples:
        trees = [tree for source in (*example.before, *example.expressions) if (tree := parse(source))]
        bound |= {name for tree in trees for statement in tree.body for name in find_bound_names(statement)}
        called |= {
            node.func.id
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
    return called - bound
