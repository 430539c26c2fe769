"""The statements above an assertion, as records: which of them run in the program's process, and which in the judge's.

How a statement becomes such a record is in `statements`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.program.separation.constants import is_atom
from agent.program.separation.exposure import ExposedCode, expose
from agent.program.separation.scope import NotSeparableError, Scope, read_called_name
from agent.program.syntax import find_names, is_standard_import, parse


@dataclass(frozen=True, eq=False)
class Setup:
    """One statement above an assertion, and what it does."""

    statement: ast.stmt
    trusted: bool  # its values did not depend on the program where it stood
    writes: frozenset[str]  # names that it binds, or whose objects it may change
    binds: frozenset[str]  # names whose earlier values no longer count
    reads: frozenset[str]
    guest: ast.stmt | None  # the statement as the program's process may run it; None where it must not
    guest_reads: frozenset[str]
    calls_program: bool
    always_runs: bool  # in the program's process, even if nothing needs it: it calls the program, or changes a module

    @cached_property
    def source(self) -> str:
        """Its source in the judge's process."""
        return ast.unparse(self.statement)

    @cached_property
    def guest_source(self) -> str:
        """Its source in the program's process."""
        return "" if self.guest is None else ast.unparse(self.guest)


def select_for_judge(setups: Sequence[Setup], names: set[str]) -> list[Setup]:
    """Return the trusted setups on which these names depend, in their order."""
    selected: list[Setup] = []
    for setup in reversed(setups):
        if setup.trusted and setup.writes & names and not _is_foreign(setup.statement):
            selected.append(setup)
            names = (names - setup.binds) | setup.reads
    return selected[::-1]


def select_for_program(setups: Sequence[Setup], names: set[str], ran: Collection[int]) -> list[Setup]:
    """Return the setups that the program's process runs before code that reads these names, in their order.

    ran: ids of the setups that it has run already. Raises NotSeparableError if it would need one that it must not run.
    """
    selected: list[Setup] = []
    for setup in reversed(setups):
        if id(setup) in ran:
            names = names - setup.binds
        elif (setup.always_runs or setup.writes & names) and not _is_foreign(setup.statement):
            if setup.guest is None:
                raise NotSeparableError(f"depends on `{setup.source.splitlines()[0]}`, which the program must not see")
            selected.append(setup)
            names = (names - setup.binds) | setup.guest_reads
    return selected[::-1]


def _is_foreign(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom) and not is_standard_import(statement)


def join_setups(setups: Iterable[Setup]) -> str:
    """Return the source of these setups in the judge's process."""
    return "\n".join(setup.source for setup in setups)


def distrust(scope: Scope, names: Iterable[str], mutable: frozenset[int]) -> None:
    """Mark what the program was shown and may have changed since: these names, and constants that hold these ids."""
    shown = set(names)
    scope.secret -= shown
    unshared = {name for name in scope.own_classes | scope.pure_functions if not scope.aliases.get(name)}
    shown = {name for name in shown - unshared if not is_atom(scope.constants.get(name, []))}
    partly = {name for name, ids in scope.mutable.items() if ids & mutable} - shown
    others = {name for name, shared in scope.aliases.items() if shared & (shown | partly)}
    others |= {name for each in shown for name in scope.aliases.get(each, ())}
    others = (others - shown) | (shown & scope.own_functions)
    scope.kept_alive += [scope.constants[name] for name in shown | partly if name in scope.constants]
    for name in shown:
        scope.constants.pop(name, None)
        scope.mutable.pop(name, None)
    scope.shown_ids |= mutable
    scope.shown |= shown
    scope.partly_shown |= partly
    scope.trusted -= shown | partly | others
    scope.tainted |= others  # they may share an object with what was shown, and nobody keeps count


def refuse_revealed(guest: Iterable[str], judge: Iterable[str], scope: Scope) -> None:
    """Raise NotSeparableError if the program's process gets a function by which an expected value is computed.

    guest, judge: sources that the program's and the judge's process run. The scope remembers what was revealed.
    """
    inside, outside = _parse_all(guest), _parse_all(judge)
    called = {read_called_name(node.func) for node in inside if isinstance(node, ast.Call)}
    scope.revealed |= called & scope.own_functions
    defined = {node.name for node in outside if isinstance(node, ast.FunctionDef)}
    if shared := scope.revealed & (defined | find_names(outside)):
        raise NotSeparableError(f"would show the program {min(shared)}, by which the wanted value is made")


def _parse_all(sources: Iterable[str]) -> list[ast.AST]:
    return [node for source in sources if (tree := parse(source)) for node in ast.walk(tree)]


def expose_to_program(code: ast.AST, scope: Scope) -> ExposedCode:
    """Return code as the program's process may run it, and mark what it shows. Raises NotSeparableError."""
    exposed = expose(code, scope)
    distrust(scope, exposed.names, exposed.mutable)
    return exposed
