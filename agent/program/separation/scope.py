"""What is known of the names around an example: which are the program's, and where a value of its could lie."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from agent.program.separation.constants import evaluate, find_changeable
from agent.program.syntax import (
    find_bound_names,
    find_free_names,
    find_modules,
    find_names,
    find_root,
    find_targets,
    is_standard_import,
)

JUDGE_FUNCTIONS = (
    "_approx",
    "_almost",
    "_alike",
    "_in_order",
    "_is_just",
    "_counter",
)  # functions of agent/verification/judge_guest.py
_MODULES = {  # what they do with a value is no choice of the value's
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
_CONVERSIONS = {  # of one argument
    "list", "tuple", "set", "frozenset", "dict", "sorted", "len", "sum", "str", "repr", "int", "float", "abs",
    "iter", "next", "reversed", "min", "max", "type",
}  # fmt: skip
_PASSING_ON = {"map", "filter", "zip", "range", "round", "print", "enumerate", "next", "run", "append", "insert"}


class NotSeparableError(ValueError):
    """An example whose expected value cannot be kept from the program."""


_TABLES = ("imported", "constants", "changeable", "shares")


@dataclass
class Scope:
    """What is known of the names around an example: of the program's, and of those that statements before it bind."""

    program: Collection[str] = ()  # names that the program is known to define
    classes: Collection[str] = ()  # those of them that are classes
    records: Collection[str] = ()  # those of the classes that are no more than their fields
    closed: bool = False  # it is asked for no others
    foreign: Mapping[str, str] = field(default_factory=dict)  # names that were imported from what nobody here has
    bound: set[str] = field(default_factory=set)  # by statements before
    trusted: set[str] = field(default_factory=set)  # their values do not depend on the program
    risky: set[str] = field(default_factory=set)  # of modules that might run what the program gives them
    objects: set[str] = field(default_factory=set)  # bound to what a class of the program made
    spoiled: set[str] = field(default_factory=set)  # bound by statements in which the program could lie
    private: set[str] = field(default_factory=set)  # bound by what is trusted, and not shown to the program so far
    given: set[str] = field(default_factory=set)  # bound so, and shown to it since: it may have changed them
    partly: set[str] = field(default_factory=set)  # constants of which it was shown a part
    unsteady: set[str] = field(default_factory=set)  # bound to what is another value in each process
    makers: set[str] = field(default_factory=set)  # classes of the example
    functions: set[str] = field(default_factory=set)  # of the example
    harmless: set[str] = field(default_factory=set)  # functions of the example that change nothing
    builders: set[str] = field(default_factory=set)  # those of them that use nothing of the example but each other
    told: set[str] = field(default_factory=set)  # functions that the program was shown, and could ask
    imported: dict[str, str] = field(default_factory=dict)  # names, and the modules of Python's that they are of
    constants: dict[str, Any] = field(default_factory=dict)  # names whose values are known
    changeable: dict[str, frozenset[int]] = field(default_factory=dict)  # ids of the objects in those values
    shares: dict[str, set[str]] = field(default_factory=dict)  # names of which a value may hold an object, too
    exposed: set[int] = field(default_factory=set)  # ids of objects in constants that the program was shown
    alive: list[Any] = field(default_factory=list)  # objects with those ids

    def __post_init__(self) -> None:
        self.trusted |= {*dir(builtins), "math", *JUDGE_FUNCTIONS} - set(self.program)

    def copied(self) -> Scope:
        """Return a scope that may go its own way."""
        copies: dict[str, Any] = {
            each.name: copy(getattr(self, each.name))
            for each in fields(self)
            if isinstance(getattr(self, each.name), set | list) or each.name in _TABLES
        }
        return replace(self, **copies)

    def become(self, other: Scope) -> None:
        """Take over what another scope knows."""
        vars(self).update(vars(other))

    def value_of(self, node: ast.expr) -> tuple[Any] | None:
        """Return the value of an expression if it is known, in a tuple of one, and no program may have changed it."""
        names = find_names([node])
        others = names - set(self.constants) - set(self.imported)
        if others & self.bound or not others <= self.trusted:
            return None
        value = evaluate(node, self.constants)
        return None if value is None or (self.exposed and find_changeable(value[0]) & self.exposed) else value

    def after(self, statement: ast.stmt) -> bool:
        """Take in what a statement binds. Return whether the program could lie in it."""
        bound, known = find_bound_names(statement), self.trusted | self.risky
        self.bound |= bound
        for names in (self.partly, self.unsteady):
            names -= bound
        self.objects -= bound
        if isinstance(statement, ast.Import | ast.ImportFrom):
            standard = is_standard_import(statement)
            self.imported |= dict.fromkeys(bound, min(find_modules(statement), default="")) if standard else {}
            self.trusted |= bound if standard and find_modules(statement) <= _MODULES else set()
            self.risky |= bound if standard and not find_modules(statement) <= _MODULES else set()
        elif find_free_names(statement) <= known:
            self.trusted |= bound
            self.spoiled -= bound
        else:
            self.trusted -= bound
            judges = may_judge(getattr(statement, "value", None))
            if judges or decides(statement, known) or find_names([statement]) & self.spoiled:
                self.spoiled |= bound | (find_names([statement]) & self.bound)
                return True
            match statement:
                case ast.Assign(value=ast.Call(ast.Name() as value)) | ast.Assign(value=ast.Name() as value):
                    made = self.makes_object(value) or self.may_make_object(value)
                    self.objects |= bound if made else set()
        return False

    def makes_object(self, node: ast.AST) -> bool:
        """Whether a chain begins with a class of the program, or with what one made."""
        return bool({find_root(node)} & {*self.objects, *self.classes})

    def may_make_object(self, node: ast.AST) -> bool:
        """Whether a chain begins with a name that is written as classes are."""
        root = find_root(node) or ""
        return root[:1].isupper() and not root.isupper() and root not in self.program


def may_judge(node: ast.AST | None) -> bool:
    """Whether one function is given the value of another, and more: it may say yes to whatever it is given."""
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    called = {find_root(part) for each in given for part in ast.walk(each) if isinstance(part, ast.Call)}
    return len(given) > 1 and bool(called - {find_root(node), None, *dir(builtins)})


def decides(node: ast.AST, known: set[str]) -> bool:
    """Whether code asks a value of the program a question, or computes with it: there an object could lie.

    known: names that have nothing to do with the program.
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
    """Whether code speaks of a name that is not known."""
    return not find_names(nodes) <= known


def find_inner_names(node: ast.AST, known: set[str]) -> set[str]:
    """Return the names that loops of comprehensions bind to what has nothing to do with the program.

    Also the arguments of a lambda that is given to the program: what it is called with there is the program's business.
    """
    bound = set[str]()
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and find_root(part) not in {*known, None}:
            given = [*part.args, *(keyword.value for keyword in part.keywords)]
            bound |= {name for each in given if isinstance(each, ast.Lambda) for name in find_targets(each.args)}
        elif isinstance(part, ast.comprehension) and not touches([part.iter], known | bound):
            bound |= find_targets(part.target)
    return bound


def list_links(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls, attributes and subscripts of a chain, the outermost first."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        yield node
        node = node.func if isinstance(node, ast.Call) else node.value


def read_called_name(function: ast.expr) -> str:
    """Return the last name of a function that is called; empty where it has none."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
