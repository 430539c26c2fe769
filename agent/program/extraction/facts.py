"""Facts about Python source that need no run: whether it compiles, and which names it defines, reads and lacks."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from functools import lru_cache
from typing import NamedTuple

from agent.program.syntax import DEFINITIONS, does_nothing, find_bound_names, ignore_warnings, is_standard_import, parse

_KNOWN = {*dir(builtins), "__name__", "__file__", "__doc__", "__builtins__"}
IMPORTS_EVERYTHING = re.compile(r"^[ \t]*from [\w.]+ import \*", re.MULTILINE)


class SourceFacts(NamedTuple):
    """Facts about source that needs no run."""

    compiles: bool = False
    defines: frozenset[str] = frozenset()  # global names
    functions: frozenset[str] = frozenset()  # global functions and classes
    lacks: frozenset[str] = frozenset()  # names that it reads and does not define
    stubs: frozenset[str] = frozenset()  # global names without a body, or imported from another package


@lru_cache(maxsize=256)
def inspect_source(source: str) -> SourceFacts:
    """Return the facts of a source; the empty ones if it does not compile."""
    try:
        with ignore_warnings():
            compile(source, "program.py", "exec", dont_inherit=True)
            module = symtable.symtable(source, "program.py", "exec")
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return SourceFacts()
    own = {each for each in module.get_symbols() if each.is_assigned() or each.is_imported()}
    tables, used = [module], set[str]()
    defines = {each.get_name() for each in own}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            outside = symbol.is_global() or (table is module and symbol not in own)
            if outside and symbol.is_referenced():
                used.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                defines.add(symbol.get_name())
    lacks = frozenset[str]() if IMPORTS_EVERYTHING.search(source) else frozenset(used - defines - _KNOWN)
    functions = frozenset(each.get_name() for each in own if each.is_namespace())
    return SourceFacts(True, frozenset(defines), functions, lacks, _find_stubs(source))


def _find_stubs(source: str) -> frozenset[str]:
    """Return the names whose last definition at the margin does nothing, only raises, or imports from elsewhere."""
    tree, stubs = parse(source), dict[str, bool]()
    for node in tree.body if tree else []:
        body = node.body if isinstance(node, DEFINITIONS) else []
        empty = bool(body) and all(isinstance(each, ast.Raise) or does_nothing(each) for each in body)
        foreign = isinstance(node, ast.Import | ast.ImportFrom) and not is_standard_import(node)
        stubs.update(dict.fromkeys(find_bound_names(node), empty or foreign))
    return frozenset(name for name, is_stub in stubs.items() if is_stub)
