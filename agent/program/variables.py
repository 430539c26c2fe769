"""Resolve each name of a program to its variable, by Python's scopes. Renames nothing and runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from agent.program.syntax import LOOKS_AT_NAMES

_SHOWS_NAMES = frozenset({"__name__", "__qualname__", "__code__", "__globals__", "__dict__", "__annotations__"})


@dataclass(eq=False, slots=True)
class NameScope:
    """One scope: the module, a class, a function or a comprehension, and what its own lines say of names."""

    parent: NameScope | None
    kind: str  # "module", "class", "function" or "comprehension"
    bound: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)  # imports, and classes, whose names change others inside
    parameters: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Variable:
    """One variable: its name, and whether the program does the same where the variable has another name.

    A name that the program does not bind is a variable of the module, and is not renamable.
    """

    name: str
    renamable: bool
    home: NameScope
    keywords: Collection[str] = ()  # names that it cannot take, since calls give them to parameters
    path: set[NameScope] = field(default_factory=set)  # the scopes in which Python looks its name up, its home included

    def may_become(self, name: str) -> bool:
        """Decide whether the variable may have another name, as far as other variables do not matter."""
        # Python changes a name that begins with two underscores inside a class.
        return name == self.name or (self.renamable and name not in self.keywords and not name.startswith("__"))


def read_own_names(node: ast.AST) -> tuple[str, ...]:
    """Return the names of variables that a node holds itself, not in a child. Imports and keywords hold none."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        return tuple(node.names)
    if isinstance(node, ast.alias | ast.keyword):
        return ()
    fields = (getattr(node, each, None) for each in ("id", "arg", "name", "rest"))
    return tuple(each for each in fields if isinstance(each, str))


class Variables:
    """The variables of one program.

    Renamable are the variables of functions and comprehensions. Imports, classes, names that begin with two
    underscores, and parameters that share their name with a keyword of some call are not. `called` holds the module's
    names by which other code reaches the program: then its other names are renamable, too. With None, no name of the
    module is. A name that the program also holds as a text may be looked up by it, and is not renamable. Nothing is in
    a program that may look at its own names.
    """

    def __init__(self, tree: ast.Module, *, called: Collection[str] | None = None) -> None:
        self._called, self._module = called, NameScope(None, "module")
        self._variables = dict[tuple[NameScope, str], Variable]()
        self._keywords = {each.arg for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg}
        occurrences = list(_read_scopes(tree, self._module))
        _settle_declarations([scope for _, _, scope in occurrences], self._module)
        self._named = {id(node): [self._resolve(name, scope) for name in names] for node, names, scope in occurrences}
        texts, attributes = _read_texts(tree)
        sees_all = any(each.name in LOOKS_AT_NAMES and not each.renamable for each in self) or attributes & _SHOWS_NAMES
        for each in self:
            each.renamable = each.renamable and not sees_all and each.name not in texts

    def __iter__(self) -> Iterator[Variable]:
        """Iterate over all variables, in the order in which the program names them."""
        return iter(self._variables.values())

    def find(self, node: ast.AST) -> list[Variable]:
        """Return the variables of `read_own_names` for a node of the given tree, in its order."""
        return [] if isinstance(node, ast.alias) else self._named.get(id(node), [])

    def _resolve(self, name: str, scope: NameScope) -> Variable:
        path = list(_look_up(name, scope))
        home = path[-1]
        if (home, name) not in self._variables:
            keywords = self._keywords if name in home.parameters else ()
            self._variables[home, name] = Variable(name, self._is_renamable(name, home), home, keywords)
        variable = self._variables[home, name]
        variable.path.update(path)
        return variable

    def _is_renamable(self, name: str, home: NameScope) -> bool:
        if name.startswith("__") or name in home.fixed or name not in home.bound:
            return False
        if home.kind == "module":
            return self._called is not None and name not in self._called
        return home.kind != "class" and not (name in home.parameters and name in self._keywords)


