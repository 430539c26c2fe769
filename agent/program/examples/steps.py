"""The statements of an example before what it asserts: what each does, decided where it stands. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from agent.program.examples.constants import find_changeable, is_atom
from agent.program.examples.effects import is_fresh, is_unsteady, leaves_alone, may_change, reaches_out
from agent.program.examples.example import Example
from agent.program.examples.exposure import ExposedCode, expose, find_carried
from agent.program.examples.scope import NotSeparableError, Scope, read_called_name
from agent.program.examples.unpacking import binds_one, split_assignment
from agent.program.syntax import (
    find_bound_names,
    find_free_names,
    find_names,
    find_root,
    find_targets,
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


def read_setup(statement: ast.stmt, scope: Scope) -> list[Setup]:
    """Take in a statement, and return what it does; several steps where it binds several values."""
    return [_step(each, scope) for each in split_assignment(statement, scope)]


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


def _step(statement: ast.stmt, scope: Scope) -> Setup:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        scope.after(statement)
        binds = frozenset(find_bound_names(statement))
        return Setup(statement, True, binds, binds, frozenset(), statement, frozenset(), False, False)
    reads, bound = find_names([statement]), find_bound_names(statement)
    if find_free_names(statement) <= scope.trusted | scope.risky:
        return _trusted(statement, scope, reads, bound)
    return _of_program(statement, scope, reads, bound)


def _of_program(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Setup:
    """Take in a statement that has to do with the program."""
    changed = (reads & scope.bound) | bound
    own = reads - scope.trusted - scope.risky
    computes = bool(bound) and own <= scope.given and not isinstance(statement, ast.FunctionDef | ast.ClassDef)
    unknown = own - find_targets(statement) - scope.bound - set(scope.program) if scope.closed else set()
    try:
        if unknown or reads & set(scope.foreign):
            raise NotSeparableError("needs a name that no program has")
        if computes:  # from what the example brought, behind the program's back
            raise NotSeparableError("computes what is wanted where the program is")
        beside: ExposedCode | None = expose(statement, scope)
    except NotSeparableError:
        beside = None
    lies = scope.after(statement)
    if beside is not None:
        distrust(scope, beside.names, beside.changeable)
    else:
        changed = bound if isinstance(statement, ast.Assign) and not may_change(statement, scope) else changed
        scope.spoiled |= changed
        scope.trusted -= changed
    _forget(scope, bound)
    guest = beside.code if beside is not None and not lies else None
    assert guest is None or isinstance(guest, ast.stmt)
    passed = frozenset(find_names([guest])) if guest is not None else frozenset()
    binds = frozenset(bound - reads if isinstance(statement, ast.Assign) else ())
    return Setup(statement, False, frozenset(changed), binds, frozenset(reads), guest, passed, True, guest is not None)


def _trusted(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Setup:
    """Take in a statement that has nothing to do with the program."""
    inner_value = getattr(statement, "value", None) if binds_one(statement) else None
    value = None if inner_value is None else scope.value_of(inner_value)
    pure = value is not None or not may_change(statement, scope)
    inner = {name for name in reads & scope.private if not is_atom(scope.constants.get(name, []))}
    writes = bound | (
        {name for name in inner if not isinstance(statement, ast.FunctionDef | ast.ClassDef)} if not pure else set()
    )
    unsteady = is_unsteady(statement, scope)
    always = (unsteady and (not bound or isinstance(statement, ast.With))) or (
        not writes and reaches_out(statement, scope)
    )
    guest, passed = _in_guest(statement, scope, value, writes)
    scope.after(statement)
    _forget(scope, writes)
    scope.private |= bound | (writes & inner)
    if value is not None:
        (name,) = bound
        scope.constants[name] = value[0]
        scope.changeable[name] = find_changeable(value[0])
    else:
        for name in bound:
            scope.shares[name] = set() if is_fresh(statement) else inner - bound - scope.makers - scope.harmless
    function = inner_value if isinstance(inner_value, ast.Lambda) else statement
    if isinstance(function, ast.FunctionDef | ast.Lambda):
        scope.functions |= bound
        scope.harmless |= bound if leaves_alone(function, scope, bound) else set()
        alone = reads & scope.bound <= scope.builders | bound | set(scope.imported)
        bare = not (function.args.defaults or function.args.kw_defaults)  # they would bring values along
        scope.builders |= bound if alone and bare and bound <= scope.harmless else set()
    if isinstance(statement, ast.ClassDef):
        scope.makers |= bound
        _keep_constants(statement, scope)
    if unsteady:  # it is another value in each process: the program's is the one that counts
        scope.trusted -= writes
        scope.unsteady |= writes
        scope.given |= writes
        scope.private -= writes
    binds = (
        bound - reads if isinstance(statement, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef) else set()
    )
    return Setup(
        statement,
        not unsteady,
        frozenset(writes),
        frozenset(binds),
        frozenset(reads),
        guest,
        frozenset(passed),
        False,
        always and guest is not None,
    )


def _in_guest(
    statement: ast.stmt, scope: Scope, value: tuple[Any] | None, writes: set[str]
) -> tuple[ast.stmt | None, set[str]]:
    """Return a statement as it may run beside the program if all that it writes is passed to it; and what it needs."""
    names = writes
    try:
        match statement:
            case ast.Assign([ast.Name()], inner) | ast.AnnAssign(ast.Name(), value=ast.expr() as inner):
                result = expose(inner, scope, whole=True)
                code: ast.stmt = deepcopy(statement)
                code.value = result.code  # type: ignore[attr-defined]
                return code, result.names | (find_names([code]) - scope.private)
            case ast.ClassDef() | ast.FunctionDef():
                own = find_names([statement]) - find_targets(statement)
                return (None, set()) if find_carried(own, scope) else (statement, own)
            case ast.Expr(ast.Call() as call) if len(writes) <= 1 or find_root(call.func) not in scope.private:
                return _call_in_guest(statement, call, scope, names)
            case ast.Assign([ast.Subscript() | ast.Attribute() as target], inner) if (
                find_root(target) in {*writes, *scope.risky, *scope.trusted} - scope.private | writes
            ):
                code = deepcopy(statement)
                assert isinstance(code, ast.Assign)
                code.value = expose(inner, scope, whole=True).code  # type: ignore[assignment]
                if isinstance(target, ast.Subscript):
                    code.targets[0].slice = expose(target.slice, scope, whole=True).code  # type: ignore[attr-defined]
                return code, find_names([code])
            case ast.With() | ast.AugAssign() | ast.Delete() | ast.For() if (
                find_names([statement]) & scope.private <= writes and not find_targets(statement) - writes
            ):
                return statement, find_names([statement])
    except NotSeparableError:
        pass
    return None, set()


def _call_in_guest(
    statement: ast.Expr, call: ast.Call, scope: Scope, writes: set[str]
) -> tuple[ast.stmt | None, set[str]]:
    code = deepcopy(call)
    code.args = [expose(part, scope, whole=True).code for part in call.args]  # type: ignore[misc]
    code.keywords = [expose(part, scope, whole=True).code for part in call.keywords]  # type: ignore[misc]
    root = find_root(call.func)
    if root in scope.private and root not in writes:
        return None, set()
    return ast.Expr(code), find_names([code])


def _forget(scope: Scope, names: Iterable[str]) -> None:
    for name in names:
        scope.constants.pop(name, None)
        scope.changeable.pop(name, None)
        scope.shares.pop(name, None)
        scope.makers.discard(name)
        scope.harmless.discard(name)
        scope.private.discard(name)
        scope.given.discard(name)


def _keep_constants(group: ast.ClassDef, scope: Scope) -> None:
    """Know the constants of a class that holds nothing else."""
    pairs = {}
    for statement in group.body:
        match statement:
            case ast.Assign([ast.Name(name)], inner):
                pairs[name] = scope.value_of(inner)
            case _:
                return
    if not (group.bases or group.keywords or group.decorator_list or None in pairs.values()):
        scope.constants[group.name] = SimpleNamespace(**{name: value[0] for name, value in pairs.items() if value})
        scope.changeable[group.name] = find_changeable(scope.constants[group.name])
