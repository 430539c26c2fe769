"""The pause tree: attempts are its leaves, edges not followed yet its frontier. Chooses the next edge; decodes nothing.

Everything follows from the attempts, in their order. So a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.errors import ProfileError
from agent.profile import ModelProfile, ReliabilityCurve
from agent.program.ends import BUDGET_ENDS, PRUNED, End
from agent.records import Attempt, Cost, Edge, EdgeKind, Fork, Spent, label_of
from agent.search.budget import Budget
from agent.search.kinds import KIND_RULES
from agent.search.orders import ORDERS, count_pairs, edge_features
from sandbox.base import Verdict

if TYPE_CHECKING:  # configurations are read and refused before torch is imported
    from torch import Tensor

ENOUGH_EXAMPLES = 2  # a program that passed so many needs no other evidence
ENOUGH_SHARE = 0.8  # of the programs must behave alike, where fewer examples check them
ENOUGH_APART = 5  # programs written anew, where no example checked one
CLOSE = 0.2  # clusters whose shares differ by less are close
_WORTH_OF_REPAIR = -4.0  # nats, as a path; chosen on the calibration split, where earlier repairs cost more
_DEPARTURES = 64  # ways to leave a completion that are looked at
_ATTEMPTS_A_PROGRAM = 3  # of a budget's programs, at most


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """The options of a search: its budget, its order, and when it has enough."""

    budget: Budget = field(default_factory=Budget)
    order: str = "probability"  # a key of ORDERS
    weights: dict[str, float] = field(default_factory=dict)  # of the learned order
    branches: bool = True  # go back to forks
    samples: bool = False  # draw fresh programs from the first prompt
    kinds: str = ""  # a key of KIND_RULES; empty: edges of all kinds compete by their order
    majority: bool = False  # each program that passed has one vote; else it has its probability under the model
    repair_after: int = 5  # failed programs of a prompt before a repair is on the frontier; 0 for never
    enough_examples: int = ENOUGH_EXAMPLES  # a program that passed so many needs no other evidence
    votes: int = 5  # programs that must run before one is believed that passed fewer examples
    prune: bool = True  # drop what left an attempt at a fork and cannot become Python, or begins like another program
    own_cases: bool = True  # ask the model for test cases where no example checks its programs
    lines: bool = False  # find the lines that a failing example ran, even where the order does not look at them
    mutants: int = 12  # of an answer that passed its examples, to see what these leave open
    questions: int = 0  # to ask a person about programs that behave differently
    reliability: ReliabilityCurve | None = None  # the probability of being right, where it was learned
    min_probability: float = 0.0  # abstain below it


ONE_PROGRAM = SearchConfig(Budget(programs=1), votes=1, mutants=0)


def with_profile(config: SearchConfig, profile: ModelProfile) -> SearchConfig:
    """Return the configuration with the learned numbers that it uses. Raises ProfileError where these are missing."""
    weights, reliability = profile.edge_weights or config.weights, profile.reliability or config.reliability
    if config.order == "learned" and not weights:
        raise ProfileError("the order learned needs edge weights, which were not learned for this model")
    if config.min_probability > 0 and not reliability:
        raise ProfileError("a minimum probability needs a reliability curve, which was not learned for this model")
    return replace(config, weights=weights if config.order == "learned" else {}, reliability=reliability)


def find_frontier(attempts: Sequence[Attempt], config: SearchConfig) -> list[Edge]:
    """Return every edge not followed yet: candidates not taken, repairs, chat answers to read on, a fresh sample."""
    branches = _branches(attempts)
    samples = [_sample(attempts, config)] if config.samples and attempts else []
    if not any(attempts[edge.parent].prompt == 0 for edge in branches):  # a sample leaves at a fork, as a branch does
        samples = [edge for edge in samples if not edge.unrepeated]
    going_back = branches if config.branches else []
    return [*going_back, *_repairs(attempts, config), *_continuations(attempts), *samples]


def best_edge(attempts: Sequence[Attempt], config: SearchConfig) -> Edge | None:
    """Return the edge of the highest priority; of equals the first. None where none is left.

    With a rule for kinds, only edges of the kind that it chooses compete.
    """
    edges, priority, pairs = find_frontier(attempts, config), ORDERS[config.order], count_pairs(attempts)
    if config.kinds and edges:
        kind = KIND_RULES[config.kinds](list(dict.fromkeys(edge.kind for edge in edges)), attempts)
        edges = [edge for edge in edges if edge.kind == kind]
    return max(edges, key=lambda edge: priority(edge_features(edge, attempts, pairs), config.weights), default=None)


def next_edge(attempts: Sequence[Attempt], config: SearchConfig, cost: Cost, share: float) -> Edge | None:
    """Return the edge to follow next; None where the search is over. share: as for `is_settled`."""
    if is_settled(attempts, config, share) or find_spent(config.budget, attempts, cost):
        return None
    return best_edge(attempts, config)


def is_settled(attempts: Sequence[Attempt], config: SearchConfig, share: float) -> bool:
    """Whether a program passed that needs no other evidence.

    share: of the most probable cluster, among programs that passed, by their probability under the model.
    """
    passed = [number for number, attempt in enumerate(attempts) if attempt.passed]
    if not passed:
        return False
    if max(attempts[number].checked for number in passed) >= config.enough_examples:
        return True
    if not any(attempts[number].behaviour for number in passed):  # there is nothing to compare them on
        return True
    unchecked = config.samples and not any(attempts[number].checked for number in passed)
    if unchecked and sum(each.is_separate for each in attempts) < min(ENOUGH_APART, config.budget.programs or math.inf):
        return False
    if config.majority:
        return _is_decided(attempts, config.budget)
    if unchecked:
        return True
    votes = sum(attempts[number].ran for number in passed)
    whole = sum(attempt.end not in PRUNED for attempt in attempts[passed[0] :])
    if whole > 2 * config.votes:  # most of what came since is a duplicate
        return True
    return votes >= config.votes and (share >= ENOUGH_SHARE or votes >= 2 * config.votes)


def _is_decided(attempts: Sequence[Attempt], budget: Budget) -> bool:
    """Whether no other behaviour can still get as many votes as the leading one has."""
    votes = sorted(Counter(each.behaviour for each in attempts if each.passed).values(), reverse=True)
    left = math.inf if budget.programs is None else budget.programs - _count_programs(attempts)
    return votes[0] > sum(votes[1:2]) + left


def _count_programs(attempts: Sequence[Attempt]) -> int:
    """Count the programs that ran, and fresh samples that equal an earlier program: each is a vote."""
    return sum(each.ran or (each.came_by(EdgeKind.SAMPLE) and each.end not in PRUNED) for each in attempts)


def find_spent(budget: Budget, attempts: Sequence[Attempt], cost: Cost) -> Spent | None:
    """Return the part of the budget that is used up; None while some of each is left.

    Only programs that ran, and samples that repeat one, count as programs. Attempts that were dropped, and duplicates,
    are bounded in number, so that a search ends where everything leads to the same program.
    """
    used = {"tokens": cost.tokens, "forwards": cost.forwards, "runs": cost.sandbox_runs, "seconds": cost.seconds}
    for name, amount in {**used, "programs": _count_programs(attempts)}.items():  # a program may be the last for both
        bound = getattr(budget, name)
        cut = attempts and attempts[-1].end == BUDGET_ENDS.get(name)  # too few for another forward
        if bound is not None and (amount >= bound or cut):
            return Spent(name, amount, bound)
    most = None if budget.programs is None else _ATTEMPTS_A_PROGRAM * budget.programs
    return Spent("attempts", len(attempts), most) if most is not None and len(attempts) >= most else None


def find_departure(
    logits: Tensor, tokens: Sequence[int], places: Sequence[int], accepts: Callable[[int, int], bool]
) -> tuple[int, int] | None:
    """Return where, and with which token, to leave a completion that greedy decoding would repeat.

    That is the place where another token comes nearest to being chosen. None where greedy decoding leaves the
    completion anyway, and where no likely token is accepted. logits: [tokens, vocab], those before each token.
    places: the positions to choose from. accepts: whether a token, at a position, may be the one.
    """
    if not places or logits.argmax(-1).tolist() != list(tokens):
        return None
    ways = find_departures(logits[list(places)], [tokens[each] for each in places], _DEPARTURES)
    return next(((places[at], token) for at, token in ways if accepts(places[at], token)), None)


def find_departures(logits: Tensor, tokens: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return the likeliest ways to leave a completion, as position and token, the likeliest first.

    logits: [tokens, vocab], those before each token; tokens: at least one.
    """
    others = logits.float().log_softmax(-1)
    others[range(len(tokens)), list(tokens)] = -math.inf
    best = others.flatten().topk(min(count, others.numel() - len(tokens))).indices.tolist()
    return [divmod(index, others.shape[-1]) for index in best]


