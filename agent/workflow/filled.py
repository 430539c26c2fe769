"""The records of a file whose holes were filled. Plain values; none decides or prints."""

from __future__ import annotations

from dataclasses import dataclass

from agent.program.failures import Failure
from agent.program.holes import Hole, put_fillings
from agent.records import Cost


@dataclass(frozen=True, slots=True)
class Filling:
    """A text for a hole, with what the model and the examples say of it."""

    text: str
    logprob: float  # nats, at most 0: of the text and its end, for a model that sees both sides of the hole
    suffix_logprob: float  # nats, at most 0: of the first lines behind the hole, for a model that has read up to there
    passed: int | None = None  # examples; None where none was run
    failure: Failure | None = None  # the first; None where all passed

    @property
    def score(self) -> float:
        """The sum of both logprobs, in nats, at most 0. Higher is better."""
        return self.logprob + self.suffix_logprob


@dataclass(frozen=True, slots=True)
class FilledHole:
    """A hole, and its fillings."""

    hole: Hole
    fillings: tuple[Filling, ...]  # different ones that fit, the best first
    drawn: int  # texts that the model wrote
    tokens: int  # of these texts
    first_line: int  # of the file's lines that the model saw, from 1
    last_line: int
    examples: int = 0  # that the program around the hole was run on

    @property
    def best(self) -> Filling | None:
        """The filling that stands for the hole."""
        return self.fillings[0] if self.fillings else None

    @property
    def is_settled(self) -> bool:
        """It has a filling, and the best one fails no example."""
        return self.best is not None and self.best.failure is None


@dataclass(frozen=True, slots=True)
class FilledFile:
    """A file, its holes and what it cost to fill them."""

    source: str
    holes: tuple[FilledHole, ...]
    cost: Cost

    @property
    def program(self) -> str:
        """The file's text with the best filling in each hole that has one."""
        return put_fillings(self.source, self.fillings)

    @property
    def fillings(self) -> dict[Hole, str]:
        """The text of the best filling of each hole that has one."""
        return {each.hole: each.best.text for each in self.holes if each.best}

    @property
    def fails(self) -> bool:
        """The best filling of some hole fails an example."""
        return any(each.best is not None and each.best.failure is not None for each in self.holes)

    @property
    def is_settled(self) -> bool:
        """Each hole has a filling, and no example fails."""
        return all(each.is_settled for each in self.holes)
