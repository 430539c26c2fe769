"""Choose among the definitions of a program the one that was asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from agent.program.syntax import DEFINITIONS


def choose_main(definitions: Sequence[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]) -> str | None:
    """Return the last of a program's definitions that is no test and no main; else the last one, if there is any."""
    tried = [each for each in definitions if not _is_test(each)]
    return next((each.name for each in reversed(tried or definitions)), None)


def _is_test(node: ast.stmt) -> bool:
    """Whether a definition is named as a test or a main, and returns no value."""
    named = isinstance(node, DEFINITIONS) and re.match(r"test|check|main$|run_tests$", node.name)
    return bool(named) and not any(isinstance(each, ast.Return) and each.value for each in ast.walk(node))
