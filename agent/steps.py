"""The statements of an example before what it asserts: what each does, decided where it stands. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from agent.constants import changeable_in, is_atom, written
from agent.exposure import Shown, shown
from agent.scope import CHANGING, METHODS, NotSeparableError, Scope
from agent.syntax import is_of_python, names_bound, names_in, names_needed, root_of, targets_in

_PURE_MODULES = {  # whose functions leave alone what they are given, and return the same each time
    "math", "cmath", "operator", "itertools", "functools", "collections", "re", "string", "json", "statistics",
    "fractions", "decimal", "datetime", "copy", "textwrap", "typing", "base64", "hashlib", "struct", "dataclasses",
    "enum", "types", "calendar", "numbers",
}  # fmt: skip
_UNSTEADY = {"random", "secrets", "uuid", "time", "os", "tempfile", "threading", "open", "input", "id", "hash"}
_FIXED = {"Random", "join", "dirname", "basename"}  # functions of such modules that return the same each time
_IMPURE = {"next", "setattr", "delattr", "exec", "eval", "iter"}


@dataclass(frozen=True, eq=False)
class Step:
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


def needed_outside(steps: Sequence[Step], names: set[str]) -> list[Step]:
    """Return the trusted steps on which these names depend."""
    kept: list[Step] = []
    for step in reversed(steps):
        if step.trusted and step.writes & names and not _is_foreign(step.statement):
            kept.append(step)
            names = (names - step.binds) | step.reads
    return kept[::-1]


def needed_inside(steps: Sequence[Step], names: set[str], ran: Collection[int]) -> list[Step]:
    """Return the steps that run in the program's process before code with these names.

    ran: ids of those that have run there. Raises NotSeparableError where one of them must not run there.
    """
    kept: list[Step] = []
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
    return isinstance(statement, ast.Import | ast.ImportFrom) and not is_of_python(statement)


def take(statement: ast.stmt, scope: Scope) -> list[Step]:
    """Take in a statement, and return what it does; several steps where it binds several values."""
    return [_step(each, scope) for each in _apart(statement, scope)]


def touch(scope: Scope, names: Iterable[str], changeable: frozenset[int]) -> None:
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


def run_beside(code: ast.AST, scope: Scope) -> Shown:
    """Return code as it may run beside the program, which has it from then on. Raises NotSeparableError."""
    result = shown(code, scope)
    touch(scope, result.names, result.changeable)
    return result


def _apart(statement: ast.stmt, scope: Scope) -> Iterator[ast.stmt]:
    """Yield one statement for each name that an assignment binds, where their values are known."""
    if _binds_one(statement) and names_needed(statement) & scope.partly:
        value = scope.value_of(statement.value)  # type: ignore[attr-defined]
        literal = None if value is None else written(value[0])
        if literal is not None:
            statement = deepcopy(statement)
            statement.value = literal  # type: ignore[attr-defined]
    if isinstance(statement, ast.Assign) and names_needed(statement) <= scope.trusted | scope.risky:
        pairs = list(_pairs(statement, scope))
        if len(pairs) > 1 and (not names_in([v for _, v in pairs]) & {name for name, _ in pairs}):
            for name, part in pairs:
                yield ast.copy_location(
                    ast.Assign([ast.Name(name, ast.Store())], part, lineno=statement.lineno), statement
                )
            return
    yield statement


def _pairs(statement: ast.Assign, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    value = scope.value_of(statement.value)
    atom = value is not None and is_atom(value[0])
    for target in statement.targets if len(statement.targets) == 1 or atom else []:
        pairs = list(_unpacked(target, statement.value, scope))
        if not pairs:
            return
        yield from pairs


def _unpacked(target: ast.expr, value: ast.expr, scope: Scope) -> Iterator[tuple[str, ast.expr]]:
    match target:
        case ast.Name(name):
            yield name, value
        case ast.Tuple(targets) | ast.List(targets):
            parts = _parts(value, scope)
            star = next((at for at, each in enumerate(targets) if isinstance(each, ast.Starred)), None)
            if star is not None and len(parts) >= len(targets) - 1:
                end = len(parts) - (len(targets) - star - 1)
                parts = [*parts[:star], ast.List(parts[star:end], ast.Load()), *parts[end:]]
            for each, part in zip(targets, parts if len(parts) == len(targets) else [], strict=False):
                yield from _unpacked(each.value if isinstance(each, ast.Starred) else each, part, scope)


def _parts(value: ast.expr, scope: Scope) -> list[ast.expr]:
    if isinstance(value, ast.Tuple | ast.List) and not any(isinstance(part, ast.Starred) for part in value.elts):
        return value.elts
    known = scope.value_of(value)
    try:
        parts = [] if known is None else [written(part) for part in list(known[0])]
    except TypeError:
        return []
    return [part for part in parts if part is not None] if None not in parts else []


def _step(statement: ast.stmt, scope: Scope) -> Step:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        scope.after(statement)
        binds = frozenset(names_bound(statement))
        return Step(statement, True, binds, binds, frozenset(), statement, frozenset(), False, False)
    reads, bound = names_in([statement]), names_bound(statement)
    if names_needed(statement) <= scope.trusted | scope.risky:
        return _trusted(statement, scope, reads, bound)
    return _of_program(statement, scope, reads, bound)


def _of_program(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Step:
    """Take in a statement that has to do with the program."""
    changed = (reads & scope.bound) | bound
    own = reads - scope.trusted - scope.risky
    computes = bool(bound) and own <= scope.given and not isinstance(statement, ast.FunctionDef | ast.ClassDef)
    try:
        if computes:  # from what the example brought, behind the program's back
            raise NotSeparableError("computes what is wanted where the program is")
        beside: Shown | None = shown(statement, scope)
    except NotSeparableError:
        beside = None
    lies = scope.after(statement)
    if beside is not None:
        touch(scope, beside.names, beside.changeable)
    else:
        changed = bound if isinstance(statement, ast.Assign) and not _may_change(statement, scope) else changed
        scope.spoiled |= changed
        scope.trusted -= changed
    _forget(scope, bound)
    guest = beside.code if beside is not None and not lies else None
    assert guest is None or isinstance(guest, ast.stmt)
    passed = frozenset(names_in([guest])) if guest is not None else frozenset()
    binds = frozenset(bound - reads if isinstance(statement, ast.Assign) else ())
    return Step(statement, False, frozenset(changed), binds, frozenset(reads), guest, passed, True, guest is not None)


def _trusted(statement: ast.stmt, scope: Scope, reads: set[str], bound: set[str]) -> Step:
    """Take in a statement that has nothing to do with the program."""
    inner_value = getattr(statement, "value", None) if _binds_one(statement) else None
    value = None if inner_value is None else scope.value_of(inner_value)
    pure = value is not None or not _may_change(statement, scope)
    inner = {name for name in reads & scope.private if not is_atom(scope.constants.get(name, []))}
    writes = bound | (
        {name for name in inner if not isinstance(statement, ast.FunctionDef | ast.ClassDef)} if not pure else set()
    )
    unsteady = _is_unsteady(statement, scope)
    always = (unsteady and (not bound or isinstance(statement, ast.With))) or (
        not writes and _reaches_out(statement, scope)
    )
    guest, passed = _in_guest(statement, scope, value, writes)
    scope.after(statement)
    _forget(scope, writes)
    scope.private |= bound | (writes & inner)
    if value is not None:
        (name,) = bound
        scope.constants[name] = value[0]
        scope.changeable[name] = changeable_in(value[0])
    else:
        for name in bound:
            scope.shares[name] = set() if _is_fresh(statement) else inner - bound - scope.makers - scope.harmless
    if isinstance(statement, ast.FunctionDef):
        scope.functions |= bound
    if isinstance(statement, ast.ClassDef):
        scope.makers |= bound
        _keep_constants(statement, scope)
    if isinstance(statement, ast.FunctionDef) and _leaves_alone(statement, scope):
        scope.harmless |= bound
    if unsteady:  # it is another value in each process: the program's is the one that counts
        scope.trusted -= writes
        scope.unsteady |= writes
        scope.given |= writes
        scope.private -= writes
    binds = (
        bound - reads if isinstance(statement, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef) else set()
    )
    return Step(
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
                result = shown(inner, scope, whole=True)
                code: ast.stmt = deepcopy(statement)
                code.value = result.code  # type: ignore[attr-defined]
                return code, result.names | (names_in([code]) - scope.private)
            case ast.ClassDef() | ast.FunctionDef():
                own = names_in([statement]) - targets_in(statement)
                return statement, own
            case ast.Expr(ast.Call() as call) if len(writes) <= 1 or root_of(call.func) not in scope.private:
                return _call_in_guest(statement, call, scope, names)
            case ast.Assign([ast.Subscript() | ast.Attribute() as target], inner) if (
                root_of(target) in {*writes, *scope.risky, *scope.trusted} - scope.private | writes
            ):
                code = deepcopy(statement)
                assert isinstance(code, ast.Assign)
                code.value = shown(inner, scope, whole=True).code  # type: ignore[assignment]
                if isinstance(target, ast.Subscript):
                    code.targets[0].slice = shown(target.slice, scope, whole=True).code  # type: ignore[attr-defined]
                return code, names_in([code])
            case ast.With() | ast.AugAssign() | ast.Delete() | ast.For() if (
                names_in([statement]) & scope.private <= writes and not targets_in(statement) - writes
            ):
                return statement, names_in([statement])
    except NotSeparableError:
        pass
    return None, set()


def _call_in_guest(
    statement: ast.Expr, call: ast.Call, scope: Scope, writes: set[str]
) -> tuple[ast.stmt | None, set[str]]:
    code = deepcopy(call)
    code.args = [shown(part, scope, whole=True).code for part in call.args]  # type: ignore[misc]
    code.keywords = [shown(part, scope, whole=True).code for part in call.keywords]  # type: ignore[misc]
    root = root_of(call.func)
    if root in scope.private and root not in writes:
        return None, set()
    return ast.Expr(code), names_in([code])


def _binds_one(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign([ast.Name()]) | ast.AnnAssign(ast.Name(), value=ast.expr()):
            return True
    return False


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
        scope.changeable[group.name] = changeable_in(scope.constants[group.name])


def _is_fresh(statement: ast.stmt) -> bool:
    """Whether a value shares no object with what it was made of."""
    inner = getattr(statement, "value", None)
    return isinstance(inner, ast.Call) and ast.unparse(inner.func) in ("copy.deepcopy", "deepcopy", "json.loads", "str")


def _calls_in(node: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def _may_change(statement: ast.stmt, scope: Scope) -> bool:
    """Whether a statement may change an object that it did not make."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.FunctionDef | ast.ClassDef | ast.Assert):
        return True
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    stores = any(
        isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store) for n in ast.walk(statement)
    )
    return stores or any(_call_may_change(call, scope) for call in _calls_in(statement))


