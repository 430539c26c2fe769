"""Find the modules that a program imports and its sandbox lacks. Runs only programs of ours, never the judged one."""

from __future__ import annotations

import ast
import sys

from agent.program.syntax import parse
from sandbox import Sandbox, SandboxError

_LONGEST_PROGRAM = 1 << 16  # characters of a program that is parsed
_MOST_MODULES = 3  # modules of one program that are looked up
_FIND_MODULE = "import importlib.util\nif importlib.util.find_spec({!r}) is None: raise ImportError"


class Modules:
    """The modules of one sandbox. A program of ours looks each one up, once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._installed = dict[str, bool]()

    def find_missing(self, program: str) -> tuple[str, ...]:
        """Return the modules that a program imports and the sandbox lacks, whether it uses them or not."""
        return tuple(name for name in _imported_modules(program) if not self._has(name))

    def _has(self, name: str) -> bool:
        if name not in self._installed:
            try:
                self._installed[name] = self._sandbox.run(_FIND_MODULE.format(name)).passed
            except SandboxError:
                return True
        return self._installed[name]


def _imported_modules(program: str) -> list[str]:
    """Return the first modules outside of Python's standard library that a program imports."""
    tree = parse(program) if len(program) <= _LONGEST_PROGRAM else None
    names = list[str]()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            names += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module.partition(".")[0])
    return [name for name in dict.fromkeys(names) if name not in sys.stdlib_module_names][:_MOST_MODULES]
