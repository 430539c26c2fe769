"""What to try after a failed program: another candidate of a pause, or a repair. Decides; decodes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agent.state import Attempt


@dataclass(frozen=True, slots=True)
class Branch:
    """A way not taken: the attempt and position of a pause, and another of its candidates."""

    attempt: Attempt
    position: int
    uncertainty: float
    token: int
    logprob: float
    score: float  # as the resolver ranked it; higher is better
    text: str

    @property
    def tokens(self) -> list[int]:
        """The completion up to the pause, and the candidate."""
        return [*self.attempt.tokens[: self.position], self.token]


def next_branch(attempts: list[Attempt]) -> Branch | None:
    """Return the best candidate not tried yet at the most doubtful pause, or None where every one was tried."""
    return max(_open(attempts), key=lambda branch: (branch.uncertainty, branch.score, branch.logprob), default=None)


def repairs_now(attempts: list[Attempt], allowed: int) -> bool:
    """Whether the next attempt is a repair: where no branch is open, and at the last of three or more."""
    return next_branch(attempts) is None or (len(attempts) >= 2 and len(attempts) == allowed - 1)


def departure(logits: Tensor, tokens: Sequence[int]) -> tuple[int, int] | None:
    """Return at which position, and with which token, to leave a completion that greedy decoding would repeat.

    It is left where another token comes nearest to being chosen. None where greedy decoding leaves it anyway.
    logits: [tokens, vocab], those before each token.
    """
    if not tokens or logits.argmax(-1).tolist() != list(tokens):
        return None
    return departures(logits, tokens, 1)[0]


def departures(logits: Tensor, tokens: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return the likeliest ways to leave a completion, as position and token, the likeliest first.

    logits: [tokens, vocab], those before each token; tokens: at least one.
    """
    others = logits.float().log_softmax(-1)
    others[torch.arange(len(tokens)), list(tokens)] = -torch.inf
    best = others.flatten().topk(min(count, others.numel() - len(tokens))).indices.tolist()
    return [divmod(index, others.shape[-1]) for index in best]


def _open(attempts: list[Attempt]) -> Iterator[Branch]:
    for attempt in attempts:
        for pause in attempt.pauses:
            for candidate in pause["candidates"]:
                at = {key: candidate[key] for key in ("token", "logprob", "score", "text")}
                branch = Branch(attempt, pause["position"], pause["uncertainty"], **at)
                if not any(_covers(tried, branch) for tried in attempts):
                    yield branch


def _covers(tried: Attempt, branch: Branch) -> bool:
    return tried.prompt == branch.attempt.prompt and tried.tokens[: branch.position + 1] == branch.tokens