def _read_texts(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the texts that a program holds, and the attributes that it reads."""
    texts, attributes = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
    return texts, attributes


def _read_scopes(tree: ast.Module, module: NameScope) -> Iterator[tuple[ast.AST, tuple[str, ...], NameScope]]:
    """Yield each node that names variables, the names, and the scope that Python looks in first. Fill the scopes."""
    todo: list[tuple[ast.AST, NameScope]] = [(tree, module)]
    while todo:
        node, scope = todo.pop()
        children = list(_place_children(node, scope))
        todo += reversed(children)
        if isinstance(node, ast.alias):
            name = node.asname or node.name.split(".")[0]
            scope.bound.add(name)
            scope.fixed.add(name)
            yield node, (name,), scope
        elif names := read_own_names(node):
            _declare(node, names, scope)
            yield node, names, scope


def _place_children(node: ast.AST, scope: NameScope) -> Iterator[tuple[ast.AST, NameScope]]:
    """Yield each child with its scope. Defaults, annotations, decorators and bases belong to the scope outside."""
    outside = scope.parent or scope
    match node:
        case ast.arguments():
            children = ast.iter_child_nodes(node)
            yield from ((each, scope if isinstance(each, ast.arg) else outside) for each in children)
        case ast.arg():
            yield from ((each, outside) for each in ast.iter_child_nodes(node))
        case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            inner = NameScope(scope, "class" if isinstance(node, ast.ClassDef) else "function")
            body = node.body if isinstance(node.body, list) else [node.body]
            inside = {id(each) for each in (*body, getattr(node, "args", None))}
            yield from ((each, inner if id(each) in inside else scope) for each in ast.iter_child_nodes(node))
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            inner = NameScope(scope, "comprehension")
            first, *more = node.generators
            yield first.iter, scope  # Python evaluates the first iterable outside
            yield from ((each, inner) for each in (first.target, *first.ifs, *more))
            generators = {id(each) for each in node.generators}
            yield from ((each, inner) for each in ast.iter_child_nodes(node) if id(each) not in generators)
        case ast.NamedExpr():
            yield node.target, _leave_comprehensions(scope)
            yield node.value, scope
        case _:
            yield from ((each, scope) for each in ast.iter_child_nodes(node))


def _declare(node: ast.AST, names: tuple[str, ...], scope: NameScope) -> None:
    """Tell a scope what a node says of names."""
    match node:
        case ast.Global():
            scope.declared_global.update(names)
        case ast.Nonlocal():
            scope.declared_nonlocal.update(names)
        case ast.arg():
            scope.parameters.update(names)
            scope.bound.update(names)
        case ast.ClassDef():
            scope.fixed.update(names)
            scope.bound.update(names)
        case ast.Name(ctx=ast.Load()):
            pass
        case _:
            scope.bound.update(names)


def _leave_comprehensions(scope: NameScope) -> NameScope:
    while scope.kind == "comprehension" and scope.parent:
        scope = scope.parent
    return scope


def _settle_declarations(scopes: Collection[NameScope], module: NameScope) -> None:
    """Bind the names of `global` in the module, and those of `nonlocal` nowhere else than outside."""
    for scope in scopes:
        if scope is not module:
            module.bound.update(scope.bound & scope.declared_global)
            scope.bound -= scope.declared_global | scope.declared_nonlocal


def _look_up(name: str, scope: NameScope) -> Iterator[NameScope]:
    """Yield the scopes in which Python looks a name up, from inside to outside. The last one is the name's home."""
    yield scope
    while scope.parent and name not in scope.bound:
        scope = _leave(scope, is_global=name in scope.declared_global)
        yield scope


def _leave(scope: NameScope, *, is_global: bool) -> NameScope:
    """Return the scope outside that Python looks in next: not a class, whose names are not seen from inside."""
    while scope.parent:
        scope = scope.parent
        if not is_global and scope.kind != "class":
            break
    return scope
