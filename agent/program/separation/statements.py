"""Read a statement above an assertion: what it does, which process may run it, and what its names mean after it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from agent.program.separation.constants import find_mutable_ids, is_atom
from agent.program.separation.effects import is_fresh, is_nondeterministic, is_pure, may_change, reaches_out
from agent.program.separation.exposure import ExposedCode, expose, find_carried
from agent.program.separation.scope import NotSeparableError, Scope
from agent.program.separation.setups import Setup, distrust
from agent.program.separation.unpacking import binds_one, split_assignment
from agent.program.syntax import find_bound_names, find_free_names, find_names, find_root, find_targets

_DEFINITION = ast.FunctionDef | ast.ClassDef


def read_setup(statement: ast.stmt, scope: Scope) -> list[Setup]:
    """Return what a statement does, and update the scope. An assignment to several names gives several setups."""
    return [_read(each, scope) for each in split_assignment(statement, scope)]


def _read(statement: ast.stmt, scope: Scope) -> Setup:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        scope.take_in(statement)
        binds = frozenset(find_bound_names(statement))
        return Setup(statement, True, binds, binds, frozenset(), statement, frozenset(), False, False)
    reads, bound = find_names([statement]), find_bound_names(statement)
    if find_free_names(statement) <= scope.trusted | scope.risky:
        return _read_trusted(statement, scope, reads, bound)
    return _read_dependent(statement, scope, reads, bound)


def _read_dependent(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Setup:
    """Read a statement that depends on the program."""
    changed = (reads & scope.bound) | bound
    exposed = _expose_dependent(statement, scope, reads, bound)
    may_lie = scope.take_in(statement)
    if exposed is not None:
        distrust(scope, exposed.names, exposed.mutable)
    else:
        changed = bound if isinstance(statement, ast.Assign) and not may_change(statement, scope) else changed
        scope.tainted |= changed
        scope.trusted -= changed
    _forget(scope, bound)
    guest = exposed.code if exposed is not None and not may_lie else None
    assert guest is None or isinstance(guest, ast.stmt)
    guest_reads = frozenset(find_names([guest])) if guest is not None else frozenset()
    binds = frozenset(bound - reads if isinstance(statement, ast.Assign) else ())
    runs = guest is not None
    return Setup(statement, False, frozenset(changed), binds, frozenset(reads), guest, guest_reads, True, runs)


def _expose_dependent(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> ExposedCode | None:
    """Return the statement as the program's process may run it; None where it must not."""
    own = reads - scope.trusted - scope.risky
    unknown = own - find_targets(statement) - scope.bound - set(scope.program) if scope.closed else set()
    if unknown or reads & set(scope.foreign):
        return None
    # It computes with what the example brought alone: that would be the expected value, beside the program.
    if bound and own <= scope.shown and not isinstance(statement, _DEFINITION):
        return None
    try:
        return expose(statement, scope)
    except NotSeparableError:
        return None


