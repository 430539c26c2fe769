"""Read one statement that stands above an assertion: decide what it does, and update the scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from agent.program.separation.constants import find_changeable, is_atom
from agent.program.separation.effects import is_fresh, is_unsteady, leaves_alone, may_change, reaches_out
from agent.program.separation.exposure import ExposedCode, expose, find_carried
from agent.program.separation.scope import NotSeparableError, Scope
from agent.program.separation.setups import Setup, distrust
from agent.program.separation.unpacking import binds_one, split_assignment
from agent.program.syntax import find_bound_names, find_free_names, find_names, find_root, find_targets


def read_setup(statement: ast.stmt, scope: Scope) -> list[Setup]:
    """Take in a statement, and return what it does; several steps where it binds several values."""
    return [_step(each, scope) for each in split_assignment(statement, scope)]


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
