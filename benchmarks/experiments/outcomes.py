"""The outcome of one configuration on one problem, and files of outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from agent.messages import quote
from agent.program.syntax import is_degenerate
from agent.workflow.standing import Standing
from benchmarks.experiments.record_file import read_run
from sandbox import Verdict


@dataclass(frozen=True, slots=True)
class ProblemOutcome:
    """The program that one configuration wrote for one problem, how it was judged, and what it cost."""

    KIND: ClassVar[str] = "outcome"
    MADE_BY: ClassVar[str] = "bench run --out"

    task_id: str
    prompt_sha256: str
    program: str
    outcome: str  # "accepted" or "abstained", by the visible examples
    base: str  # verdicts of the hidden tests
    plus: str
    attempts: int
    tokens: int
    forwards: int
    token_rows: int
    pauses: int
    sandbox_runs: int
    seconds: float
    feedback: str = "none"  # "visible" if the examples in the prompt decided what was tried next
    probability: float | None = None  # that the program is right, as the agent states it; None if it states none
    sample: int = 0  # the number of the program among those of its problem
    standing: str = ""  # the claim that the answer makes; empty in files of earlier versions
    doubt: float | None = None  # nats: the entropies of one program, summed, over the root of their number; else None

    def __post_init__(self) -> None:
        allowed = {
            "outcome": ("accepted", "abstained"), "base": tuple(Verdict), "plus": tuple(Verdict),
            "feedback": ("none", "visible"), "standing": ("", *Standing),
        }  # fmt: skip
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {quote(getattr(self, name))}; wanted one of {', '.join(choices)}")
        if not 0.0 <= (self.probability or 0.0) <= 1.0:
            raise ValueError(f"probability is {self.probability}; wanted one from 0 to 1")
        if min(self.doubt or 0.0, self.seconds) < 0.0:
            raise ValueError("doubt or seconds is negative")

    @property
    def passed(self) -> bool:
        """The program passed every hidden test."""
        return self.base == self.plus == "passed"

    @property
    def verdict(self) -> str:
        """That of the base tests, and of the plus tests where these passed."""
        return self.base if self.base != "passed" else self.plus

    @property
    def degenerate(self) -> bool:
        """The program is no Python, or holds nothing to run."""
        return is_degenerate(self.program)


def read_outcomes(path: Path) -> list[ProblemOutcome]:
    """Read a file of outcomes. Raises InvalidRequestError for any other file."""
    return read_run(path, ProblemOutcome).records


def pause_rate(outcomes: Sequence[ProblemOutcome]) -> float:
    """Return pauses as a share of all tokens."""
    return sum(outcome.pauses for outcome in outcomes) / max(1, sum(outcome.tokens for outcome in outcomes))
