"""Policies and strategies that only experiments run: what an idea is compared with, and ideas with a part taken out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from agent.program.syntax import is_degenerate
from agent.strategies import ALONE, BestOf, Strategy
from benchmarks.experiments.record_file import digest_prompt

if TYPE_CHECKING:  # the command line lists experiments before torch is imported
    from agent.decoding import Policy
    from agent.program.task import Task
    from agent.workflow.context import Context
    from agent.workflow.run import Result
    from agent.workflow.session import Session

_REDRAWS = 3


@dataclass(frozen=True, slots=True)
class RedrawDegenerate(Strategy):
    """Write one program, and while there is nothing in it to run, sample another. The first stands if all are empty.

    The degenerate-output guard by itself: it looks at no example.
    """

    keeps_thread: ClassVar[bool] = False

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Write a program, and three more at most."""
        from benchmarks.experiments.series import Series  # noqa: PLC0415 - torch, and a list of experiments needs none

        series = Series(_sampling(context), task, session)
        result = series.write(context)
        while is_degenerate(result.best.program) and len(series.results) <= _REDRAWS:
            result = series.sample()
        return series.join(0 if is_degenerate(result.best.program) else len(series.results) - 1)


@dataclass(frozen=True, slots=True)
class BestOfEqual(Strategy):
    """Sample programs as best-of does, on each problem for as many tokens fed as another arm spent there.

    The first program is written whole, whatever it takes. Of the others the last is cut off where the budget ends: n
    tokens of another sample feed the prompt's last token and n - 1 of its own. (A model whose cache cannot be kept
    feeds its whole prompt again, and spends more.) A problem without a budget raises KeyError.
    """

    policies: ClassVar[tuple[str, ...]] = BestOf.policies
    keeps_thread: ClassVar[bool] = False
    token_rows: Mapping[str, int] = field(repr=False)  # by the digest of the prompt

    def __call__(self, context: Context, task: Task, session: Session = ALONE) -> Result:
        """Sample until a program passes the visible examples or the tokens are spent."""
        from benchmarks.experiments.series import Series  # noqa: PLC0415 - torch, as above

        left, series = self.token_rows[digest_prompt(task.request)], Series(context, task, session)
        while not series.results or (not series.accepted and left > 0):
            room = left if series.results else context.max_tokens
            result = series.sample(min(context.max_tokens, room))
            left -= max(1, result.cost.token_rows)  # a sample whose every token was fed before costs none
        return series.choose()


def named_policy(name: str) -> Policy:
    """Return a policy of the registry, or one that only experiments run."""
    from agent.decoding import POLICIES  # noqa: PLC0415 - torch, and a list of experiments needs none
    from agent.decoding.gates import LineStartGate  # noqa: PLC0415

    if name == "adadec-line-start":
        return replace(POLICIES["adadec"], gate=LineStartGate("entropy", POLICIES["adadec"].gate.threshold))
    return POLICIES[name]


def pausing_by_chance(rate: float) -> Policy:
    """Return AdaDec with pauses at a share of all tokens, whatever the model says of them."""
    from agent.decoding.gates import RandomGate  # noqa: PLC0415 - torch, as above

    return replace(named_policy("adadec"), gate=RandomGate("entropy", math.nan, rate=rate))


def _sampling(context: Context) -> Context:
    return replace(context, policy=named_policy("sample"))
