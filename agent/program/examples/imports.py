"""What an example imports: its own program under some name, pytest, the standard library, or what nobody here has."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from agent.program.syntax import find_modules, is_standard_import

RAISES = "_raises"
_PYTEST = {"approx": "_approx", "raises": RAISES}
_ELSEWHERE = {  # no program under test has these names
    "numpy", "pandas", "scipy", "torch", "tensorflow", "sklearn", "sympy", "networkx", "matplotlib", "requests",
    "hypothesis", "parameterized", "nose", "mock", "attr", "attrs", "pydantic", "django", "flask", "yaml", "pytest",
}  # fmt: skip


@dataclass
class Imports:
    """What the names mean that import statements bind."""

    modules: set[str] = field(default_factory=set)  # of which the attributes are the program's names
    renamed: dict[str, str] = field(
        default_factory=dict
    )  # to the program's names, or to those of agent/verification/judge_guest.py
    foreign: dict[str, str] = field(default_factory=dict)  # names that no sandboxed program has, and their module

    def resolve_pause(self, tree: ast.Module) -> ast.Module:
        """Return the tree with the names that the program, or the judge of claims, has for what was imported."""
        resolve_pause: ast.Module = _Resolver(self).visit(tree)
        return ast.fix_missing_locations(resolve_pause)


def read_imports(nodes: Iterable[ast.AST], program: Collection[str] = ()) -> Imports:
    """Read import statements.

    program: the names that the program defines, where they are known. A module outside of the standard library that
    has one of them, or whatever module where none is known, is taken for the program itself.
    """
    imported = Imports()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_standard_import(node):
            _take_in(imported, node, program)
    return imported


def _take_in(found: Imports, node: ast.Import | ast.ImportFrom, program: Collection[str]) -> None:
    module = ", ".join(sorted(find_modules(node)))
    for alias in node.names:
        bound = alias.asname or alias.name.split(".")[0]
        if isinstance(node, ast.Import):
            if find_modules(node) & _ELSEWHERE:
                found.foreign[bound] = bound if alias.asname is None else alias.name
            else:
                found.modules.add(bound)
        elif module == "pytest" and alias.name in _PYTEST:
            found.renamed[bound] = _PYTEST[alias.name]
        elif module in _ELSEWHERE or (program and alias.name not in program and alias.name != "*"):
            found.foreign[bound] = module or "."
        elif bound != alias.name:
            found.renamed[bound] = alias.name


class _Resolver(ast.NodeTransformer):
    def __init__(self, imported: Imports) -> None:
        self._imported = imported

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node.value:
            case ast.Name("pytest") if node.attr in _PYTEST:
                return ast.Name(_PYTEST[node.attr], ast.Load())
            case ast.Name(name) if self._imported.foreign.get(name) == "pytest" and node.attr in _PYTEST:
                return ast.Name(_PYTEST[node.attr], ast.Load())
            case ast.Name(name) if name in self._imported.modules:
                return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._imported.renamed.get(node.id, node.id), node.ctx)
