"""Decide what the program may be shown of an example: only the values that are passed to it.

A secret name is passed to the program whole, as an argument, or its plain value takes its place. Any other use of it
beside the program is refused: the rest of the value might hold what is expected.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from agent.program.separation.constants import find_mutable_ids, is_atom, is_bland, write_literal
from agent.program.separation.scope import NotSeparableError, Scope, read_called_name
from agent.program.syntax import find_names, find_root, find_targets

_CONTAINERS = {  # classes of the standard library whose instances hold their arguments
    "date", "datetime", "timedelta", "Decimal", "Fraction", "deque", "Counter", "OrderedDict", "defaultdict",
    "Path", "StringIO", "BytesIO", "partial", "Random", "SimpleNamespace",
}  # fmt: skip
_EACH = {"map", "filter", "sorted", "max", "min", "reduce", "starmap", "accumulate"}  # call a function for each item
_Node = TypeVar("_Node", bound=ast.AST)


class ExposedCode(NamedTuple):
    """Code that the program's process may run."""

    code: ast.AST
    names: set[str]  # secret names that it passes whole
    mutable: frozenset[int]  # ids of the mutable constants, or parts of constants, that it passes


def expose(code: ast.AST, scope: Scope, *, whole: bool = False) -> ExposedCode:
    """Return code as the program's process may run it. Raises NotSeparableError if it would show more than it passes.

    whole: its whole value is passed to the program.
    """
    exposer = _Exposer(scope)
    result = exposer.whole(deepcopy(code)) if whole else exposer.visit(deepcopy(code))
    return ExposedCode(result, exposer.names, frozenset(exposer.mutable))


