"""Choose among kinds of edges: to go deeper by a branch, or wider by a fresh sample or a repair. Decodes nothing.

Each rule gets the kinds that the frontier has, and what was spent on each so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.records import Attempt, EdgeKind


@dataclass(frozen=True, slots=True)
class Odds:
    """What is known of a kind of edges before a problem is begun: a Beta distribution, and a price."""

    solved: float  # pseudo-count of edges that led to a program that passed
    failed: float  # pseudo-count of the others
    tokens: float  # that one edge costs, in programs


# Fitted to searches with the half-billion model over 164 and 256 problems, when a fresh sample was a whole program.
# Others near them do as well (docs/LOG.md).
ODDS: dict[str, Odds] = {
    EdgeKind.BRANCH: Odds(0.3, 1.0, 0.6),
    EdgeKind.SAMPLE: Odds(1.5, 4.0, 1.1),
    EdgeKind.REPAIR: Odds(0.05, 1.95, 0.7),
    EdgeKind.READ_ON: Odds(0.01, 1.99, 0.5),
}

KindRule = Callable[[Sequence[EdgeKind], Sequence[Attempt]], EdgeKind]


def choose_paying_kind(kinds: Sequence[EdgeKind], attempts: Sequence[Attempt]) -> EdgeKind:
    """Choose the kind with the best odds for its tokens, given how often it has failed on this problem.

    Where a program passed that no example checked, programs written anew are wanted, to see whether they agree. Else
    the mean of a Beta distribution decides, where AB-MCTS (arXiv:2503.04412) draws from it: a run is to be repeatable.
    Only failures are counted. After a success the search is over, or looks for programs that behave differently.
    """

    def worth(kind: EdgeKind) -> float:
        odds = ODDS[kind]
        failed = sum(each.came_by(kind) and not each.passed for each in attempts)
        return odds.solved / (odds.solved + odds.failed + failed) / odds.tokens

    passed = [each for each in attempts if each.passed]
    if passed and not any(each.checked for each in passed) and EdgeKind.SAMPLE in kinds:
        return EdgeKind.SAMPLE
    return max(kinds, key=worth)


def choose_cheapest_kind(kinds: Sequence[EdgeKind], attempts: Sequence[Attempt]) -> EdgeKind:
    """Choose the kind for which the fewest tokens were spent so far, so that each gets an equal part.

    Reading on comes last: on a real model it only repeated programs (docs/LOG.md).
    """
    sharing = [kind for kind in kinds if kind != EdgeKind.READ_ON] or kinds

    def spent(kind: EdgeKind) -> int:
        return sum(each.cost.tokens for each in attempts if each.came_by(kind))

    return min(sharing, key=spent)


KIND_RULES: dict[str, KindRule] = {"paying": choose_paying_kind, "equal": choose_cheapest_kind}
