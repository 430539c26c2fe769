"""Which modules a program imports that its sandbox does not have. Believes nothing that the program says of itself."""

from __future__ import annotations

import ast
import sys

from agent.program.syntax import parsed
from sandbox import Sandbox, SandboxError

_LONGEST_PROGRAM = 1 << 16  # characters of a program that is looked through
_MOST_MODULES = 3  # modules that are looked for, of one program
_FIND_MODULE = "import importlib.util\nif importlib.util.find_spec({!r}) is None: raise ImportError"


class Modules:
    """The modules of one sandbox, each asked for once, by a program of ours."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._there = dict[str, bool]()

    def lacked_by(self, program: str) -> tuple[str, ...]:
        """Return the modules that a program imports and the sandbox lacks, if it uses them or not."""
        return tuple(name for name in _imported_modules(program) if not self._has(name))

    def _has(self, name: str) -> bool:
        if name not in self._there:
            try:
                self._there[name] = self._sandbox.run(_FIND_MODULE.format(name)).passed
            except SandboxError:
                return True
        return self._there[name]


def _imported_modules(program: str) -> list[str]:
    """Return the first modules, of other people, that a program imports."""
    tree = parsed(program) if len(program) <= _LONGEST_PROGRAM else None
    names = list[str]()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            names += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module.partition(".")[0])
    return [name for name in dict.fromkeys(names) if name not in sys.stdlib_module_names][:_MOST_MODULES]
