"""The records of decoding: a completion so far, the step that made it longer, the pause behind a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.lm.base import TextStream


@dataclass(frozen=True, slots=True)
class Completion:
    """What was generated so far: tokens and the text they make. A value; appending makes a new one."""

    tokens: tuple[int, ...] = ()
    text: str = ""
    stream: TextStream | None = None  # None: ids only, the text stays empty

    def append(self, token: int) -> Completion:
        """Return the completion with one more token."""
        if self.stream is None:
            return Completion((*self.tokens, token))
        stream, piece = self.stream.feed(token)
        return Completion((*self.tokens, token), self.text + piece, stream)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token that was considered at a pause."""

    token: int
    logprob: float  # nats, at most 0, of the token alone
    score: float  # what the resolver ranked by; higher is better
    text: str = ""  # the token and, where it was rolled out, what would follow


@dataclass(frozen=True, slots=True)
class Pause:
    """Why decoding stopped to think, what it considered, and what that cost."""

    reason: str  # the gate's score and bound, as in "entropy 1.73 >= 1.00"
    resolver: str
    candidates: tuple[Candidate, ...]  # by falling probability
    chosen: int  # token
    forwards: int
    token_rows: int


@dataclass(frozen=True, slots=True)
class Step:
    """One committed token: the atom that the terminal, the trace, the graph and the benchmarks iterate over."""

    token: int
    text: str  # what became readable with this token; may be empty inside a character
    logprob: float  # nats, at most 0, under the model's own distribution
    scores: dict[str, float] = field(default_factory=dict)  # of the distribution it came from; higher is more uncertain
    pause: Pause | None = None
    end: str | None = None  # why decoding ended with this step
    others: tuple[Candidate, ...] = ()  # what was not taken, by falling probability; where a search may return
