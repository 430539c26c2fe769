"""What is said of a program, taken apart: what its process evaluates, and a claim that is judged without it.

An object of the program may lie to whoever asks it. So nothing that decides stays with the program: no comparison, no
truth value, no function that the example brings along. What cannot be split so is refused. Runs nothing.
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

_CODE = {  # of a value of the program they would make code, or they look at more than the value
    "eval", "exec", "compile", "__import__", "globals", "locals", "vars", "dir", "open", "input", "breakpoint",
    "setattr", "delattr", "help", "super", "memoryview", "classmethod", "staticmethod", "property", "print",
    "callable", "hasattr", "getattr", "id",
}  # fmt: skip
_TAKES_FUNCTION = {"map", "filter", "sorted", "max", "min", "reduce", "starmap", "accumulate"}


class Separated(NamedTuple):
    """An example taken apart."""

    expressions: tuple[str, ...]
    expected: str
    needs: set[str]  # names that the expressions need
    expected_setup: list[Setup]  # statements that the claim needs


def separate(expression: ast.expr, steps: Sequence[Setup], scope: Scope) -> Separated:
    """Split what is asserted after these steps. Raises NotSeparableError, which says why."""
    if any(re.fullmatch(r"_\d+", name) for name in find_names([expression])):
        raise NotSeparableError("has names of its own such as _0")
    puller = _Puller(scope.copied())
    expected = puller.visit(expression)
    if not puller.pulled:
        raise NotSeparableError("calls nothing of the program")
    refuse_program_as_judge(expected, puller.pulled)
    refuse_impossible(expected)
    refuse_identity(expected)
    refuse_questions_to_records(
        expected, {f"_{at}" for at, made in enumerate(puller.pulled) if _root(made) in scope.records}
    )
    puller.refuse_stale()
    outside = select_for_judge(steps, find_names([expected]))
    for step in outside:
        if isinstance(step.statement, ast.FunctionDef | ast.ClassDef) or "lambda" in step.source:
            refuse_identity(step.statement)
    needs = find_names(tree for source in puller.pulled for tree in [read_module(source)])
    scope.adopt(puller.scope)
    return Separated(tuple(puller.pulled), ast.unparse(expected), needs, outside)


def refuse_shared(expression: ast.expr, scope: Scope) -> None:
    """Raise NotSeparableError for an expression that is not for the program's process alone to evaluate.

    An object of the program is: its repr may leave.
    """
    puller = _Puller(scope.copied(), objects=True)
    if not isinstance(puller.visit(expression), ast.Name) or not puller.pulled:
        raise NotSeparableError("is not the program's to say")


class _Puller(ast.NodeTransformer):
    """Replaces what the program is to evaluate by _0, _1 …; what is left is the claim."""

    def __init__(self, scope: Scope, *, objects: bool = False) -> None:
        self.scope, self.objects = scope, objects
        self.pulled, self.bound = list[str](), set[str]()
        self.seemingly = 0  # objects that were pulled, if their names tell
        self._kept: list[tuple[ast.expr, tuple[Any] | None]] = []  # what is judged of own values, and these
        self._shown: list[ExposedCode] = []
        self._places: dict[str, str] = {}  # of names that were pulled, and that nothing could change since

    def visit(self, node: ast.AST) -> ast.AST:
        """Pull a chain that begins with a name of the program, or look inside."""
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
        shaped = self._shaped(node)
        if shaped is not None:
            return shaped
        root = find_root(node)
        if root is not None and root not in known and root not in self.scope.risky:
            return self._chain(node)
        return self._call(node, known) if isinstance(node, ast.Call) else self.generic_visit(node)

    def _shaped(self, node: ast.expr) -> ast.AST | None:
        """Look at what has rules of its own by its shape; None for anything else."""
        match node:
            case ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
                raise NotSeparableError("binds or awaits a value on its way")
            case ast.Compare(ast.Call() as call, [ast.Is() | ast.IsNot()], [ast.Constant(None)]) if self._is_chain(
                call
            ):
                return self._whole(node, [*call.args, *call.keywords])  # there is nothing in it to lie to
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._binding(node)
        return None

    def refuse_stale(self) -> None:
        """Raise NotSeparableError for a value of the claim's own that the program may have changed before it counts."""
        given = {name for each in self._shown for name in each.names}
        exposed = {number for each in self._shown for number in each.mutable}
        for node, value in self._kept:
            late = find_mutable_ids(value[0]) & exposed if value else find_names([node]) - self.scope.trusted & given
            flat = isinstance(node, ast.Call) and ast.unparse(node.func) in ("len", "sum", "str", "repr")
            if late and not flat:
                raise NotSeparableError(f"speaks of {ast.unparse(node)} before the program may have changed it")

    def _binding(self, node: ast.expr) -> ast.AST:
        """Look inside what binds names of its own; a list of the program's values alone is the program's to make."""
        known = self.scope.trusted | self.bound
        match node:
            case ast.ListComp(part, loops) | ast.SetComp(part, loops) | ast.GeneratorExp(part, loops):
                root, inner = find_root(part), known | find_inner_names(node, known)
                plain = root is not None and root not in inner and not decides(node, known)
                if plain and not any(touches([loop.iter, *loop.ifs], inner) for loop in loops):
                    pulled = self._whole(ast.ListComp(part, loops), [])
                    return (
                        ast.Call(ast.Name("set", ast.Load()), [pulled], []) if isinstance(node, ast.SetComp) else pulled
                    )
        before, self.bound = self.bound, self.bound | find_targets(node)
        try:
            return self.generic_visit(node)
        finally:
            self.bound = before

    def _call(self, node: ast.Call, known: set[str]) -> ast.AST:
        """Look inside a call of a function that is not the program's."""
        name, root = read_called_name(node.func), find_root(node.func)
        touched = touches([*node.args, *node.keywords], known)
        given = [*node.args, *(each.value for each in node.keywords)]
        if ast.unparse(node.func) in ("next", "asyncio.run") and len(node.args) == 1:
            return self._whole(node, given)
        if touched and (root in self.scope.risky or root in _CODE):
            raise NotSeparableError(f"gives a value of the program to {ast.unparse(node.func)}")
        if name in _TAKES_FUNCTION and any(self._is_function(part) for part in given):
            return self._whole(node, given)
        return self.generic_visit(node)

    def _is_chain(self, call: ast.Call) -> bool:
        """Whether it is a call of a function of the program by its name."""
        known = self.scope.trusted | self.bound | self.scope.risky
        return isinstance(call.func, ast.Name) and call.func.id not in known

    def _is_function(self, node: ast.expr) -> bool:
        """Whether it is the name of a function that the program defines, for all that is known."""
        return isinstance(node, ast.Name) and node.id not in self.scope.trusted | self.bound | self.scope.bound

    def _chain(self, node: ast.expr) -> ast.AST:
        if isinstance(node, ast.Name) and node.id in self.scope.program and node.id not in self.scope.bound:
            raise NotSeparableError(f"speaks of {node.id} itself, not of what it returns")
        links = list(list_links(node))
        if isinstance(node, ast.Call) and self._is_method_of_data(node):
            method = node.func
            assert isinstance(method, ast.Attribute)
            value, arguments, keywords = (self._each(parts) for parts in ([method.value], node.args, node.keywords))
            return ast.Call(ast.Attribute(value[0], method.attr, ast.Load()), arguments, keywords)
        if any(self._is_method_of_data(link) for link in links):
            return self.generic_visit(node)
        if not self.objects:
            self._refuse_object(node)
        if any(isinstance(link, ast.Attribute) and link.attr.startswith("__") for link in links):
            raise NotSeparableError("asks an object of the program itself whether it is right")
        calls = [link for link in links if isinstance(link, ast.Call)]
        slices = [link.slice for link in links if isinstance(link, ast.Subscript)]
        return self._whole(node, [*(given for call in calls for given in (*call.args, *call.keywords)), *slices])

    def _each(self, nodes: Sequence[ast.AST]) -> list[Any]:
        return [self.visit(node) for node in nodes]

    def _refuse_object(self, node: ast.expr) -> None:
        """Raise NotSeparableError for an object of a class of the program: only plain values leave."""
        maker = node.func if isinstance(node, ast.Call) else node
        if not isinstance(maker, ast.Name) or maker.id in self.scope.records:
            return
        self.seemingly += self.scope.may_make_object(maker)
        if self.scope.makes_object(maker) or self.seemingly > 1:
            raise NotSeparableError(f"speaks of {ast.unparse(node)} as a whole, and objects do not leave the program")

    def _is_method_of_data(self, link: ast.AST) -> bool:
        """Whether it calls a method that strings, numbers or containers have."""
        method = isinstance(link, ast.Call) and isinstance(link.func, ast.Attribute) and link.func.attr in METHODS
        return method and not self.scope.makes_object(link) and not self._may_be_object(link)

    def _may_be_object(self, call: ast.AST) -> bool:
        """Whether a method may be that of a class which nobody has named; if it may decide, nobody can tell."""
        if not self.scope.may_make_object(call):
            return False
        if isinstance(call, ast.Call) and (call.args or call.keywords):
            raise NotSeparableError(f"calls {ast.unparse(call.func)}, and the prompt names no such class")
        return True

    def _whole(self, node: ast.expr, given: Sequence[ast.AST]) -> ast.Name:
        """Let the program's process evaluate all of it, if nothing in it could be lied to.

        given: the parts in which something is asked of the program's values, if anywhere.
        """
        known = self.scope.trusted | self.scope.risky
        names = find_names([node]) - find_inner_names(node, known)
        foreign = sorted(names & set(self.scope.foreign))
        if foreign:
            raise NotSeparableError(f"needs {foreign[0]} of {self.scope.foreign[foreign[0]]}, which no sandbox has")
        if any(decides(part, known) for part in given):
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
        again = self._places.get(node.id) if isinstance(node, ast.Name) else None
        if again is not None:
            return ast.Name(again, ast.Load())
        beside = expose_to_program(node, self.scope)
        if find_names([beside.code]) & self.scope.partly_shown:
            raise NotSeparableError("speaks of what the program was given a part of")
        self._shown.append(beside)
        self.pulled.append(ast.unparse(beside.code))
        if isinstance(node, ast.Name):
            self._places[node.id] = f"_{len(self.pulled) - 1}"
        else:  # which may change what names hold
            self._places.clear()
        return ast.Name(f"_{len(self.pulled) - 1}", ast.Load())


def _root(source: str) -> str | None:
    tree = read_expression(source)
    return None if tree is None or not isinstance(tree, ast.Call) else find_root(tree.func)
