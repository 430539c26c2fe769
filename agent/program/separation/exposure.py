"""Decide what an example may show the program: only the values that are passed to it.

A claim may rest on the value of a name. Such a name is passed to the program whole, as an argument, or its plain value
takes its place. Any other use of it is refused, for the rest of the value might hold what is expected. Runs nothing.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from agent.program.separation.constants import find_mutable_ids, is_atom, is_bland, write_literal
from agent.program.separation.scope import NotSeparableError, Scope, read_called_name
from agent.program.syntax import find_names, find_root, find_targets

_HOLDING = {  # classes of the standard library whose instances hold what they are given
    "date", "datetime", "timedelta", "Decimal", "Fraction", "deque", "Counter", "OrderedDict", "defaultdict",
    "Path", "StringIO", "BytesIO", "partial", "Random", "SimpleNamespace",
}  # fmt: skip
_EACH = {"map", "filter", "sorted", "max", "min", "reduce", "starmap", "accumulate"}  # give a function each item
_Node = TypeVar("_Node", bound=ast.AST)


class ExposedCode(NamedTuple):
    """What runs in the program's process."""

    code: ast.AST
    names: set[str]  # of the example, passed whole
    mutable: frozenset[int]  # ids of constants, or of parts of them, that are passed


def expose(code: ast.AST, scope: Scope, *, whole: bool = False) -> ExposedCode:
    """Return code as it may run beside the program. Raises NotSeparableError where it would show more than it passes.

    whole: all of its value is passed to the program.
    """
    shower = _Shower(scope)
    result = shower.whole(deepcopy(code)) if whole else shower.visit(deepcopy(code))
    return ExposedCode(result, shower.names, frozenset(shower.mutable))