def _call_may_change(call: ast.Call, scope: Scope) -> bool:
    match call.func:
        case ast.Name(name):
            return name in _IMPURE or (
                name in scope.bound and name not in {*scope.harmless, *scope.imported, *scope.makers}
            )
        case ast.Attribute(_, name) if root_of(call.func) in scope.imported:
            return scope.imported[str(root_of(call.func))] not in _PURE_MODULES
        case ast.Attribute(_, name):
            return name in CHANGING or name not in METHODS
    return True


def _leaves_alone(function: ast.FunctionDef, scope: Scope) -> bool:
    """Whether a function changes nothing but what it makes itself."""
    made = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    } - {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Subscript | ast.Attribute)
            and not isinstance(node.ctx, ast.Load)
            and root_of(node) not in made
        ):
            return False
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.With):
            return False
        if (
            isinstance(node, ast.Call)
            and _call_may_change(node, scope)
            and root_of(node.func) not in made | {function.name}
        ):
            return False
    return True


def _is_unsteady(statement: ast.stmt, scope: Scope) -> bool:
    """Whether what a statement calls may be another value in another process."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    for call in _calls_in(statement):
        root = root_of(call.func)
        module = scope.imported.get(str(root), root)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else root
        if (module in _UNSTEADY and name not in _FIXED) or name in ("now", "today", "utcnow", "seed", "shuffle"):
            return True
    return bool(names_in([statement]) & scope.unsteady) and not isinstance(statement, ast.Assign)


def _reaches_out(statement: ast.stmt, scope: Scope) -> bool:
    """Whether a statement that binds nothing changes the world around the program: a module, a file, a setting."""
    match statement:
        case ast.Expr(ast.Call(function)):
            return root_of(function) in scope.imported or root_of(function) in ("open", "setattr")
        case ast.Assign([target]) | ast.AugAssign(target) | ast.Delete([target]):
            return root_of(target) in scope.imported or (
                isinstance(target, ast.Attribute) and any(root_of(c.func) in scope.imported for c in _calls_in(target))
            )
        case ast.With():
            return True
    return False
