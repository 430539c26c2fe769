"""What a run may use, and a model and a sandbox that refuse to be used beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from agent.errors import UsageError
from agent.files.access import quoted
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, Sandbox

if TYPE_CHECKING:  # budgets are read and refused before torch is imported
    from torch import Tensor

    from agent.lm.base import Batch, Prefix, TextLM
    from agent.lm.text import TextStream


class BudgetSpentError(Exception):
    """The next forward or run would exceed the budget. args: which part of it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may use of each; None is no bound."""

    programs: int | None = 20  # that are run
    tokens: int | None = None
    forwards: int | None = None
    runs: int | None = None  # of the sandbox
    seconds: float | None = None


def budget_from(text: str, budget: Budget | None = None) -> Budget:
    """Read a budget as in "programs=20,tokens=2000,seconds=30"; what it does not name is as in `budget`."""
    kinds = {part.name: float if part.name == "seconds" else int for part in fields(Budget)}
    bounds: dict[str, int | float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = part.partition("=")
        if name in bounds:
            raise UsageError(f"the budget names {name} twice, the second time as {quoted(part)}; name it once")
        try:
            bounds[name] = kinds[name](amount)
        except (KeyError, ValueError, OverflowError):
            raise _unreadable(part) from None
        if not 0 < bounds[name] < float("inf"):
            raise _unreadable(part)
    if not bounds:
        raise _unreadable(text)
    return replace(budget or Budget(), **bounds)  # type: ignore[arg-type]  # names and types were checked above


def _unreadable(part: str) -> UsageError:
    names = ", ".join(part.name for part in fields(Budget))
    came = f"the budget {quoted(part)} came"
    return UsageError(f"{came}; wanted positive numbers of {names}, as in tokens=2000,seconds=30")


class Metered:
    """A model that raises BudgetSpentError before a forward that the budget does not have.

    Where rows go one by one a batched forward counts once a row; so a batch is begun only with a forward left for each.
    """

    def __init__(self, lm: TextLM, forwards: int | None, deadline: float | None, clock: Callable[[], float]) -> None:
        self._lm, self._deadline, self._clock = lm, deadline, clock
        self._most = None if forwards is None else lm.forwards + forwards

    @property
    def forwards(self) -> int:
        """Model calls."""
        return self._lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed, over all rows."""
        return self._lm.token_rows

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and completion."""
        return self._lm.context

    @property
    def end_ids(self) -> frozenset[int]:
        """Token ids that end a text."""
        return self._lm.end_ids

    @property
    def chats(self) -> bool:
        """Whether the model expects turns of a conversation."""
        return self._lm.chats

    def encode(self, text: str, *, chat: bool = False, continues: bool = False) -> list[int]:
        """Token ids of a text."""
        return self._lm.encode(text, chat=chat, continues=continues)

    def stream_after(self, prompt_ids: list[int]) -> TextStream | None:
        """Text of tokens that follow a prompt."""
        return self._lm.stream_after(prompt_ids)

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids."""
        self._check()
        return self._lm.prefill(ids)

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        if tokens:
            self._check()
        return self._lm.extend(prefix, tokens)

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix."""
        self._check(len(tokens))
        return _MeteredBatch(self._lm.branch(prefix, tokens), len(tokens), self._check)

    def trail(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens that may prove wrong."""
        self._check(len(tokens))
        return self._lm.trail(prefix, tokens)

    def _check(self, forwards: int = 1) -> None:
        if self._most is not None and self._lm.forwards + forwards > self._most:
            raise BudgetSpentError("forwards")
        if self._deadline is not None and self._clock() >= self._deadline:
            raise BudgetSpentError("seconds")


@dataclass(frozen=True, slots=True)
class _MeteredBatch:
    batch: Batch
    rows: int
    check: Callable[[int], None]

    @property
    def logits(self) -> Tensor:
        return self.batch.logits

    @property
    def depth(self) -> int:
        return self.batch.depth

    def advance(self, tokens: Sequence[int]) -> Batch:
        self.check(self.rows)
        return replace(self, batch=self.batch.advance(tokens))

    def select(self, row: int, drop: int = 0) -> Prefix:
        return self.batch.select(row, drop)


@dataclass(slots=True)
class MeteredSandbox:
    """A sandbox that raises BudgetSpentError before a run that the budget does not have, and ends runs in time."""

    sandbox: Sandbox
    left: int | None
    deadline: float | None
    clock: Callable[[], float]
    runs: int = 0

    def run(
        self, program: str, *, calls: Sequence[Call | Expression] = (), stdin: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> Execution:
        """Execute the program, then the calls; see Sandbox.run."""
        if self.left is not None and self.runs >= self.left:
            raise BudgetSpentError("runs")
        if self.deadline is not None:
            seconds = self.deadline - self.clock()
            if seconds <= 0:
                raise BudgetSpentError("seconds")
            limits = replace(limits, wall_seconds=min(limits.wall_seconds, seconds))
        self.runs += 1
        return self.sandbox.run(program, calls=calls, stdin=stdin, limits=limits)

    def close(self) -> None:
        """Close the sandbox."""
        self.sandbox.close()
