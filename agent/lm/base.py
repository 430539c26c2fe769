"""A language model as a function of token ids, and a tokenizer beside it: protocols and values. Computes nothing.

`lm.prefill(ids)` gives a `Prefix`. Extending or branching it makes new prefixes and never changes the old one.
So going back to a pause, catching up a second prompt and resuming after a crash are all just `prefill`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from agent.lm.fim import FimTokens
from agent.program.styles import PROMPT_STYLES, PromptStyle
from uncertainty.scores import Summary


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Token ids, the logits that follow them, and the model's own cache for them. Nothing ever changes it."""

    ids: tuple[int, ...]
    logits: Tensor  # [vocab], raw, at least float32
    cache: Any = None  # opaque: only the LM that made it looks inside
    summary: Summary | None = None  # of the logits, if the backend makes one


class Batch(Protocol):
    """Rows of equal length that grow together, one token each a forward: the rollouts of one lookahead."""

    @property
    def logits(self) -> Tensor:
        """Logits after each row. [rows, vocab]."""
        ...

    @property
    def summaries(self) -> Sequence[Summary] | None:
        """Return summaries of the logits after each row, if the backend makes any."""
        ...

    @property
    def depth(self) -> int:
        """Tokens in each row since the branch, its first included."""
        ...

    def advance(self, tokens: Sequence[int]) -> Batch:
        """Append one token to each row, in one forward. This batch stays unchanged."""
        ...

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row without its last `drop` tokens (fewer than were advanced), as a prefix. No forward."""
        ...


class LM(Protocol):
    """A language model as a function of token ids. Counters only grow; whoever wants a cost takes a difference."""

    @property
    def context(self) -> int | None:
        """The most tokens that prompt and completion may have together; None without a bound."""
        ...

    @property
    def forwards(self) -> int:
        """Model calls so far."""
        ...

    @property
    def token_rows(self) -> int:
        """Tokens fed so far, summed over rows: the work inside those calls."""
        ...

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids, from the longest stored. Raises InvalidRequestError, ContextLengthError."""
        ...

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward; no tokens, no forward."""
        ...

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix: k alternatives that grow together, one forward."""
        ...

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append draft tokens, in one forward where the cache can be cropped; return the prefix after each."""
        ...


class Usage(NamedTuple):
    """A model's counters, or the difference of two readings."""

    forwards: int
    token_rows: int

    @classmethod
    def read(cls, lm: LM) -> Usage:
        """Read the counters of a model."""
        return cls(lm.forwards, lm.token_rows)

    def since(self, start: Usage) -> Usage:
        """Return what was used since an earlier reading."""
        return Usage(self.forwards - start.forwards, self.token_rows - start.token_rows)


class TextStream(Protocol):
    """Text of tokens that arrive one by one, as a value."""

    def feed(self, token: int) -> tuple[TextStream, str]:
        """Return the stream after `token`, and the text that became complete with it: often all, maybe none."""
        ...


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str  # system, user or assistant
    content: str


class Tokenizer(Protocol):
    """Text to token ids and back."""

    @property
    def end_ids(self) -> frozenset[int]:
        """Token ids that end a text."""
        ...

    @property
    def fim(self) -> FimTokens | None:
        """Marks of a fill-in-the-middle prompt; None where the model has none."""
        ...

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the token ids of a text, or of what `continues` an earlier text. Raises ModelLoadError."""
        ...

    def chat(self, request: str, *, system: str | None = None, opening: str = "") -> list[int]:
        """Return the token ids of a chat with this request, and of the text with which its answer begins.

        system: the system prompt; None for the template's own. Raises ModelLoadError without a template.
        """
        ...

    def converse(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of a conversation, up to the start of its next answer. Raises ModelLoadError."""
        ...

    def find_tokens(self, beginning: str) -> frozenset[int]:
        """Return the tokens whose text, without blanks before it, begins so."""
        ...

    def stream(self, prompt_ids: Sequence[int]) -> TextStream:
        """Return the text stream of what follows a prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """An opened model: its two functions, and plain facts about it."""

    lm: LM
    tokenizer: Tokenizer
    name: str  # the name that was asked for
    digest: str = ""  # a digest of the weights in a local folder; empty for a model of the hub
    revision: str | None = None  # commit of a hub's repository
    device: str = "cpu"
    dtype: str = "float32"  # of the weights: torch's name, or int8
    prompt_style: PromptStyle = PROMPT_STYLES["completion"]

    def encode_prompt(self, user: str, opening: str = "") -> list[int]:
        """Return the token ids of a prompt in the model's style: the user's turn, and how the answer begins.

        Raises ModelLoadError.
        """
        style = self.prompt_style
        if not style.chat:
            return self.tokenizer.encode(user + opening)
        return self.tokenizer.chat(user, system=style.system, opening=opening)


class OffsetIds(NamedTuple):
    """Token ids of a text, and the character of the text at which each begins."""

    ids: list[int]
    starts: list[int]


@runtime_checkable
class OffsetTokenizer(Protocol):
    """A tokenizer that knows where its tokens begin. Not every backend has one."""

    def encode_with_offsets(self, text: str, *, continues: bool = False) -> OffsetIds:
        """Encode a text, or what `continues` one. Raises ModelLoadError where the tokenizer cannot tell offsets."""
        ...


class ScoredTokens(NamedTuple):
    """The prefix that ends with some tokens, and the logits before each of them."""

    prefix: Prefix
    logits: Tensor  # [tokens, vocab]


@runtime_checkable
class Scorer(Protocol):
    """A model that reads a whole text at once. Not every backend has one."""

    def score_tokens(self, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """Return the logits before each of the tokens that follow a prompt: [len(tokens), vocab]."""
        ...

    def score_on(self, prefix: Prefix, tokens: Sequence[int]) -> ScoredTokens:
        """Append tokens in one forward; return the prefix after them, and the logits before each."""
        ...


@runtime_checkable
class JointLM(LM, Protocol):
    """A model that answers the feeds of many tasks in one forward. Not every backend has one.

    A feed is what a task asks of the model at once; what is in it, the backend alone knows.
    """

    def takes_joint_feeds(self) -> bool:
        """Decide whether each feed of a joint forward gets the numbers that it gets alone, but for rounding."""
        ...

    def count_joint_tasks(self, tokens: int) -> int:
        """Return how many tasks, each a text of so many tokens, are best decoded together here."""
        ...

    def run_joint(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """Return the answer to each feed."""
        ...

    def beside(self, run: Callable[[Any], Any] | None = None) -> LM:
        """Return the model of one of many tasks: the same weights, with counters and a store of its own.

        run: answers its feeds; None for each in a forward of its own.
        """
        ...


@runtime_checkable
class BeamSearcher(Protocol):
    """A model with a beam search of its own. Not every backend has one."""

    def beam_search(
        self,
        prompt: Sequence[int],
        *,
        width: int,
        returned: int,
        max_tokens: int,
        end_ids: frozenset[int],
        forbidden_first: Sequence[int] = (),
    ) -> list[list[int]]:
        """Return the best beams, best first, each up to and including its end token.

        forbidden_first: tokens with which no beam may begin.
        """
        ...
