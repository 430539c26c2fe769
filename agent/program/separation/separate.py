"""Split an asserted expression: pull out the parts that the program's process evaluates; the rest is the condition.

Whatever decides stays out of the program's process: comparisons, truth values, functions of the example. An expression
that cannot be split so is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.program.separation.constants import find_mutable_ids, write_literal
from agent.program.separation.exposure import ExposedCode
from agent.program.separation.refusals import (
    refuse_identity,
    refuse_impossible,
    refuse_program_as_judge,
    refuse_questions_to_records,
)
from agent.program.separation.scope import (
    METHODS,
    NotSeparableError,
    Scope,
    decides,
    find_inner_names,
    list_links,
    read_called_name,
    touches,
)
from agent.program.separation.setups import Setup, expose_to_program, select_for_judge
from agent.program.syntax import (
    find_names,
    find_root,
    find_targets,
    read_expression,
    read_module,
)

_UNSAFE = {  # they make code of a value of the program, or look at more than the value
    "eval", "exec", "compile", "__import__", "globals", "locals", "vars", "dir", "open", "input", "breakpoint",
    "setattr", "delattr", "help", "super", "memoryview", "classmethod", "staticmethod", "property", "print",
    "callable", "hasattr", "getattr", "id",
}  # fmt: skip
_TAKES_FUNCTION = {"map", "filter", "sorted", "max", "min", "reduce", "starmap", "accumulate"}


class Separated(NamedTuple):
    """An asserted expression, split in two."""

    expressions: tuple[str, ...]  # the program's process evaluates them; their values are called _0, _1 …
    expected: str  # a condition over _0, _1 …
    needs: set[str]  # names that the expressions read
    expected_setup: list[Setup]  # statements that the condition needs


def separate(expression: ast.expr, setups: Sequence[Setup], scope: Scope) -> Separated:
    """Split an expression that is asserted after these setups. Raises NotSeparableError, which says why."""
    if any(re.fullmatch(r"_\d+", name) for name in find_names([expression])):
        raise NotSeparableError("has names of its own such as _0")
    puller = _Puller(scope.copy())
    expected = puller.visit(expression)
    if not puller.pulled:
        raise NotSeparableError("calls nothing of the program")
    refuse_program_as_judge(expected, puller.pulled)
    refuse_impossible(expected)
    refuse_identity(expected)
    records = {f"_{number}" for number, source in enumerate(puller.pulled) if _find_maker(source) in scope.records}
    refuse_questions_to_records(expected, records)
    puller.refuse_stale()
    outside = select_for_judge(setups, find_names([expected]))
    for setup in outside:
        if isinstance(setup.statement, ast.FunctionDef | ast.ClassDef) or "lambda" in setup.source:
            refuse_identity(setup.statement)
    needs = find_names(tree for source in puller.pulled for tree in [read_module(source)])
    scope.adopt(puller.scope)
    return Separated(tuple(puller.pulled), ast.unparse(expected), needs, outside)


def require_program_alone(expression: ast.expr, scope: Scope) -> None:
    """Raise NotSeparableError unless the program's process may evaluate all of an expression.

    Its value may be an object of the program: only its repr leaves.
    """
    puller = _Puller(scope.copy(), objects=True)
    if not isinstance(puller.visit(expression), ast.Name) or not puller.pulled:
        raise NotSeparableError("is not the program's to say")


class _Puller(ast.NodeTransformer):
    """Replaces the parts that the program's process evaluates by _0, _1 …; the condition is left."""

    def __init__(self, scope: Scope, *, objects: bool = False) -> None:
        self.scope, self.objects = scope, objects
        self.pulled, self.bound = list[str](), set[str]()
        self._likely_objects = 0  # pulled values that are objects of the program, by the spelling of their class
        self._kept: list[tuple[ast.expr, tuple[Any] | None]] = []  # secret parts of the condition, and their values
        self._exposed: list[ExposedCode] = []
        self._pulled_names: dict[str, str] = {}  # names that were pulled and cannot have changed since -> _0, _1 …

    def visit(self, node: ast.AST) -> ast.AST:
        """Pull a chain that begins with a name of the program; look inside anything else."""
        known = self.scope.trusted | self.bound
        if not isinstance(node, ast.expr):
            return self.generic_visit(node)
        if not touches([node], known | find_inner_names(node, known)):
            if find_names([node]) & self.scope.secret:
                self._kept.append((node, self.scope.value_of(node)))
            return node
        value = self.scope.value_of(node) if find_names([node]) & self.scope.partly_shown else None
        if value is not None and (literal := write_literal(value[0])) is not None:
            return literal
        special = self._visit_special(node)
        if special is not None:
            return special
        root = find_root(node)
        if root is not None and root not in known and root not in self.scope.risky:
            return self._visit_chain(node)
        return self._visit_call(node, known) if isinstance(node, ast.Call) else self.generic_visit(node)

    def _visit_special(self, node: ast.expr) -> ast.AST | None:
        """Visit a node whose shape has rules of its own; return None for any other."""
        match node:
            case ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
                raise NotSeparableError("binds or awaits a value on its way")
            case ast.Compare(ast.Call() as call, [ast.Is() | ast.IsNot()], [ast.Constant(None)]) if self._is_chain(
                call
            ):
                return self._pull_whole(node, [*call.args, *call.keywords])  # there is nothing in it to lie to
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._visit_binding(node)
        return None

    def refuse_stale(self) -> None:
        """Raise NotSeparableError if the program may change a secret value that the condition reads."""
        names = {name for each in self._exposed for name in each.names}
        ids = {number for each in self._exposed for number in each.mutable}
        for node, value in self._kept:
            late = find_mutable_ids(value[0]) & ids if value else find_names([node]) - self.scope.trusted & names
            flat = isinstance(node, ast.Call) and ast.unparse(node.func) in ("len", "sum", "str", "repr")
            if late and not flat:
                raise NotSeparableError(f"speaks of {ast.unparse(node)} before the program may have changed it")

    def _visit_binding(self, node: ast.expr) -> ast.AST:
        """Visit a comprehension or lambda. The program makes a list that holds nothing but its own values."""
        known = self.scope.trusted | self.bound
        match node:
            case ast.ListComp(part, loops) | ast.SetComp(part, loops) | ast.GeneratorExp(part, loops):
                root, inner = find_root(part), known | find_inner_names(node, known)
                plain = root is not None and root not in inner and not decides(node, known)
                if plain and not any(touches([loop.iter, *loop.ifs], inner) for loop in loops):
                    pulled = self._pull_whole(ast.ListComp(part, loops), [])
                    return (
                        ast.Call(ast.Name("set", ast.Load()), [pulled], []) if isinstance(node, ast.SetComp) else pulled
                    )
        before, self.bound = self.bound, self.bound | find_targets(node)
        try:
            return self.generic_visit(node)
        finally:
            self.bound = before

    def _visit_call(self, node: ast.Call, known: set[str]) -> ast.AST:
        """Visit a call of a function that is not the program's."""
        name, root = read_called_name(node.func), find_root(node.func)
        touched = touches([*node.args, *node.keywords], known)
        arguments = [*node.args, *(each.value for each in node.keywords)]
        if ast.unparse(node.func) in ("next", "asyncio.run") and len(node.args) == 1:
            return self._pull_whole(node, arguments)
        if touched and (root in self.scope.risky or root in _UNSAFE):
            raise NotSeparableError(f"gives a value of the program to {ast.unparse(node.func)}")
        if name in _TAKES_FUNCTION and any(self._is_function(part) for part in arguments):
            return self._pull_whole(node, arguments)
        return self.generic_visit(node)

    def _is_chain(self, call: ast.Call) -> bool:
        """Decide whether a call calls a function of the program by its name."""
        known = self.scope.trusted | self.bound | self.scope.risky
        return isinstance(call.func, ast.Name) and call.func.id not in known

    def _is_function(self, node: ast.expr) -> bool:
        """Decide whether a node is a name that only the program can have defined."""
        return isinstance(node, ast.Name) and node.id not in self.scope.trusted | self.bound | self.scope.bound

    def _visit_chain(self, node: ast.expr) -> ast.AST:
        if isinstance(node, ast.Name) and node.id in self.scope.program and node.id not in self.scope.bound:
            raise NotSeparableError(f"speaks of {node.id} itself, not of what it returns")
        links = list(list_links(node))
        if isinstance(node, ast.Call) and self._is_method_of_data(node):
            method = node.func
            assert isinstance(method, ast.Attribute)
            value, *arguments = self._visit_all([method.value, *node.args])
            return ast.Call(ast.Attribute(value, method.attr, ast.Load()), arguments, self._visit_all(node.keywords))
        if any(self._is_method_of_data(link) for link in links):
            return self.generic_visit(node)
        if not self.objects:
            self._refuse_object(node)
        if any(isinstance(link, ast.Attribute) and link.attr.startswith("__") for link in links):
            raise NotSeparableError("asks an object of the program itself whether it is right")
        calls = [link for link in links if isinstance(link, ast.Call)]
        slices = [link.slice for link in links if isinstance(link, ast.Subscript)]
        return self._pull_whole(node, [*(part for call in calls for part in (*call.args, *call.keywords)), *slices])

    def _visit_all(self, nodes: Sequence[ast.AST]) -> list[Any]:
        return [self.visit(node) for node in nodes]

    def _refuse_object(self, node: ast.expr) -> None:
        """Raise NotSeparableError for an object of the program: only plain values leave its process."""
        maker = node.func if isinstance(node, ast.Call) else node
        if not isinstance(maker, ast.Name) or maker.id in self.scope.records:
            return
        self._likely_objects += self.scope.may_make_object(maker)
        if self.scope.makes_object(maker) or self._likely_objects > 1:
            raise NotSeparableError(f"speaks of {ast.unparse(node)} as a whole, and objects do not leave the program")

    def _is_method_of_data(self, link: ast.AST) -> bool:
        """Decide whether a link calls a method of strings, numbers or containers."""
        method = isinstance(link, ast.Call) and isinstance(link.func, ast.Attribute) and link.func.attr in METHODS
        return method and not self.scope.makes_object(link) and not self._may_be_object(link)

    def _may_be_object(self, call: ast.AST) -> bool:
        """Detect a method that may be of a class that the prompt does not name. Raises if it could judge arguments."""
        if not self.scope.may_make_object(call):
            return False
        if isinstance(call, ast.Call) and (call.args or call.keywords):
            raise NotSeparableError(f"calls {ast.unparse(call.func)}, and the prompt names no such class")
        return True

    def _pull_whole(self, node: ast.expr, parts: Sequence[ast.AST]) -> ast.Name:
        """Pull a node whole. Raises NotSeparableError if the program could lie in one of its parts."""
        known = self.scope.trusted | self.scope.risky
        names = find_names([node]) - find_inner_names(node, known)
        foreign = sorted(names & set(self.scope.foreign))
        if foreign:
            raise NotSeparableError(f"needs {foreign[0]} of {self.scope.foreign[foreign[0]]}, which no sandbox has")
        if any(decides(part, known) for part in parts):
            raise NotSeparableError("asks a value of the program something where it could lie")
        if names & self.scope.tainted:
            raise NotSeparableError("depends on a statement in which the program could lie")
        if names & self.bound:
            raise NotSeparableError("calls the program for each of several values")
        unknown = sorted(names - known - self.scope.bound - set(self.scope.program))
        if unknown and self.scope.closed:
            there = ", ".join(sorted(self.scope.program)) or "nothing"
            raise NotSeparableError(f"needs {unknown[0]}, and the prompt defines {there}")
        return self._pull(node)

    def _pull(self, node: ast.expr) -> ast.Name:
        again = self._pulled_names.get(node.id) if isinstance(node, ast.Name) else None
        if again is not None:
            return ast.Name(again, ast.Load())
        exposed = expose_to_program(node, self.scope)
        if find_names([exposed.code]) & self.scope.partly_shown:
            raise NotSeparableError("speaks of what the program was given a part of")
        self._exposed.append(exposed)
        self.pulled.append(ast.unparse(exposed.code))
        if isinstance(node, ast.Name):
            self._pulled_names[node.id] = f"_{len(self.pulled) - 1}"
        else:  # which may change what names hold
            self._pulled_names.clear()
        return ast.Name(f"_{len(self.pulled) - 1}", ast.Load())


def _find_maker(source: str) -> str | None:
    tree = read_expression(source)
    return None if tree is None or not isinstance(tree, ast.Call) else find_root(tree.func)
