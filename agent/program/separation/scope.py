"""Track each name up to an assertion: whether its value depends on the program, and whether the program has seen it."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from agent.program.separation.constants import evaluate, find_mutable_ids
from agent.program.syntax import (
    find_bound_names,
    find_free_names,
    find_modules,
    find_names,
    find_root,
    find_targets,
    is_standard_import,
)

_JUDGE_FUNCTIONS = {"_approx", "_almost", "_alike", "_in_order", "_is_just", "_counter"}  # of judge_guest.py
_SAFE_MODULES = {  # a value has no say in what their functions do with it
    "math", "cmath", "operator", "itertools", "functools", "collections", "re", "string", "json", "statistics",
    "fractions", "decimal", "datetime", "copy", "heapq", "bisect", "textwrap", "ast", "numbers", "calendar", "typing",
    "base64", "hashlib", "binascii", "struct", "uuid", "random", "time", "enum", "dataclasses", "abc",
}  # fmt: skip
_PLAIN = (str, bytes, int, float, complex, list, tuple, set, frozenset, dict)
CHANGING = {
    "append", "extend", "insert", "pop", "popitem", "remove", "clear", "sort", "reverse", "add", "discard", "update",
    "setdefault", "difference_update", "intersection_update", "symmetric_difference_update",
}  # fmt: skip
METHODS = {name for kind in _PLAIN for name in dir(kind) if not name.startswith("_")} - CHANGING
_CONVERSIONS = {  # functions of one argument that leave the judging to whoever gets their result
    "list", "tuple", "set", "frozenset", "dict", "sorted", "len", "sum", "str", "repr", "int", "float", "abs",
    "iter", "next", "reversed", "min", "max", "type",
}  # fmt: skip
_PASSING_ON = {"map", "filter", "zip", "range", "round", "print", "enumerate", "next", "run", "append", "insert"}


class NotSeparableError(ValueError):
    """The expected value of an example cannot be kept from the program."""


_TABLES = ("imported", "constants", "mutable", "aliases")


@dataclass
class Scope:
    """The program's names, and the names that the statements so far have bound."""

    program: Collection[str] = ()  # names that the program is known to define
    classes: Collection[str] = ()  # the names that are classes
    records: Collection[str] = ()  # the classes that are no more than their fields
    closed: bool = False  # the program defines no other names
    foreign: Mapping[str, str] = field(default_factory=dict)  # names of foreign packages, and their package
    bound: set[str] = field(default_factory=set)  # names that the statements so far have bound
    # What a value may depend on:
    trusted: set[str] = field(default_factory=set)  # names whose values do not depend on the program
    risky: set[str] = field(default_factory=set)  # modules whose functions might run what the program gives them
    objects: set[str] = field(default_factory=set)  # instances of the program's classes
    tainted: set[str] = field(default_factory=set)  # bound by statements in which the program could lie
    nondeterministic: set[str] = field(default_factory=set)  # another value in each process
    # What the program may know:
    secret: set[str] = field(default_factory=set)  # trusted, and not shown to the program so far
    shown: set[str] = field(default_factory=set)  # trusted once, and shown since: the program may have changed them
    partly_shown: set[str] = field(default_factory=set)  # constants of which the program was shown a part
    revealed: set[str] = field(default_factory=set)  # functions of the example that the program could call
    shown_ids: set[int] = field(default_factory=set)  # ids of objects in constants that the program was shown
    kept_alive: list[Any] = field(default_factory=list)  # objects with those ids, so that no id is used twice
    # What the names mean:
    own_classes: set[str] = field(default_factory=set)  # classes that the example defines
    own_functions: set[str] = field(default_factory=set)  # functions that the example defines
    pure_functions: set[str] = field(default_factory=set)  # own functions that change nothing
    closed_functions: set[str] = field(default_factory=set)  # pure functions that use only each other
    imported: dict[str, str] = field(default_factory=dict)  # names of the standard library, and their module
    constants: dict[str, Any] = field(default_factory=dict)  # names whose values are known
    mutable: dict[str, frozenset[int]] = field(default_factory=dict)  # ids of the mutable objects in those values
    aliases: dict[str, set[str]] = field(default_factory=dict)  # names whose values may share an object with it

    def __post_init__(self) -> None:
        self.trusted |= {*dir(builtins), "math", *_JUDGE_FUNCTIONS} - set(self.program)

    def copy(self) -> Scope:
        """Return a copy: changes to it do not reach this scope."""
        copies: dict[str, Any] = {
            each.name: copy.copy(getattr(self, each.name))
            for each in fields(self)
            if isinstance(getattr(self, each.name), set | list) or each.name in _TABLES
        }
        return replace(self, **copies)

    def adopt(self, other: Scope) -> None:
        """Know what another scope knows."""
        vars(self).update(vars(other))

    def value_of(self, node: ast.expr) -> tuple[Any] | None:
        """Return the value of an expression, in a tuple of one; None if it is unknown or may have been changed."""
        names = find_names([node])
        others = names - set(self.constants) - set(self.imported)
        if others & self.bound or not others <= self.trusted:
            return None
        value = evaluate(node, self.constants)
        return None if value is None or (self.shown_ids and find_mutable_ids(value[0]) & self.shown_ids) else value

    def take_in(self, statement: ast.stmt) -> bool:
        """Learn what a statement binds. Return whether the program could lie in it."""
        bound, known = find_bound_names(statement), self.trusted | self.risky
        self.bound |= bound
        for names in (self.partly_shown, self.nondeterministic):
            names -= bound
        self.objects -= bound
        if isinstance(statement, ast.Import | ast.ImportFrom):
            standard = is_standard_import(statement)
            self.imported |= dict.fromkeys(bound, min(find_modules(statement), default="")) if standard else {}
            self.trusted |= bound if standard and find_modules(statement) <= _SAFE_MODULES else set()
            self.risky |= bound if standard and not find_modules(statement) <= _SAFE_MODULES else set()
        elif find_free_names(statement) <= known:
            self.trusted |= bound
            self.tainted -= bound
        else:
            self.trusted -= bound
            judges = may_judge(getattr(statement, "value", None))
            if judges or decides(statement, known) or find_names([statement]) & self.tainted:
                self.tainted |= bound | (find_names([statement]) & self.bound)
                return True
            match statement:
                case ast.Assign(value=ast.Call(ast.Name() as value)) | ast.Assign(value=ast.Name() as value):
                    is_object = self.makes_object(value) or self.may_make_object(value)
                    self.objects |= bound if is_object else set()
        return False

    def makes_object(self, node: ast.AST) -> bool:
        """Decide whether a chain begins with a class of the program, or with an instance of one."""
        return bool({find_root(node)} & {*self.objects, *self.classes})

    def may_make_object(self, node: ast.AST) -> bool:
        """Decide whether a chain begins with an unknown name that is spelled as classes are."""
        root = find_root(node) or ""
        return root[:1].isupper() and not root.isupper() and root not in self.program