def _sample(attempts: Sequence[Attempt], config: SearchConfig) -> Edge:
    """Return the edge to a fresh sample. It keeps nothing of an attempt, so its path has no tokens.

    Where programs have votes, or must agree because nothing checks them, the sample is an independent draw. Else a
    repetition tells nothing, and the sample is to be new: it takes over the beginning of an attempt when it is drawn.
    """
    compared = (Verdict.PASSED, Verdict.FAILED)  # others, as where a program hangs, say nothing about examples
    unchecked = any(each.ran and not each.checked and each.verdict in compared for each in attempts)
    unrepeated = not config.majority and not unchecked
    return Edge(EdgeKind.SAMPLE, 0, 0.0, 0.0, parent_label=label_of(attempts[0]), unrepeated=unrepeated)


def _branches(attempts: Sequence[Attempt]) -> list[Edge]:
    """Return the candidates that no attempt took, each once, of the attempt that met it first."""
    forks = {(attempt.prompt, fork.position) for attempt in attempts for fork in attempt.forks}
    known = {
        (prompt, tuple(attempt.tokens[: position + 1]))
        for prompt, position in forks
        for attempt in attempts
        if attempt.prompt == prompt and position < len(attempt.tokens)
    }
    edges = []
    for number, attempt in enumerate(attempts):
        for fork in attempt.forks:
            for edge in _candidates(attempt, number, fork):
                beginning = (attempt.prompt, (*attempt.tokens[: fork.position], edge.token))
                if beginning not in known:
                    known.add(beginning)
                    edges.append(edge)
    return edges


