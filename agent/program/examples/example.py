"""The record of one example: what the program evaluates, and what is judged of the values without the program."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from agent.program.syntax import find_bound_names, parse


@dataclass(frozen=True, slots=True)
class Example:
    """One example. The program's process runs `before` and `expressions`; no program can reach what judges the rest.

    An example expects at most one of three: `expected` is true of the values _0, _1 …; an exception is raised; or an
    interpreter would show a text, printed or as the value's repr. One that expects none of them only has to run.
    """

    source: str  # the prompt's own text
    expressions: tuple[str, ...]  # Python, in the order in which it runs; for `raises` and `shown` also statements
    expected: str | None = None  # a Python expression over _0, _1 …, such as "_0 == 3"
    raises: str | None = None  # names of exceptions, "A|B" for either of two
    subclasses: bool = False  # an exception derived from one of these counts as well
    message: str | None = None  # the exception's; None where any will do
    shown: str | None = None
    flags: int = 0  # doctest's, for `shown` and `message`
    pattern: bool = False  # `message` is a regular expression to search for
    expected_setup: str = ""  # statements that `expected` needs; the program never sees them
    before: tuple[str, ...] = ()  # statements that run just before the expressions, and must not raise
    session: int = 0  # examples of one session run in one process, in their order

    @property
    def judge_sources(self) -> tuple[str, ...]:
        """The sources that the judge's process runs."""
        return (self.expected_setup, self.expected or "")


class ReadExamples(NamedTuple):
    """The examples that a text shows and that can be checked, and the lines of what looks like one and cannot be."""

    examples: list[Example]
    unparsed: list[str]


def list_earlier_code(examples: Sequence[Example], number: int) -> list[str]:
    """Return what the process of an example has run when the example's own expressions come."""
    example = examples[number]
    earlier = [other for other in examples[:number] if other.session == example.session]
    return [source for other in earlier for source in (*other.before, *other.expressions)] + list(example.before)


def combine_examples(examples: Sequence[Example], more: Sequence[Example]) -> tuple[Example, ...]:
    """Return the examples of two texts. No session has examples of both."""
    first = 1 + max((example.session for example in examples), default=-1)
    return (*examples, *(replace(example, session=first + example.session) for example in more))


def find_required_names(examples: Sequence[Example]) -> set[str]:
    """Return the names that the program must define: the examples call them, and no statement of theirs binds them."""
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
