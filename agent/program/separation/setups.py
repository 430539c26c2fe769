"""The statements of an example before what it asserts: what each does, decided where it stands. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.program.examples.example import Example
from agent.program.separation.constants import is_atom
from agent.program.separation.exposure import ExposedCode, expose
from agent.program.separation.scope import NotSeparableError, Scope, read_called_name
from agent.program.syntax import (
    find_names,
    is_standard_import,
    parse,
)


@dataclass(frozen=True, eq=False)
class Setup:
    """One statement."""

    statement: ast.stmt
    trusted: bool  # its values did not depend on the program where it stood
    writes: frozenset[str]  # names that it binds, or whose objects it may change
    binds: frozenset[str]  # those whose values before it no longer count
    reads: frozenset[str]
    guest: ast.stmt | None  # as it may run beside the program; None where it must not
    passed: frozenset[str]  # names that it needs there
    calls: bool  # it has to do with the program
    always: bool  # runs there whether or not anything needs it: it calls the program, or changes the world around it

    @cached_property
    def source(self) -> str:
        """Its text in the process without the program."""
        return ast.unparse(self.statement)

    @cached_property
    def guest_source(self) -> str:
        """Its text in the program's process."""
        return "" if self.guest is None else ast.unparse(self.guest)


def select_for_judge(steps: Sequence[Setup], names: set[str]) -> list[Setup]:
    """Return the trusted steps on which these names depend."""
    kept: list[Setup] = []
    for step in reversed(steps):
        if step.trusted and step.writes & names and not _is_foreign(step.statement):
            kept.append(step)
            names = (names - step.binds) | step.reads
    return kept[::-1]


def select_for_program(steps: Sequence[Setup], names: set[str], ran: Collection[int]) -> list[Setup]:
    """Return the steps that run in the program's process before code with these names.

    ran: ids of those that have run there. Raises NotSeparableError where one of them must not run there.
    """
    kept: list[Setup] = []
    for step in reversed(steps):
        if id(step) in ran:
            names = names - step.binds
        elif (step.always or step.writes & names) and not _is_foreign(step.statement):
            if step.guest is None:
                raise NotSeparableError(f"depends on `{step.source.splitlines()[0]}`, which the program must not see")
            kept.append(step)
            names = (names - step.binds) | step.passed
    return kept[::-1]


def _is_foreign(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom) and not is_standard_import(statement)


def distrust(scope: Scope, names: Iterable[str], changeable: frozenset[int]) -> None:
    """Trust no more what the program was given and may have changed."""
    given = set(names)
    scope.private -= given
    still = {name for name in scope.makers | scope.harmless if not scope.shares.get(name)}
    given = {name for name in given - still if not is_atom(scope.constants.get(name, []))}
    partly = {name for name, ids in scope.changeable.items() if ids & changeable} - given
    others = {name for name, shared in scope.shares.items() if shared & (given | partly)}
    others |= {name for each in given for name in scope.shares.get(each, ())}
    others = (others - given) | (given & scope.functions)
    scope.alive += [scope.constants[name] for name in given | partly if name in scope.constants]
    for name in given:
        scope.constants.pop(name, None)
        scope.changeable.pop(name, None)
    scope.exposed |= changeable
    scope.given |= given
    scope.partly |= partly
    scope.trusted -= given | partly | others
    scope.spoiled |= others  # they share something with it, and nobody keeps count


def refuse_revealed(example: Example, before: Sequence[Setup], scope: Scope) -> None:
    """Raise NotSeparableError where the program gets a function of the example by which the wanted value is made.

    before: the steps that run in the program's process before the check. The scope remembers what they showed.
    """
    inside = _nodes_of([*(step.guest_source for step in before), *example.expressions])
    called = {read_called_name(node.func) for node in inside if isinstance(node, ast.Call)}
    scope.told |= called & scope.functions
    outside = _nodes_of([example.expected_setup, example.expected or ""])
    defined = {node.name for node in outside if isinstance(node, ast.FunctionDef)}
    if shared := scope.told & (defined | find_names(outside)):
        raise NotSeparableError(f"would show the program {min(shared)}, by which the wanted value is made")


def _nodes_of(sources: Iterable[str]) -> list[ast.AST]:
    return [node for source in sources if (tree := parse(source)) for node in ast.walk(tree)]


def expose_to_program(code: ast.AST, scope: Scope) -> ExposedCode:
    """Return code as it may run beside the program, which has it from then on. Raises NotSeparableError."""
    result = expose(code, scope)
    distrust(scope, result.names, result.changeable)
    return result