def _candidates(attempt: Attempt, number: int, fork: Fork) -> Iterator[Edge]:
    """Yield an edge for each candidate of a fork."""
    path = attempt.prior + sum(attempt.logprobs[: fork.position])
    for each in fork.candidates:
        yield Edge(
            EdgeKind.BRANCH,
            number,
            prior=attempt.prior,
            path=path + each.logprob,
            position=fork.position,
            token=each.token,
            logprob=each.logprob,
            score=each.score,
            text=each.text,
            entropy=fork.entropy,
            gap=fork.logprob - each.logprob,
            line=fork.line,
            parent_label=label_of(attempt),
        )


def _repairs(attempts: Sequence[Attempt], config: SearchConfig) -> list[Edge]:
    """Return a repair of each program that ran and failed, once enough have failed since the last repair."""
    if not config.repair_after:
        return []
    repaired = {attempt.edge.parent for attempt in attempts if attempt.edge and attempt.edge.kind == EdgeKind.REPAIR}
    edges = []
    for number, attempt in enumerate(attempts):
        same_prompt = [n for n, other in enumerate(attempts) if other.prompt == attempt.prompt]
        fails = [n for n in same_prompt if attempts[n].ran and not attempts[n].passed]
        ready = len(fails) >= config.repair_after * (1 + sum(n in repaired for n in fails))
        if attempt.failures and attempt.ran and number not in repaired and ready:
            prior = attempt.prior + _WORTH_OF_REPAIR
            edges.append(Edge(EdgeKind.REPAIR, number, prior=prior, path=prior, parent_label=label_of(attempt)))
    return edges


def _continuations(attempts: Sequence[Attempt]) -> list[Edge]:
    """Return the chat answers to read on: a code block ended them, its program failed, and it may have been a draft.

    Once reading on brought nothing new for a prompt, its other answers are not read on either.
    """
    read_on = [attempt for attempt in attempts if attempt.came_by(EdgeKind.READ_ON)]
    parents = {each.edge.parent for each in read_on if each.edge}
    idle = {each.prompt for each in read_on if not each.ran and each.end != End.END_OF_BLOCK}
    return [
        Edge(
            EdgeKind.READ_ON,
            number,
            prior=each.prior,
            path=each.prior + sum(each.logprobs),
            position=len(each.tokens),
            parent_label=label_of(each),
        )
        for number, each in enumerate(attempts)
        if each.end == End.END_OF_BLOCK and not each.passed and (each.ran or each.came_by(EdgeKind.READ_ON))
        if number not in parents and each.prompt not in idle
    ]
