"""The records of a run: costs, prompts, edges, attempts, questions, answers. Plain values, frozen all the way down."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from agent.program.ends import PRUNED, End
from agent.program.failures import Failure
from agent.program.hole_calibration import Guarantee
from agent.program.outputs import Output
from sandbox.base import Verdict

if TYPE_CHECKING:  # requests are read and refused before torch is imported
    from agent.decoding.ask import Preview
    from agent.decoding.step import Candidate, Step


class EdgeKind(StrEnum):
    """The kinds of edges. Each is the name of the graph node that follows it."""

    BRANCH = "branch"
    REPAIR = "repair"
    READ_ON = "read_on"
    SAMPLE = "sample"


class RunOutcome(StrEnum):
    """Whether a run stands by its answer."""

    ACCEPTED = "accepted"
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run or a part of it. Adding costs adds each of their parts."""

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
class Prompt:
    """A prompt as text and as token ids."""

    text: str  # the user's turn
    ids: tuple[int, ...]  # of the whole: what the answer begins with, too
    lame_ids: tuple[int, ...] | None = None  # of USCD's weaker prompt; None where there is none
    thinking: bool = False  # the chat template has opened a thought for the model
    opening: str = ""  # the text with which the answer begins, before the completion
    forbidden_first: tuple[int, ...] = ()  # tokens with which no completion begins


@dataclass(frozen=True, slots=True)
class Fork:
    """A step at which other tokens were probable enough to come back for."""

    position: int  # in the completion, from 0
    entropy: float  # nats, of the distribution there
    logprob: float  # of the token that was taken
    candidates: tuple[Candidate, ...]  # that were not taken, by falling probability
    line: int = 0  # of the program, from 1; 0 before the program is extracted
    place: int | None = None  # the character of the program at which it stands; None outside of the program


@dataclass(frozen=True, slots=True)
class Edge:
    """A way to another attempt: another candidate at a fork, a repair, the rest of a chat answer, or a fresh sample."""

    kind: EdgeKind
    parent: int  # number of the attempt it starts from
    prior: float  # nats: what its prompt is worth against the first one
    path: float  # nats: the prior, and the logprob of all tokens up to the candidate
    position: int = 0  # of the candidate, in the completion
    token: int = -1
    logprob: float = 0.0
    score: float = 0.0  # the resolver's, of the candidate; its logprob where no resolver looked
    text: str = ""
    entropy: float = 0.0  # nats, of the distribution there
    gap: float = 0.0  # logprob of the token that was taken, less this one's
    line: int = 0  # of the parent's program, from 1
    parent_label: str = ""
    unrepeated: bool = False  # of a fresh sample: it draws nothing that was written before


@dataclass(frozen=True, slots=True)
class DraftProgram:
    """A program cut out of an answer, before it runs."""

    program: str
    partial: str  # the program with holes
    holes: tuple[tuple[int, int], ...]  # character spans of the program
    guarantee: Guarantee = field(default_factory=Guarantee)


