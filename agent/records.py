"""The records of a run: costs, attempts, revisions and answers. Plain values; nothing here decides or prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.program.ends import PRUNED
from agent.program.failures import Failure

if TYPE_CHECKING:
    from agent.decoding.step import Step


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent. Adding costs adds each of their parts."""

    tokens: int = 0  # committed
    forwards: int = 0
    token_rows: int = 0  # tokens fed, over all rows
    pauses: int = 0
    sandbox_runs: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})

    def __sub__(self, other: Cost) -> Cost:
        return Cost(**{part.name: getattr(self, part.name) - getattr(other, part.name) for part in fields(self)})


@dataclass(frozen=True, slots=True)
class Attempt:
    """A leaf of the pause tree: one finished program, how it was decoded, and what became of it."""

    prompt: int  # which of the state's prompts it answers
    tokens: list[int]
    logprobs: list[float]
    forks: list[dict[str, Any]]  # position, line, entropy, logprob, candidates not taken; of this attempt's own part
    end: str
    program: str
    partial: str  # the program with holes
    holes: list[tuple[int, int]]  # character spans of the program
    verdict: str = ""
    checked: int = 0
    failures: tuple[Failure, ...] = ()
    edge: dict[str, Any] = field(default_factory=dict)  # an Edge, by which it was begun; empty for the first
    cost: dict[str, Any] = field(default_factory=dict)  # a Cost, of this attempt alone
    duplicate_of: int | None = None  # the attempt of which it is a copy but for names and layout; it was not run again
    behaviour: list[str] | None = None  # what it returns for the state's inputs; None where that was not asked
    blamed: list[int] = field(default_factory=list)  # lines of the program that its failure points at
    number: int = 0  # its place among the attempts, from 0
    depth: int = 0  # ways that lead to it from the first one
    label: str = ""  # what a person calls it; "2.1" is the first that did not run behind the second that did
    duplicate_label: str = ""  # the label of the attempt it duplicates

    @property
    def ran(self) -> bool:
        """It is a program of its own: neither dropped on the way, nor a duplicate of one that was run."""
        return self.duplicate_of is None and self.end not in PRUNED

    @property
    def passed(self) -> bool:
        """No visible example failed, and the program itself did not."""
        return self.verdict == "passed"


def next_label(attempts: Sequence[Attempt], *, ran: bool) -> str:
    """Return the label of the attempt that comes next. Programs that ran are counted, as a budget of programs does."""
    programs = sum(each.ran for each in attempts)
    if ran:
        return str(programs + 1)
    behind = next((number for number, each in enumerate(reversed(attempts)) if each.ran), len(attempts))
    return f"{programs}.{behind + 1}"


def label_of(attempt: Attempt) -> str:
    """Return what a person calls an attempt."""
    return attempt.label or str(attempt.number + 1)


@dataclass(frozen=True, slots=True)
class Revision:
    """What is tried after an attempt."""

    kind: str  # of the edge: "branch", "repair" or "onward"
    detail: str  # one line for a person
    text: str = ""  # what is kept of the completion
    parent: int = 0  # the attempt it leaves


@dataclass(frozen=True, slots=True)
class Answer:
    """Which attempt stands for the run, and what speaks for it beyond the visible examples."""

    attempt: int
    breaks: str = ""  # how it does on most made-up inputs, where no example says that it is right all the same
    probability: float | None = None  # of being right; None where nothing was learned for this model
    share: float = 1.0  # of its cluster, among programs that passed, by their probability under the model
    margin: float = 1.0  # to the next cluster's share
    clusters: int = 1
    programs: int = 1  # that passed
    functional_entropy: float = 0.0  # nats
    error_at_least: float = 0.0  # of a program drawn from the model
    rival: int | None = None  # the next cluster's most probable attempt, where it is close
    differs: dict[str, str] = field(default_factory=dict)  # an input, what the answer returns for it, what the rival
    ended_by: str = ""  # the part of the budget that was used up, if one was
    mutants: int = 0  # programs of one other token that the examples were run on
    undecided: list[dict[str, Any]] = field(default_factory=list)  # those that passed, likeliest first


Event: TypeAlias = "Step | Attempt | Revision | Answer | Cost"  # what the workflow tells while it runs
