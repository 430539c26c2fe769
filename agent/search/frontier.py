"""The pause tree: attempts are its leaves, ways not taken its frontier. Says what to try next; decodes nothing.

Everything follows from the attempts, in their order: so a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from agent.errors import ProfileError
from agent.profile import ModelProfile, ReliabilityCurve
from agent.program.ends import END_OF_BLOCK
from agent.records import Attempt, Cost, label_of
from agent.search.budget import Budget
from agent.search.orders import BRANCH, ONWARD, ORDERS, REPAIR, Edge, features, said_by

if TYPE_CHECKING:  # plans are read and refused before torch is imported
    from torch import Tensor

ENOUGH_EXAMPLES = 2  # that a program passed, and nothing more is asked of it
ENOUGH_SHARE = 0.8  # of a cluster, where examples are fewer
WORTH_OF_REPAIR = -4.0  # nats, as a path; set on the calibration split, where earlier ones cost more
TRIES = 3  # attempts for each program of a budget, at most
CLOSE = 0.2  # shares of two clusters that differ by less are close


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How a run searches: within what, in which order, and when it has enough."""

    budget: Budget = field(default_factory=Budget)
    order: str = "probability"  # a key of ORDERS
    weights: dict[str, float] = field(default_factory=dict)  # of the learned order
    branches: bool = True  # go back to forks
    repair_after: int = 5  # failed programs of a prompt before a repair is among its edges; 0 for never
    votes: int = 5  # programs that must run before one is believed that passed fewer than two examples
    prune: bool = True  # drop branches that cannot become Python, or duplicate a failed program
    lines: bool = False  # find the lines that a failing example ran, whether the order looks at them or not
    mutants: int = 12  # of an answer that passed its examples, to see what these leave open
    questions: int = 0  # to ask a person about programs that behave differently
    trust: ReliabilityCurve | None = None  # the probability of being right, where it was learned
    min_probability: float = 0.0  # abstain below it

    def record(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)


def config_of(record: dict[str, Any]) -> SearchConfig:
    """Return the plan that a record holds."""
    trust = ReliabilityCurve(**record["trust"]) if record["trust"] else None
    return SearchConfig(**{**record, "budget": Budget(**record["budget"]), "trust": trust})


def with_profile(config: SearchConfig, profile: ModelProfile) -> SearchConfig:
    """Return the configuration with the learned numbers that it uses. Raises ProfileError where these are missing."""
    weights, trust = profile.edge_weights or config.weights, profile.reliability or config.trust
    if config.order == "learned" and not weights:
        raise ProfileError("the order learned needs edge weights, which were not learned for this model")
    if config.min_probability > 0 and not trust:
        raise ProfileError("a minimum probability needs a reliability curve, which was not learned for this model")
    return replace(config, weights=weights if config.order == "learned" else {}, trust=trust)


def frontier(attempts: Sequence[Attempt], config: SearchConfig) -> list[Edge]:
    """Return every way not taken yet: other candidates of the forks that decoding met, repairs, and answers read on."""
    places = {(attempt.prompt, fork["position"]) for attempt in attempts for fork in attempt.forks}
    taken = {
        (prompt, tuple(attempt.tokens[: position + 1]))
        for prompt, position in places
        for attempt in attempts
        if attempt.prompt == prompt and position < len(attempt.tokens)
    }
    edges: dict[tuple[int, tuple[int, ...]], Edge] = {}
    for number, attempt in enumerate(attempts):
        prior = attempt.edge.get("prior", 0.0)
        for fork in attempt.forks if config.branches else ():
            position = fork["position"]
            path = prior + sum(attempt.logprobs[:position])
            for candidate in fork["candidates"]:
                key = (attempt.prompt, (*attempt.tokens[:position], candidate["token"]))
                if key not in taken and key not in edges:
                    edges[key] = Edge(
                        BRANCH, number, prior, path + candidate["logprob"], position, candidate["token"],
                        candidate["logprob"], candidate["score"], candidate["text"], fork["entropy"],
                        fork["logprob"] - candidate["logprob"], fork.get("line", 0), label_of(attempt),
                    )  # fmt: skip
    return [*edges.values(), *_repairs(attempts, config), *_onward(attempts)]


def best_edge(attempts: Sequence[Attempt], config: SearchConfig) -> Edge | None:
    """Return the edge that the plan's order puts first; of equals the one found first. None where none is left."""
    edges, order, said = frontier(attempts, config), ORDERS[config.order], said_by(attempts)
    return max(edges, key=lambda edge: order(features(edge, attempts, said), config.weights), default=None)