@dataclass(frozen=True, slots=True)
class LastTrace:
    """The lines of the attempt in progress that were traced last, and the trace as its prompt shows it."""

    program: str
    text: str  # empty where they gave no trace


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The attempt in progress: what was decoded so far, and later the program in it."""

    prompt: int = 0  # number of the prompt that it answers
    edge: Edge | None = None  # that it began with; None for the first attempt
    cost_before: Cost = field(default_factory=Cost)  # of the run
    tokens: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    forks: tuple[Fork, ...] = ()  # of its own part
    end: str | None = None  # why decoding ended
    draft: DraftProgram | None = None
    trace: LastTrace | None = None  # for a policy that reads traces
    preview: Preview | None = None  # of the pause at which a person is asked next


@dataclass(frozen=True, slots=True)
class Attempt:
    """A leaf of the pause tree: one finished program, how it was decoded, and its verdict."""

    prompt: int  # number of the prompt that it answers
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    forks: tuple[Fork, ...]  # of its own part
    end: str
    program: str
    partial: str  # the program with holes
    holes: tuple[tuple[int, int], ...]  # character spans of the program
    verdict: Verdict
    checked: int = 0  # examples that were judged
    failures: tuple[Failure, ...] = ()
    edge: Edge | None = None  # that it began with; None for the first attempt
    cost: Cost = field(default_factory=Cost)  # of this attempt alone
    duplicate_of: int | None = None  # an earlier attempt, equal but for names and layout; this one did not run
    behaviour: tuple[Output, ...] | None = None  # what it returns for the run's inputs; None where it was not asked
    cases: tuple[bool, ...] = ()  # which of the model's own test cases it passes; empty where none ran
    blamed: tuple[int, ...] = ()  # lines of the program that its failure points at
    number: int = 0  # its place among the attempts, from 0
    depth: int = 0  # edges from the first attempt to this one
    guarantee: Guarantee = field(default_factory=Guarantee)  # of its holes
    label: str = ""  # for a person; "2.1" is the first that did not run after the second that did
    duplicate_label: str = ""  # label of the attempt it duplicates

    @property
    def ran(self) -> bool:
        """Whether it is a program of its own: not dropped half-written, and no duplicate."""
        return self.duplicate_of is None and self.end not in PRUNED

    @property
    def passed(self) -> bool:
        """Whether no visible example failed, and the program itself did not."""
        return self.verdict == Verdict.PASSED

    @property
    def prior(self) -> float:
        """The worth of its prompt against the first one, in nats."""
        return self.edge.prior if self.edge else 0.0

    @property
    def is_separate(self) -> bool:
        """Whether it was written anew, and what earlier attempts had written did not matter."""
        drawn = self.edge is None or (self.edge.kind == EdgeKind.SAMPLE and not self.edge.unrepeated)
        return drawn and self.end != End.BEAM

    def came_by(self, *kinds: EdgeKind) -> bool:
        """Whether it began with an edge of one of these kinds."""
        return self.edge is not None and self.edge.kind in kinds


def label_of(attempt: Attempt) -> str:
    """Return what a person calls an attempt."""
    return attempt.label or str(attempt.number + 1)


@dataclass(frozen=True, slots=True)
class Revision:
    """The next try after an attempt."""

    kind: EdgeKind  # of the edge
    detail: str  # one line for a person
    text: str = ""  # what the next attempt keeps of the completion
    parent: int = 0  # number of the attempt that it starts from


@dataclass(frozen=True, slots=True)
class CandidateQuestion:
    """Asks a person for the next token of a completion. The reply is a candidate's number, from 0, or a text."""

    text: str  # the answer so far
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class OutputQuestion:
    """Asks a person what a call should give. The reply is an output's number, from 0, or another value as text."""

    call: str
    outputs: tuple[Output, ...]  # what programs that passed give for it


Question: TypeAlias = CandidateQuestion | OutputQuestion


@dataclass(frozen=True, slots=True)
class PersonReply:
    """The reply to a question of the run: a number, from 0, or a text."""

    question: Question
    reply: int | str


@dataclass(frozen=True, slots=True)
class PersonExample:
    """An example that a person gave during the run."""

    input_number: int  # among the inputs of the run, from 0
    call: str
    wanted: Output


@dataclass(frozen=True, slots=True)
class Undecided:
    """A mutant of the answer that passes the examples, too."""

    weight: float  # nats: logprob of its token, less that of the answer's
    line: int  # the first that differs, from 1
    text: str  # of that line


@dataclass(frozen=True, slots=True)
class Difference:
    """An input on which the answer and its rival differ, and what each gives for it."""

    input: str
    answer: Output
    rival: Output


@dataclass(frozen=True, slots=True)
class Breakage:
    """The exceptions with which a program breaks on made-up inputs."""

    exceptions: tuple[str, ...]  # classes, sorted
    broken: int  # inputs that raise one of them
    inputs: int


@dataclass(frozen=True, slots=True)
class Spent:
    """The part of a budget that is used up."""

    part: str  # a field of Budget, or "attempts"
    used: float
    bound: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The attempt that stands for the run, and the evidence for it beyond the visible examples."""

    attempt: int
    breakage: Breakage | None = None  # on made-up inputs, where no example was checked
    probability: float | None = None  # of being right; None where nothing was learned for this model
    enough: float = 0.0  # the least such probability at which passed examples verify the answer
    share: float = 1.0  # of its cluster, among programs that passed, by their probability under the model
    margin: float = 1.0  # to the next cluster's share
    clusters: int = 1
    programs: int = 1  # that passed
    functional_entropy: float = 0.0  # nats
    draws: int = 0  # independent draws of one distribution, among all attempts
    error_at_least: float | None = None  # how likely such a draw is wrong; None where there are too few
    rival: int | None = None  # the attempt that stands for the next cluster, where it is close
    differs: Difference | None = None  # from the rival
    ended_by: Spent | None = None  # what used up the budget; None where the search had enough
    mutants: int = 0  # programs of one other token that the examples were run on
    undecided: tuple[Undecided, ...] = ()  # mutants that passed, likeliest first
    suspect: str | None = None  # the example that the best programs all fail, where none passed: it may be wrong
    separate: int = 0  # programs written anew, each from the first prompt
    alike: int = 0  # of these, that passed and behave as the answer does
    cases: int = 0  # test cases that the model itself proposed, where no example was given
    cases_passed: int = 0  # of them, by the answer


Event: TypeAlias = "Step | Attempt | Revision | Answer | PersonReply"  # what the workflow emits while it runs