def may_judge(node: ast.AST | None) -> bool:
    """Detect a call with another call's value and something to compare it with: it may say yes to anything."""
    if not isinstance(node, ast.Call):
        return False
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    called = {find_root(part) for each in arguments for part in ast.walk(each) if isinstance(part, ast.Call)}
    return len(arguments) > 1 and bool(called - {find_root(node), None, *dir(builtins)})


def decides(node: ast.AST, known: set[str]) -> bool:
    """Detect code that compares a value of the program or computes with it: there an object of its own class could lie.

    known: names that do not depend on the program.
    """
    inner = known | find_inner_names(node, known)
    return any(_decides(part, inner) for part in ast.walk(node))


def _decides(node: ast.AST, known: set[str]) -> bool:
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.BinOp() | ast.AugAssign() | ast.Assert() | ast.Match():
            return touches([node], known)
        case ast.IfExp(test) | ast.If(test) | ast.While(test):
            return touches([test], known)
        case ast.comprehension(ifs=[_, *_] as ifs):
            return touches(ifs, known)
        case ast.Attribute(attr=name) if name.startswith("__"):
            return True
        case ast.Call(ast.Attribute(_, name), [_, *_]) if name in METHODS and touches([node], known):
            return True
        case ast.Subscript(value, at) if touches([at], known) and not touches([value], known):
            return True
        case ast.Call(function, arguments, keywords) if find_root(function) in known and touches(
            [*arguments, *keywords], known
        ):
            name = read_called_name(function)
            alone = len(arguments) == 1 and not keywords and find_root(arguments[0]) is not None
            return not (name in _PASSING_ON or (name in _CONVERSIONS and alone))
    return False


def touches(nodes: Sequence[ast.AST], known: set[str]) -> bool:
    """Decide whether code reads a name that is not known."""
    return not find_names(nodes) <= known


def find_inner_names(node: ast.AST, known: set[str]) -> set[str]:
    """Return the names that comprehensions bind to values that do not depend on the program.

    Also return the arguments of a lambda that the program is given: the program chooses them, and judges nothing there.
    """
    bound = set[str]()
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and find_root(part) not in {*known, None}:
            arguments = [*part.args, *(keyword.value for keyword in part.keywords)]
            bound |= {name for each in arguments if isinstance(each, ast.Lambda) for name in find_targets(each.args)}
        elif isinstance(part, ast.comprehension) and not touches([part.iter], known | bound):
            bound |= find_targets(part.target)
    return bound


def list_links(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls, attributes and subscripts of a chain, outermost first."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        yield node
        node = node.func if isinstance(node, ast.Call) else node.value


def read_called_name(function: ast.expr) -> str:
    """Return the last name of a called function, as `b` in a.b(); empty if it has none."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
