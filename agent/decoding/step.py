"""Records of decoding: the completion so far, the step that extended it, the pause behind a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.lm.base import TextStream


@dataclass(frozen=True, slots=True)
class Completion:
    """The tokens generated so far and their text. A value: appending makes a new one."""

    tokens: tuple[int, ...] = ()
    text: str = ""
    stream: TextStream | None = None  # None for ids alone: the text stays empty
    last_start: int = 0  # the character of the text at which the last token begins

    def append(self, token: int) -> Completion:
        """Return the completion with one more token."""
        if self.stream is None:
            return Completion((*self.tokens, token))
        stream, piece = self.stream.feed(token)
        return Completion((*self.tokens, token), self.text + piece, stream, len(self.text))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One token that was considered at a pause."""

    token: int
    logprob: float  # nats, at most 0, of the token alone
    score: float  # what the resolver ranked by; higher is better
    text: str = ""  # the token, and its rollout if it had one


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause: its reason, the candidates considered, and the cost."""

    reason: str  # the gate's, as in "entropy 1.73 >= 1.00"
    resolver: str
    candidates: tuple[Candidate, ...]  # by falling probability
    chosen: int  # token
    forwards: int
    token_rows: int


@dataclass(frozen=True, slots=True)
class Step:
    """One committed token. The terminal, the trace, the graph and the benchmarks iterate over steps."""

    token: int
    text: str  # the characters that this token completes; empty inside a character
    logprob: float  # nats, at most 0, under the model's own distribution; 0 for a token that a person wrote
    scores: dict[str, float] = field(default_factory=dict)  # the scores of its distribution; higher is more uncertain
    pause: Pause | None = None
    end: str | None = None  # the stop rule's reason, if decoding ended with this step
    others: tuple[Candidate, ...] = ()  # alternatives for a search to return to, by falling probability
