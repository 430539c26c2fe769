"""Fill the holes of a function in an open file, with the examples that the file shows; gives up when it is told to."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

from agent.decoding import POLICIES
from agent.errors import BudgetSpentError
from agent.lm.base import Model
from agent.lm.metered import Metered
from agent.program.holes import Hole, show_holes
from agent.program.syntax import parse
from agent.workflow.context import Context
from agent.workflow.fill import fill_holes
from agent.workflow.filled import FilledHole
from sandbox import Call, Execution, Expression, Limits, Sandbox
from sandbox.base import DEFAULT_LIMITS

_MOST_TOKENS = 128  # of a filling, as of `dubito fill`


def fill_together(
    model: Model, open_sandbox: Callable[[], Sandbox], source: str, holes: Sequence[Hole], stop: Callable[[], bool]
) -> tuple[FilledHole, ...]:
    """Return fillings for holes of a file, the best first; none of them where `stop` became true.

    holes: those of the file that examples may reach together. stop: is asked before each forward. Raises
    InvalidRequestError for a model that cannot fill, and SandboxError where the file shows examples and no sandbox
    runs them.
    """
    metered = Metered(model.lm, None, sys.float_info.max, lambda: math.inf if stop() else 0.0)
    with closing(_LateSandbox(open_sandbox)) as sandbox:
        context = Context(replace(model, lm=metered), POLICIES["greedy"], sandbox, max_tokens=_MOST_TOKENS)
        try:
            return fill_holes(context, source, holes).holes
        except BudgetSpentError:
            return ()


def list_together(source: str, holes: Sequence[Hole], hole: Hole) -> list[Hole]:
    """Return the holes in the statement of the module that a hole is in."""
    tree = parse(show_holes(source, holes))
    body = tree.body if tree else []
    inside = next((each for each in body if _first_line(each) <= hole.line <= (each.end_lineno or 0)), None)
    if inside is None:
        return [hole]
    return [each for each in holes if _first_line(inside) <= each.line <= (inside.end_lineno or 0)]


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


class _LateSandbox:
    """Starts a sandbox when the first program is run: a file without examples needs none."""

    def __init__(self, start: Callable[[], Sandbox]) -> None:
        self._start = start
        self._sandbox: Sandbox | None = None

    def run(
        self,
        program: str,
        *,
        calls: Sequence[Call | Expression] = (),
        stdin: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Execution:
        self._sandbox = self._sandbox or self._start()
        return self._sandbox.run(program, calls=calls, stdin=stdin, limits=limits)

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