def settled(attempts: Sequence[Attempt], config: SearchConfig, share: float) -> bool:
    """Whether a program is there that needs nothing more.

    share: of the most probable cluster, among programs that passed, by their probability in the model.
    """
    passed = [number for number, attempt in enumerate(attempts) if attempt.passed]
    if not passed:
        return False
    if not any(attempts[number].behaviour for number in passed):  # there is nothing to compare them on
        return True
    if max(attempts[number].checked for number in passed) >= ENOUGH_EXAMPLES:
        return True
    votes = sum(attempts[number].ran for number in passed)
    if len(attempts) - passed[0] > 2 * config.votes:  # most of what came since is the same again
        return True
    return votes >= config.votes and (share >= ENOUGH_SHARE or votes >= 2 * config.votes)


def goes_on(attempts: Sequence[Attempt], config: SearchConfig, cost: Cost, share: float) -> bool:
    """Whether another attempt is made."""
    if settled(attempts, config, share) or spent_by(config.budget, attempts, cost):
        return False
    return bool(frontier(attempts, config))


def spent_by(budget: Budget, attempts: Sequence[Attempt], cost: Cost) -> str | None:
    """Say which part of the budget is used up, as in "20 of 20 programs"; None while there is some left of each.

    Programs are those that were run. Branches that were dropped, and duplicates, cost what they cost; no more than
    TRIES of them come on a program, so that a search ends where everything leads to the same.
    """
    programs = sum(attempt.ran for attempt in attempts)
    used = {"programs": programs, "tokens": cost.tokens, "forwards": cost.forwards, "runs": cost.sandbox_runs}
    for name, amount in {**used, "seconds": cost.seconds}.items():
        bound = getattr(budget, name)
        cut = attempts and attempts[-1].end == f"{name} budget" and name != "tokens"  # too few for another forward
        if bound is not None and (amount >= bound or cut):
            return f"{amount:.2f} of {bound:g} seconds" if name == "seconds" else f"{amount} of {bound} {name}"
    if budget.programs is not None and len(attempts) >= TRIES * budget.programs:
        return f"{len(attempts)} of {TRIES * budget.programs} attempts"
    return None


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
    others[range(len(tokens)), list(tokens)] = -math.inf
    best = others.flatten().topk(min(count, others.numel() - len(tokens))).indices.tolist()
    return [divmod(index, others.shape[-1]) for index in best]


def _repairs(attempts: Sequence[Attempt], config: SearchConfig) -> list[Edge]:
    """Return a repair of each program that failed by running, once enough have failed since the last repair."""
    if not config.repair_after:
        return []
    repaired = {attempt.edge["parent"] for attempt in attempts if attempt.edge.get("kind") == REPAIR}
    found = []
    for number, attempt in enumerate(attempts):
        alike = [n for n, other in enumerate(attempts) if other.prompt == attempt.prompt]
        fails = [n for n in alike if attempts[n].ran and not attempts[n].passed]
        ready = len(fails) >= config.repair_after * (1 + sum(n in repaired for n in fails))
        if attempt.failures and attempt.ran and number not in repaired and ready:
            prior = attempt.edge.get("prior", 0.0) + WORTH_OF_REPAIR
            found.append(Edge(REPAIR, number, prior, prior, leaves=label_of(attempt)))
    return found


def _onward(attempts: Sequence[Attempt]) -> list[Edge]:
    """Return the answers worth reading on: a code block ended them, its program failed, and it may have been a draft.

    Once reading on brought nothing new for a prompt, its other answers are not read on either.
    """
    read_on = [attempt for attempt in attempts if attempt.edge.get("kind") == ONWARD]
    parents = {each.edge["parent"] for each in read_on}
    idle = {each.prompt for each in read_on if not each.ran and each.end != END_OF_BLOCK}
    failed = [
        number
        for number, attempt in enumerate(attempts)
        if attempt.end == END_OF_BLOCK and not attempt.passed and (attempt.ran or attempt in read_on)
    ]
    return [
        Edge(ONWARD, number, prior, prior + sum(each.logprobs), len(each.tokens), leaves=label_of(each))
        for number, each in ((number, attempts[number]) for number in failed)
        for prior in (each.edge.get("prior", 0.0),)
        if number not in parents and each.prompt not in idle
    ]