class _Exposer(ast.NodeTransformer):
    """Visits code whose value is not passed to the program; `whole` visits code whose value is."""

    def __init__(self, scope: Scope) -> None:
        self._scope, self._own = scope, set[str]()  # own: loop variables over secrets
        self.names, self.mutable = set[str](), set[int]()

    def whole(self, node: _Node) -> ast.AST:
        """Visit code whose whole value is passed to the program."""
        match node:
            case ast.Name(name):
                return self._pass_name(node, name) if name in self._scope.secret else node
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
                carried = find_carried(find_names([node]) - find_targets(node.args), self._scope)
                if carried:
                    raise NotSeparableError(f"would show the program {min(carried)} in a function that it is given")
                return _FunctionExposer(self, find_targets(node.args)).visit(node)  # type: ignore[no-any-return]
            case ast.Call() if self._passes_on(node):
                return self._pass_arguments(node)
        return self._write_out(node)

    def _pass_name(self, node: ast.expr, name: str) -> ast.AST:
        value = self._scope.constants.get(name, ...)
        literal = write_literal(value) if value is not ... and is_atom(value) else None
        if literal is not None:
            return literal
        self.names.add(name)
        self.mutable |= find_mutable_ids(value) if value is not ... else set()
        return node

    def _write_out(self, node: ast.AST) -> ast.AST:
        """Replace an expression over secrets by its plain value, if that is known."""
        if not self._has_secrets(node):
            return self.visit(node)  # type: ignore[no-any-return]
        value = self._scope.value_of(node) if isinstance(node, ast.expr) else None
        literal = write_literal(value[0]) if value is not None else None
        if value is None or literal is None:
            return self.visit(node)  # type: ignore[no-any-return]
        self.mutable |= find_mutable_ids(value[0])
        return literal

    def _has_secrets(self, node: ast.AST) -> bool:
        return bool(find_names([node]) & (self._scope.secret | self._own))

    def _passes_on(self, call: ast.Call) -> bool:
        """Decide whether a call passes its arguments on as they are, to the program or to an object that it gets."""
        root = find_root(call.func)
        outside = root not in self._scope.trusted | self._scope.risky
        is_maker = isinstance(call.func, ast.Name) and root in self._scope.own_classes
        return outside or is_maker or read_called_name(call.func) in _CONTAINERS

    def _pass_arguments(self, call: ast.Call) -> ast.Call:
        root = find_root(call.func)
        if isinstance(call.func, ast.Name) and root in self._scope.own_classes:
            self.names.add(str(root))
        else:
            call.func = self.visit(call.func)
        call.args = list(map(self.whole, call.args))  # type: ignore[arg-type]
        call.keywords = list(map(self.whole, call.keywords))  # type: ignore[arg-type]
        return call

    def visit(self, node: ast.AST) -> Any:
        """Visit code whose value is not passed to the program."""
        match node:
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._visit_comprehension(node)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                return self._visit_display(node)
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Refuse a secret name, unless it is a function that uses nothing of the example."""
        if node.id in self._scope.closed_functions:
            self.names.add(node.id)
        elif node.id in self._scope.secret | self._own and isinstance(node.ctx, ast.Load):
            raise NotSeparableError(f"would show the program {node.id}, which is not passed to it as it is")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Visit a call and its arguments."""
        if self._passes_on(node):
            return self._pass_arguments(node)
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(receiver, ast.Name) and self._collects(receiver.id):
            node.args = list(map(self.visit, node.args))
            return node
        if read_called_name(node.func) in _EACH:
            node.args = [part if self._is_function(part) else self._visit_items(part) for part in node.args]
            node.keywords = [self.visit(part) for part in node.keywords]
            return node
        return self.generic_visit(node)

    def _is_function(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id not in self._scope.secret

    def _collects(self, name: str) -> bool:
        """Decide whether a name is an empty container, which collects values of the program."""
        empty = name in self._scope.secret and is_bland(self._scope.constants.get(name, "unknown"))
        if empty:
            self.names.add(name)
            self.mutable |= find_mutable_ids(self._scope.constants[name])
        return empty

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Visit an item; its index is passed."""
        if not (isinstance(node.value, ast.Name) and self._collects(node.value.id)):
            node.value = self.visit(node.value)
        node.slice = self.whole(node.slice)  # type: ignore[assignment]
        return node

    def _visit_loop(self, loop: ast.For | ast.comprehension) -> bool:
        """Visit what a loop goes over. Return whether its variables are secret: they may be passed, and no more."""
        known = self._scope.trusted | self._scope.risky
        owns = find_names([loop.iter]) <= known | self._scope.partly_shown
        owns = owns and not (isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range")
        loop.iter = self._visit_items(loop.iter, always=owns and not isinstance(loop.target, ast.Name))
        self._own |= find_targets(loop.target) if owns else set()
        return owns

    def _visit_items(self, node: ast.expr, *, always: bool = False) -> ast.expr:
        """Return the items, each of which the program gets, as a literal; the visited node if they are unknown."""
        value = self._scope.value_of(node) if always or self._has_secrets(node) else None
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
        """Visit the loop of a comprehension."""
        self._visit_loop(node)
        node.ifs = [self.visit(part) for part in node.ifs]
        return node

    def _visit_comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> ast.AST:
        own = set(self._own)
        node.generators = [self.visit(loop) for loop in node.generators]
        _drop_unused(node)
        node.elt = self.visit(node.elt)
        self._own = own
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """Refuse a dict comprehension over secrets: the program would get more than the keys."""
        if self._has_secrets(node):
            raise NotSeparableError("would show the program more than is passed to it")
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """Visit a loop."""
        own = set(self._own)
        if self._visit_loop(node) and not isinstance(node.target, ast.Name):
            raise NotSeparableError("would show the program more than is passed to it")
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        self._own = own
        return node

    def _visit_display(self, node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> ast.AST:
        parts = node.values if isinstance(node, ast.Dict) else node.elts
        constant = any(isinstance(part, ast.Constant) and not is_bland(part.value) for part in parts)
        if constant and any(isinstance(inner, ast.Call) for inner in ast.walk(node)):
            raise NotSeparableError("puts a value of the program beside others, which it is not to see")
        return self.generic_visit(node)


def find_carried(names: set[str], scope: Scope) -> set[str]:
    """Return which names in a function would bring a secret value along if the function is passed."""
    empty = {name for name in names if is_bland(scope.constants.get(name, "unknown"))}
    return (names & scope.secret) - scope.own_functions - scope.own_classes - empty


class _FunctionExposer(ast.NodeTransformer):
    """Passes the free names of a function that is passed."""

    def __init__(self, exposer: _Exposer, arguments: set[str]) -> None:
        self._exposer, self._arguments = exposer, arguments

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if node.id in self._arguments else self._exposer.whole(node)


def _drop_unused(node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
    """Drop what a loop over a literal does not use: [f(a) for a, b in [(2, 4)]] becomes [... in [(2,)]]."""
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