def _read_trusted(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Setup:
    """Read a statement that does not depend on the program."""
    value_node = getattr(statement, "value", None) if binds_one(statement) else None
    value = None if value_node is None else scope.value_of(value_node)
    pure = value is not None or not may_change(statement, scope)
    mutable = {name for name in reads & scope.secret if not is_atom(scope.constants.get(name, []))}
    writes = bound if pure or isinstance(statement, _DEFINITION) else bound | mutable
    varies = is_nondeterministic(statement, scope)
    needed = varies and (not bound or isinstance(statement, ast.With))
    always = needed or (not writes and reaches_out(statement, scope))
    guest, guest_reads = _expose_trusted(statement, scope, writes)
    scope.take_in(statement)
    _forget(scope, writes)
    scope.secret |= bound | (writes & mutable)
    _learn_value(statement, scope, bound, value, mutable)
    _learn_definition(value_node if isinstance(value_node, ast.Lambda) else statement, scope, reads, bound)
    if varies:  # each process gets another value: the program's is the one that counts
        scope.trusted -= writes
        scope.nondeterministic |= writes
        scope.shown |= writes
        scope.secret -= writes
    replaces = isinstance(statement, ast.Assign | ast.AnnAssign | _DEFINITION)
    binds, runs = frozenset(bound - reads if replaces else ()), always and guest is not None
    return Setup(
        statement, not varies, frozenset(writes), binds, frozenset(reads), guest, frozenset(guest_reads), False, runs
    )


def _learn_value(
    statement: ast.stmt, scope: Scope, bound: set[str], value: tuple[Any] | None, mutable: set[str]
) -> None:
    """Remember the constant that a statement binds or, if it is none, which names may share its objects."""
    if value is not None:
        (name,) = bound
        scope.constants[name] = value[0]
        scope.mutable[name] = find_mutable_ids(value[0])
        return
    for name in bound:
        shared = set() if is_fresh(statement) else mutable - bound - scope.own_classes - scope.pure_functions
        scope.aliases[name] = shared


def _learn_definition(node: ast.AST, scope: Scope, reads: set[str], bound: set[str]) -> None:
    """Remember what is known of a function or class that the example defines."""
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        scope.own_functions |= bound
        scope.pure_functions |= bound if is_pure(node, scope, bound) else set()
        alone = reads & scope.bound <= scope.closed_functions | bound | set(scope.imported)
        bare = not (node.args.defaults or node.args.kw_defaults)  # defaults would bring values along
        scope.closed_functions |= bound if alone and bare and bound <= scope.pure_functions else set()
    if isinstance(node, ast.ClassDef):
        scope.own_classes |= bound
        _learn_class_constants(node, scope)


def _learn_class_constants(group: ast.ClassDef, scope: Scope) -> None:
    """Remember the constants of a class that holds nothing else."""
    pairs = {}
    for statement in group.body:
        match statement:
            case ast.Assign([ast.Name(name)], inner):
                pairs[name] = scope.value_of(inner)
            case _:
                return
    if not (group.bases or group.keywords or group.decorator_list or None in pairs.values()):
        scope.constants[group.name] = SimpleNamespace(**{name: value[0] for name, value in pairs.items() if value})
        scope.mutable[group.name] = find_mutable_ids(scope.constants[group.name])


def _expose_trusted(statement: ast.stmt, scope: Scope, writes: set[str]) -> tuple[ast.stmt | None, set[str]]:
    """Return the statement as the program's process may run it, if all that it writes is passed to the program.

    Also the names that it reads there.
    """
    try:
        match statement:
            case ast.Assign([ast.Name()], inner) | ast.AnnAssign(ast.Name(), value=ast.expr() as inner):
                exposed = expose(inner, scope, whole=True)
                code: ast.stmt = deepcopy(statement)
                code.value = exposed.code  # type: ignore[attr-defined]
                return code, exposed.names | (find_names([code]) - scope.secret)
            case ast.ClassDef() | ast.FunctionDef():
                own = find_names([statement]) - find_targets(statement)
                return (None, set()) if find_carried(own, scope) else (statement, own)
            case ast.Expr(ast.Call() as call) if len(writes) <= 1 or find_root(call.func) not in scope.secret:
                return _expose_call(call, scope, writes)
            case ast.Assign([ast.Subscript() | ast.Attribute() as target], _) if (
                find_root(target) in {*writes, *scope.risky, *scope.trusted} - scope.secret | writes
            ):
                return _expose_item(statement, scope)
            case ast.With() | ast.AugAssign() | ast.Delete() | ast.For() if (
                find_names([statement]) & scope.secret <= writes and not find_targets(statement) - writes
            ):
                return statement, find_names([statement])
    except NotSeparableError:
        pass
    return None, set()


def _expose_item(statement: ast.Assign, scope: Scope) -> tuple[ast.stmt, set[str]]:
    """Expose an assignment to an item or attribute."""
    code = deepcopy(statement)
    code.value = expose(statement.value, scope, whole=True).code  # type: ignore[assignment]
    if isinstance(target := statement.targets[0], ast.Subscript):
        code.targets[0].slice = expose(target.slice, scope, whole=True).code  # type: ignore[attr-defined]
    return code, find_names([code])


def _expose_call(call: ast.Call, scope: Scope, writes: set[str]) -> tuple[ast.stmt | None, set[str]]:
    code = deepcopy(call)
    code.args = [expose(part, scope, whole=True).code for part in call.args]  # type: ignore[misc]
    code.keywords = [expose(part, scope, whole=True).code for part in call.keywords]  # type: ignore[misc]
    root = find_root(call.func)
    if root in scope.secret and root not in writes:
        return None, set()
    return ast.Expr(code), find_names([code])


def _forget(scope: Scope, names: Iterable[str]) -> None:
    """Forget what was known of names that are bound anew."""
    for name in names:
        scope.constants.pop(name, None)
        scope.mutable.pop(name, None)
        scope.aliases.pop(name, None)
        scope.own_classes.discard(name)
        scope.pure_functions.discard(name)
        scope.secret.discard(name)
        scope.shown.discard(name)
