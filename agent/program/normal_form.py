"""Compare programs by what they do, whatever their layout and names; find prefixes that cannot become a program."""

from __future__ import annotations

import ast
import codeop
import symtable
from collections.abc import Iterator
from functools import lru_cache

from agent.program.syntax import LOOKS_AT_NAMES, ignore_warnings, parse

_OPEN = "__open_block__"  # a name that no program has: it fills a block that has not ended
_NUMBERED = "_local_"


@lru_cache(maxsize=4096)
def normal_form(source: str, *, any_name: bool = False) -> str:
    """Return a text that is equal for programs that differ only in layout, comments, docstrings or local variables.

    any_name: names of functions, parameters and global variables do not count either. Equal texts mean equal behaviour,
    except for code that looks at source or frames. The normal form of a text that is not Python is the text itself.
    """
    tree = parse(source)
    if tree is None:
        return source.strip()
    try:
        return ast.dump(
            tree if _looks_at_itself(tree) else _Renamer(_find_renamable(source, tree, any_name=any_name)).visit(tree)
        )
    except (RecursionError, SyntaxError, MemoryError, ValueError):
        return source.strip()


def cannot_parse(source: str) -> bool:
    """Decide whether no continuation makes these whole lines Python."""
    return find_syntax_error(source) is not None


def find_syntax_error(source: str) -> SyntaxError | None:
    """Return why no continuation makes these whole lines Python; None if some continuation may."""
    try:
        with ignore_warnings():
            codeop.compile_command(source, symbol="exec")
    except SyntaxError as error:
        return None if "no binding for nonlocal" in str(error) else error  # a later line may bind the name
    except (ValueError, OverflowError, MemoryError, RecursionError) as error:
        return SyntaxError(str(error) or "too deeply nested")
    return None


def normal_prefixes(source: str, *, any_name: bool = False) -> frozenset[str]:
    """Return the normal forms of a program's prefixes up to the end of each statement."""
    lines = source.rstrip().splitlines()
    return frozenset(
        form for end in range(1, len(lines) + 1) if (form := normal_prefix("\n".join(lines[:end]), any_name=any_name))
    )


def normal_prefix(source: str, *, any_name: bool = False) -> str | None:
    """Return the normal form of whole lines, closed as they stand; None where they end inside a statement."""
    closed = _closed(source.rstrip())
    return None if closed is None else normal_form(closed, any_name=any_name)


@lru_cache(maxsize=4096)
def _closed(source: str) -> str | None:
    """Return the lines with what their open blocks lack, so that they parse."""
    if parse(source) is not None:
        return source
    last = source.splitlines()[-1] if source else ""
    indent = last[: len(last) - len(last.lstrip())]
    deeper = f"{source}\n{indent}    {_OPEN}"
    for prefix in (deeper, source):
        if parse(prefix) is not None:
            return prefix
        margins = sorted({line[: len(line) - len(line.lstrip())] for line in source.splitlines()}, key=len)
        for margin in reversed(margins):
            if parse(closed := f"{prefix}\n{margin}finally: {_OPEN}") is not None:
                return closed
    return None


class _Renamer(ast.NodeTransformer):
    """Numbers local names by their first appearance, and drops docstrings."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names, self._numbers = names, dict[str, str]()

    def visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "arg", "name", "rest"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.alias | ast.keyword):
                setattr(node, field, self._number(name))
        if isinstance(node, ast.Nonlocal):
            node.names = [self._number(name) for name in node.names]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) and _has_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def _number(self, name: str) -> str:
        if name not in self._names:
            return name
        return self._numbers.setdefault(name, f"{_NUMBERED}{len(self._numbers)}")


def _has_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> bool:
    match node.body:
        case [ast.Expr(ast.Constant(str())), *_]:
            return True
    return False


def _looks_at_itself(tree: ast.Module) -> bool:
    """Decide whether a program may read its own names or source, or has names that normal forms use."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    special = any(name.startswith("__") and name not in ("__init__", _OPEN) for name in attributes | names)
    return special or bool((names | attributes) & LOOKS_AT_NAMES) or any(name.startswith(_NUMBERED) for name in names)


def _find_renamable(source: str, tree: ast.Module, *, any_name: bool) -> frozenset[str]:
    """Return the names that are local variables wherever they stand: no parameter, function, class or import.

    any_name: also names that the module defines, and parameters that no call names.
    """
    with ignore_warnings():
        module, *inner = _walk_tables(symtable.symtable(source, "program.py", "exec"))
    defined = {each.get_name() for each in module.get_symbols() if each.is_assigned() and not each.is_imported()}
    own = defined if any_name else set[str]()
    fixed = {each.get_name() for each in module.get_symbols()} - own
    local = set(own)
    for table in inner:
        outside = table.get_type() != "function"  # a class's names are seen as attributes
        for symbol in table.get_symbols():
            named = symbol.is_imported() or (not any_name and (symbol.is_parameter() or symbol.is_namespace()))
            seen = outside or named or (symbol.is_global() and symbol.get_name() not in own)
            (fixed if seen else local).add(symbol.get_name())
    fixed |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return frozenset(name for name in local - fixed if not name.startswith("."))


def _walk_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _walk_tables(child)
