"""Fakes: a language model that is a table, and a sandbox whose verdicts are a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from agent.decoding import Policy, Step, decode
from agent.decoding.stops import StopRule, any_of, end_token, token_limit
from agent.lm.base import Batch, Prefix
from agent.lm.reference import RowBatch, extend_each
from agent.program.outputs import Output, OutputKind
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, Returned, Verdict


def outputs(*texts: str) -> tuple[Output, ...]:
    """Return outputs as short texts write them: "raises KeyError", or else a value."""
    return tuple(
        Output(OutputKind.EXCEPTION, text.removeprefix("raises "))
        if text.startswith("raises ")
        else Output(OutputKind.VALUE, text)
        for text in texts
    )


PROMPT = (9,)  # any one token: the table is keyed by what comes after it


@dataclass
class TableLM:
    """A model that is a table: completion so far -> probabilities of the next token. Token 0 ends a text."""

    table: Mapping[tuple[int, ...], Sequence[float]]
    default: Sequence[float]
    context: int | None = None
    forwards: int = 0
    token_rows: int = 0

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Look the ids up; they open with the one-token prompt."""
        self.forwards += 1
        self.token_rows += 1
        probabilities = torch.tensor(self.table.get(tuple(ids)[1:], self.default), dtype=torch.float64)
        return Prefix(tuple(ids), probabilities.log())

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Look up the longer ids."""
        return self.prefill((*prefix.ids, *tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Look up each row."""
        return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Look up each longer prefix, when it is asked for."""
        return extend_each(self, prefix, tokens)


class ScriptedSandbox:
    """A sandbox that runs nothing: `verdict` says what becomes of a program; expressions have the value given."""

    def __init__(
        self, verdict: Callable[[str], Verdict] = lambda program: Verdict.PASSED, *, value: object = None
    ) -> None:
        self.programs: list[str] = []
        self._verdict, self._value = verdict, value

    def run(
        self, program: str, *, calls: Sequence[Call | Expression] = (), stdin: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> Execution:
        """Note the program and answer every call alike."""
        self.programs.append(program)
        verdict = self._verdict(program)
        outcomes = tuple(Returned(self._value) for _ in calls) if verdict is Verdict.PASSED else ()
        stderr = "" if verdict is Verdict.PASSED else "NameError: name 'x' is not defined"
        return Execution(verdict, "", stderr, False, outcomes, 0.0, 0.0, 0.0, "3.11")

    def close(self) -> None:
        """Nothing was opened."""


def steps(
    policy: Policy, lm: TableLM, *, stop: StopRule | None = None, most: int = 12, seed: int = 0
) -> Iterator[Step]:
    """Decode after the one-token prompt; token 0 ends."""
    return decode(lm, PROMPT, policy, stop=stop or any_of(end_token([0]), token_limit(most)), seed=seed)


def tokens(policy: Policy, lm: TableLM, *, most: int = 12, seed: int = 0) -> list[int]:
    """Return the tokens of a decoding."""
    return [step.token for step in steps(policy, lm, most=most, seed=seed)]
