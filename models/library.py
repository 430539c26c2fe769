"""Take functions from the source of Python's standard library (PSF licence), as this interpreter ships it."""

from __future__ import annotations

import ast
import sysconfig
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

_LONGEST = 2_000  # characters of a function


@cache
def functions() -> Sequence[str]:
    """Return functions and methods of the top-level modules, unindented, in the order of module and line."""
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return list(dict.fromkeys(text for module in modules for text in _functions(module.read_text(encoding="utf-8"))))


def _functions(source: str) -> Iterator[str]:
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1:
            text = textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno]))
            if text.isascii() and len(text) <= _LONGEST:
                yield text.rstrip() + "\n"