class _Shower(ast.NodeTransformer):
    """Visits what is not passed to the program; `whole` what is."""

    def __init__(self, scope: Scope) -> None:
        self._scope, self._own = scope, set[str]()  # own: loop variables, which the program may see as arguments alone
        self.names, self.mutable = set[str](), set[int]()

    def whole(self, node: _Node) -> ast.AST:
        """Return what is passed to the program."""
        match node:
            case ast.Name(name):
                return self._name(node, name) if name in self._scope.secret else node
            case ast.Starred() | ast.keyword():
                node.value = self.whole(node.value)  # type: ignore[assignment] # an expression for an expression
                return node
            case ast.List() | ast.Tuple() | ast.Set():
                node.elts = list(map(self.whole, node.elts))  # type: ignore[arg-type]
                return node
            case ast.Dict():
                node.keys = [key and self.whole(key) for key in node.keys]  # type: ignore[misc]
                node.values = list(map(self.whole, node.values))  # type: ignore[arg-type]
                return node
            case ast.Lambda():
                brought = find_carried(find_names([node]) - find_targets(node.args), self._scope)
                if brought:
                    raise NotSeparableError(f"would show the program {min(brought)} in a function that it is given")
                return _Wholly(self, find_targets(node.args)).visit(node)  # type: ignore[no-any-return]
            case ast.Call() if self._holds(node):
                return self._passing(node)
        return self._computed(node)

    def _name(self, node: ast.expr, name: str) -> ast.AST:
        value = self._scope.constants.get(name, ...)
        literal = write_literal(value) if value is not ... and is_atom(value) else None
        if literal is not None:
            return literal
        self.names.add(name)
        self.mutable |= find_mutable_ids(value) if value is not ... else set()
        return node

    def _computed(self, node: ast.AST) -> ast.AST:
        """Put the plain value in the place of what is computed from names of the example."""
        if not self._is_private(node):
            return self.visit(node)  # type: ignore[no-any-return]
        value = self._scope.value_of(node) if isinstance(node, ast.expr) else None
        literal = write_literal(value[0]) if value is not None else None
        if value is None or literal is None:
            return self.visit(node)  # type: ignore[no-any-return]
        self.mutable |= find_mutable_ids(value[0])
        return literal

    def _is_private(self, node: ast.AST) -> bool:
        return bool(find_names([node]) & (self._scope.secret | self._own))

    def _holds(self, call: ast.Call) -> bool:
        """Whether a call passes its arguments on as they are: to the program, or to an object that the program gets."""
        root = find_root(call.func)
        outside = root not in self._scope.trusted | self._scope.risky
        is_maker = isinstance(call.func, ast.Name) and root in self._scope.own_classes
        return outside or is_maker or read_called_name(call.func) in _HOLDING

    def _passing(self, call: ast.Call) -> ast.Call:
        root = find_root(call.func)
        if isinstance(call.func, ast.Name) and root in self._scope.own_classes:
            self.names.add(str(root))
        else:
            call.func = self.visit(call.func)
        call.args = list(map(self.whole, call.args))  # type: ignore[arg-type]
        call.keywords = list(map(self.whole, call.keywords))  # type: ignore[arg-type]
        return call

    def visit(self, node: ast.AST) -> Any:
        """Visit what is not passed to the program."""
        match node:
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return self._display(node)
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Refuse a name of the example that is not passed to the program, unless it makes something that is."""
        if node.id in self._scope.closed_functions:
            self.names.add(node.id)
        elif node.id in self._scope.secret | self._own and isinstance(node.ctx, ast.Load):
            raise NotSeparableError(f"would show the program {node.id}, which is not passed to it as it is")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Look at what a call is given."""
        if self._holds(node):
            return self._passing(node)
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(receiver, ast.Name) and self._takes_in(receiver.id):
            node.args = list(map(self.visit, node.args))
            return node
        if read_called_name(node.func) in _EACH:
            node.args = [part if self._is_function(part) else self._items(part) for part in node.args]
            node.keywords = [self.visit(part) for part in node.keywords]
            return node
        return self.generic_visit(node)

    def _is_function(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id not in self._scope.secret

    def _takes_in(self, name: str) -> bool:
        """Whether a name is of an empty container, in which values of the program are collected."""
        empty = name in self._scope.secret and is_bland(self._scope.constants.get(name, "unknown"))
        if empty:
            self.names.add(name)
            self.mutable |= find_mutable_ids(self._scope.constants[name])
        return empty

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Look at what is indexed."""
        if not (isinstance(node.value, ast.Name) and self._takes_in(node.value.id)):
            node.value = self.visit(node.value)
        node.slice = self.whole(node.slice)  # type: ignore[assignment]
        return node

    def _loop(self, loop: ast.For | ast.comprehension) -> bool:
        """Look at what a loop goes over; whether its variables are the example's, to be passed and no more."""
        known = self._scope.trusted | self._scope.risky
        owns = find_names([loop.iter]) <= known | self._scope.partly_shown
        owns = owns and not (isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range")
        loop.iter = self._items(loop.iter, always=owns and not isinstance(loop.target, ast.Name))
        self._own |= find_targets(loop.target) if owns else set()
        return owns

    def _items(self, node: ast.expr, *, always: bool = False) -> ast.expr:
        """Return the items of which each is passed to the program."""
        value = self._scope.value_of(node) if always or self._is_private(node) else None
        try:
            items = None if value is None else list(value[0])
        except TypeError:
            items = None
        literal = None if items is None else write_literal(items)
        if literal is None:
            return self.visit(node)  # type: ignore[no-any-return]
        self.mutable |= find_mutable_ids(tuple(items or ()))
        return literal

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Look at a loop; what it gives its variables may be passed to the program, and nothing else."""
        self._loop(node)
        node.ifs = [self.visit(part) for part in node.ifs]
        return node

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> ast.AST:
        own = set(self._own)
        node.generators = [self.visit(loop) for loop in node.generators]
        _leave_out_unused(node)
        node.elt = self.visit(node.elt)
        self._own = own
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """Look at a dict; the program is not called with its keys alone."""
        if self._is_private(node):
            raise NotSeparableError("would show the program more than is passed to it")
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """Look at a loop."""
        own = set(self._own)
        if self._loop(node) and not isinstance(node.target, ast.Name):
            raise NotSeparableError("would show the program more than is passed to it")
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        self._own = own
        return node

    def _display(self, node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> ast.AST:
        parts = node.values if isinstance(node, ast.Dict) else node.elts
        constant = any(isinstance(part, ast.Constant) and not is_bland(part.value) for part in parts)
        if constant and any(isinstance(inner, ast.Call) for inner in ast.walk(node)):
            raise NotSeparableError("puts a value of the program beside others, which it is not to see")
        return self.generic_visit(node)


def find_carried(names: set[str], scope: Scope) -> set[str]:
    """Return which of the names in a function would bring a value of the example along when it is passed."""
    empty = {name for name in names if is_bland(scope.constants.get(name, "unknown"))}
    return (names & scope.secret) - scope.own_functions - scope.own_classes - empty


class _Wholly(ast.NodeTransformer):
    """Passes the names in a function that is passed."""

    def __init__(self, shower: _Shower, arguments: set[str]) -> None:
        self._shower, self._arguments = shower, arguments

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if node.id in self._arguments else self._shower.whole(node)


def _leave_out_unused(node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
    """Leave out of a literal what a loop over it does not use: [f(a) for a, b in [(2, 4)]] becomes [... in [(2,)]]."""
    match node.generators:
        case [ast.comprehension(ast.Tuple(targets), ast.List(items), [])] if all(
            isinstance(item, ast.Tuple | ast.List) and len(item.elts) == len(targets) for item in items
        ):
            used = find_names([node.elt])
            places = [at for at, target in enumerate(targets) if find_targets(target) & used]
            loop = node.generators[0]
            loop.target = ast.Tuple([targets[at] for at in places], ast.Store())
            loop.iter = ast.List(
                [ast.Tuple([_parts(item)[at] for at in places], ast.Load()) for item in items], ast.Load()
            )


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else []
