"""Read the imports of an example: the program under some name, pytest, the standard library, or a foreign package."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from agent.program.syntax import find_modules, is_standard_import

RAISES = "_raises"  # what pytest.raises is called after `Imports.resolve`
_PYTEST = {"approx": "_approx", "raises": RAISES}
_ELSEWHERE = {  # packages that cannot be the program under test
    "numpy", "pandas", "scipy", "torch", "tensorflow", "sklearn", "sympy", "networkx", "matplotlib", "requests",
    "hypothesis", "parameterized", "nose", "mock", "attr", "attrs", "pydantic", "django", "flask", "yaml", "pytest",
}  # fmt: skip


@dataclass
class Imports:
    """The meaning of each name that an import statement binds."""

    modules: set[str] = field(default_factory=set)  # modules whose attributes are the program's names
    renamed: dict[str, str] = field(default_factory=dict)  # to names of the program or of judge_guest.py
    foreign: dict[str, str] = field(default_factory=dict)  # names of foreign packages, and their package

    def resolve(self, tree: ast.Module) -> ast.Module:
        """Replace imported names by the names that the program, or the judge's process, has for the same thing."""
        resolved: ast.Module = _Resolver(self).visit(tree)
        return ast.fix_missing_locations(resolved)


def read_imports(nodes: Iterable[ast.AST], program: Collection[str] = ()) -> Imports:
    """Return what the import statements among these nodes bind.

    program: the names that the program defines, if they are known. A module outside of the standard library counts as
    the program if one of these names is imported from it, or if no name is known.
    """
    imported = Imports()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_standard_import(node):
            _take_in(imported, node, program)
    return imported


def _take_in(imports: Imports, node: ast.Import | ast.ImportFrom, program: Collection[str]) -> None:
    module = ", ".join(sorted(find_modules(node)))
    for alias in node.names:
        bound = alias.asname or alias.name.split(".")[0]
        if isinstance(node, ast.Import):
            if find_modules(node) & _ELSEWHERE:
                imports.foreign[bound] = bound if alias.asname is None else alias.name
            else:
                imports.modules.add(bound)
        elif module == "pytest" and alias.name in _PYTEST:
            imports.renamed[bound] = _PYTEST[alias.name]
        elif module in _ELSEWHERE or (program and alias.name not in program and alias.name != "*"):
            imports.foreign[bound] = module or "."
        elif bound != alias.name:
            imports.renamed[bound] = alias.name


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
