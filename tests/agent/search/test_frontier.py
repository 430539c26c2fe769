"""The pause tree: what is tried next, within what, and that nothing is tried, run or decoded twice."""

import math
import random
from dataclasses import replace

import pytest
import torch
from fakes import outputs
from trie import CharacterTokenizer, TrieLM

from agent.decoding import POLICIES, Candidate
from agent.program.ends import End
from agent.program.failures import Failure, FailureKind, describe_failure
from agent.program.task import read_task
from agent.records import Attempt, Cost, Edge, EdgeKind, Fork, Spent, label_of
from agent.search.budget import Budget
from agent.search.frontier import (
    SearchConfig,
    best_edge,
    find_departure,
    find_departures,
    find_frontier,
    find_spent,
    is_settled,
)
from agent.search.orders import ORDERS, count_pairs, edge_features
from agent.workflow.context import Context
from agent.workflow.run import run_task
from agent.workflow.verify import next_label
from sandbox import open_sandbox

WRONG = Failure(FailureKind.RETURNED, 0, "f(1)", "2", "3")


def attempt(tokens, forks=(), prompt=0, logprobs=None, end="end token", **more) -> Attempt:
    logprobs = tuple(logprobs or [-0.1] * len(tokens))
    more = {"verdict": "failed", **more}
    return Attempt(prompt, tuple(tokens), logprobs, tuple(forks), end, "", "", (), **more)


def fork(position, entropy, *candidates, line=1) -> Fork:
    return Fork(position, entropy, -0.1, tuple(Candidate(token, p, p) for token, p in candidates), line)


FIRST = attempt([5, 6, 7], [fork(0, 1.1, (8, -1.0)), fork(2, 1.9, (9, -0.7), (4, -2.0))], logprobs=[-0.1, -0.5, -0.2])
BARE = SearchConfig(repair_after=0)


def way(edge: Edge) -> tuple[int, int]:
    return edge.position, edge.token


def test_the_likeliest_prefix_comes_first():
    assert [round(edge.path, 6) for edge in find_frontier([FIRST], BARE)] == [-1.0, -1.3, -2.6]
    assert way(best_edge([FIRST], BARE)) == (0, 8)


def test_a_sample_that_is_to_be_new_is_offered_while_a_fork_leads_on():
    config = SearchConfig(samples=True, branches=False, repair_after=0)
    checked = replace(FIRST, checked=1)
    assert [(edge.kind, edge.unrepeated) for edge in find_frontier([checked], config)] == [(EdgeKind.SAMPLE, True)]
    certain = replace(checked, forks=())
    assert find_frontier([certain], config) == []
    unchecked = replace(FIRST, forks=(), verdict="passed")
    assert [edge.unrepeated for edge in find_frontier([unchecked], config)] == [False], "a repetition has a vote"


@pytest.mark.parametrize(
    ("verdict", "checked", "majority", "unrepeated"),
    [
        ("failed", 1, False, True),
        ("passed", 1, False, True),
        ("syntax error", 0, False, True),  # no example was run, and there may be some
        ("timed out (wall)", 0, False, True),
        ("out of memory", 0, False, True),
        ("passed", 0, False, False),
        ("failed", 0, False, False),  # it raised on a value that the request names
        ("failed", 1, True, False),
    ],
)
def test_a_sample_is_an_independent_draw_where_agreement_or_votes_count(verdict, checked, majority, unrepeated):
    config = SearchConfig(samples=True, majority=majority, repair_after=0)
    edges = find_frontier([replace(FIRST, verdict=verdict, checked=checked)], config)
    assert [each.unrepeated for each in edges if each.kind == EdgeKind.SAMPLE] == [unrepeated]


def test_a_token_that_was_tried_is_not_offered_again_wherever_it_was_found():
    second = attempt([8, 3], [fork(1, 1.0, (2, -0.9))])
    assert {way(edge) for edge in find_frontier([FIRST, second], BARE)} == {(2, 9), (2, 4), (1, 2)}
    twice = attempt([5, 6, 9], [fork(2, 1.9, (4, -2.0))])
    assert sorted(way(edge) for edge in find_frontier([FIRST, twice], BARE)) == [(0, 8), (2, 4)]
    assert find_frontier([FIRST, attempt([8]), attempt([5, 6, 9]), attempt([5, 6, 4])], BARE) == []


def test_attempts_at_another_prompt_do_not_count_as_taken():
    assert len(find_frontier([FIRST, attempt([8], prompt=1)], BARE)) == 3


def test_a_branch_inside_a_repair_carries_what_its_prompt_is_worth():
    repaired = attempt([1, 2], [fork(1, 1.0, (3, -1.0))], prompt=1, edge=Edge(EdgeKind.REPAIR, 0, -4.0, -4.0))
    edge = next(edge for edge in find_frontier([FIRST, repaired], BARE) if edge.parent == 1)
    assert (edge.prior, edge.path) == (-4.0, pytest.approx(-5.1))


def test_a_repair_is_offered_once_enough_programs_have_failed_and_never_twice_of_one():
    config = SearchConfig(repair_after=2)
    failed = attempt([1], failures=(WRONG,))
    kinds = [edge.kind for edge in find_frontier([failed], config)]
    assert kinds == []
    assert [edge.parent for edge in find_frontier([failed, failed], config)] == [0, 1]
    repaired = attempt([2], prompt=1, edge=Edge(EdgeKind.REPAIR, 0, -4.0, -4.0), failures=(WRONG,))
    assert [edge.parent for edge in find_frontier([failed, failed, repaired], config)] == []
    assert [edge.parent for edge in find_frontier([failed] * 4 + [repaired], config)] == [1, 2, 3]
    assert find_frontier([failed] * 9, SearchConfig(repair_after=0)) == []


def test_dropped_programs_and_duplicates_are_not_repaired():
    dropped = (Failure(FailureKind.DROPPED, got="no Python any more"),)
    gone = Attempt(0, (1,), (-0.1,), (), "no Python any more", "", "", (), "syntax error", 1, dropped)
    assert (
        find_frontier([attempt([1], failures=(WRONG,), duplicate_of=0), gone, gone], SearchConfig(repair_after=1)) == []
    )


def test_pairs_of_tokens_are_counted_once_a_program_and_a_first_token_by_itself():
    assert count_pairs([attempt([1, 2, 1, 2]), attempt([2, 1])]) == {(1,): 1, (1, 2): 1, (2, 1): 2, (2,): 1}


def test_blame_puts_lines_first_at_which_the_failure_points():
    forks = [fork(0, 1.0, (8, -0.5), line=3), fork(1, 1.0, (7, -1.5), line=5)]
    blamed = attempt([5, 6], forks, blamed=(5,))
    assert way(best_edge([blamed], SearchConfig(order="blame", repair_after=0))) == (1, 7)
    assert way(best_edge([attempt([5, 6], forks)], SearchConfig(order="blame", repair_after=0))) == (0, 8)


def test_the_learned_order_is_its_weights():
    config = SearchConfig(order="learned", weights={"entropy": 1.0}, repair_after=0)
    assert way(best_edge([FIRST], config))[0] == 2
    config = SearchConfig(order="learned", weights={"entropy": -1.0}, repair_after=0)
    assert way(best_edge([FIRST], config)) == (0, 8)


def test_every_order_ranks_repairs_too():
    edge = Edge(EdgeKind.REPAIR, 0, -4.0, -4.0)
    for order in ORDERS.values():
        assert math.isfinite(order(edge_features(edge, [FIRST], count_pairs([FIRST])), {"path": 1.0, "repair": 0.5}))


def test_a_program_that_passed_two_examples_settles_the_search_and_one_that_passed_fewer_needs_others():
    def passed(checked):
        return attempt([1], verdict="passed", checked=checked, behaviour=outputs("1"))

    assert is_settled([FIRST, passed(2)], SearchConfig(), 1.0)
    assert not is_settled([passed(1)], SearchConfig(), 1.0)
    assert is_settled([passed(1)] * 5, SearchConfig(), 0.8)
    assert not is_settled([passed(1)] * 5, SearchConfig(), 0.7)
    assert is_settled([passed(0)] * 10, SearchConfig(), 0.3)
    assert not is_settled([FIRST], SearchConfig(), 1.0)
    again = attempt([1], duplicate_of=0)
    assert not is_settled([passed(1), *[again] * 9], SearchConfig(), 1.0)
    assert is_settled([FIRST, passed(1), *[again] * 10], SearchConfig(), 1.0)
    dropped = attempt([1], end=End.DUPLICATE)
    assert not is_settled([passed(1), *[dropped] * 20], SearchConfig(), 1.0), "a line costs less than a program"


def test_where_nothing_can_be_compared_the_first_program_that_runs_is_enough():
    assert is_settled([attempt([1], verdict="passed", behaviour=())], SearchConfig(), 1.0)


def test_each_part_of_a_budget_ends_a_search_and_says_so():
    cost = Cost(tokens=10, forwards=20, sandbox_runs=3, seconds=1.5)
    assert find_spent(Budget(programs=None), [FIRST], cost) is None
    assert find_spent(Budget(programs=1), [FIRST], cost) == Spent("programs", 1, 1)
    assert find_spent(Budget(tokens=10), [FIRST], cost) == Spent("tokens", 10, 10)
    assert find_spent(Budget(forwards=21), [FIRST], cost) is None
    assert find_spent(Budget(runs=2), [FIRST], cost) == Spent("runs", 3, 2)
    assert find_spent(Budget(seconds=1.5), [FIRST], cost) == Spent("seconds", 1.50, 1.5)


def test_programs_that_were_not_run_do_not_count_but_not_without_end():
    duplicate_of = attempt([1], duplicate_of=0)
    assert (
        find_spent(Budget(programs=2), [FIRST, duplicate_of, duplicate_of, duplicate_of, duplicate_of], Cost()) is None
    )
    assert find_spent(Budget(programs=2), [FIRST, *[duplicate_of] * 5], Cost()) == Spent("attempts", 6, 6)


# The whole search, on a model that knows a few programs by heart.

REQUEST = 'def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(5)\n    6\n    """'
KNOWN = {
    "\n    return x - 1": 0.5,
    "\n    return x * 2": 0.2,
    "\n    return 1 + x": 0.12,
    "\n    return x  *  2": 0.1,
    "\n    return x + 1": 0.08,
}


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def search(box, known=KNOWN, *, request=REQUEST, policy="greedy", config=None, **more):
    lm = TrieLM(known, **more)
    return run_task(Context(lm.model(), POLICIES[policy], box), read_task(request), config=config), lm


def programs(result) -> list[str]:
    return [each.program.removeprefix(REQUEST) for each in result.attempts]


def test_a_search_goes_back_to_its_forks_in_their_order_until_a_program_passes(box):
    result, _ = search(box)
    assert programs(result) == ["\n    return x - 1", "\n    return x * 2", "\n    return 1 + x"]
    assert (result.outcome, result.answer.attempt, result.feedback) == ("accepted", 2, "visible")


def test_no_token_is_decoded_twice_and_each_attempt_says_what_it_cost(box):
    result, lm = search(box, config=SearchConfig(repair_after=0))
    assert result.cost.tokens == sum(each.cost.tokens for each in result.attempts)
    assert result.cost.forwards == lm.forwards == len(lm.asked)
    branches = [each for each in result.attempts if each.edge]
    assert [each.cost.tokens for each in branches] == [len(each.tokens) - each.edge.position for each in branches]
    assert result.cost.forwards <= 1.1 * result.cost.tokens


def test_a_program_that_differs_in_layout_alone_is_not_run_again(box):
    known = {text: weight for text, weight in KNOWN.items() if "1 + x" not in text}
    result, _ = search(box, known)
    assert [each.duplicate_of for each in result.attempts] == [None, None, 1, None]
    assert result.attempts[2].failures == result.attempts[1].failures
    assert [each.cost.sandbox_runs for each in result.attempts] == [1, 1, 0, 1]


def test_a_search_that_exhausts_its_frontier_abstains_with_the_program_that_failed_least(box):
    known = {"\n    return x - 1": 0.6, "\n    return 2": 0.4}
    result, _ = search(box, known, config=SearchConfig(repair_after=0))
    assert (result.outcome, result.best.program) == ("abstained", REQUEST + "\n    return 2")
    assert [describe_failure(each) for each in result.best.failures] == ["f(5) returned 2, wanted 6"]


def test_a_repair_is_an_edge_like_others_and_its_prompt_shows_the_failure(box):
    known = {"\n    return x - 1": 0.97, "\n    return x": 0.03}
    config = SearchConfig(repair_after=1)
    result, lm = search(box, known, config=config, repaired={"\n    return x + 1": 1.0})
    assert [each.edge and each.edge.kind for each in result.attempts] == [None, "branch", "repair"]
    assert result.outcome == "accepted"
    shown = max(lm.prompts, key=len)
    assert "returned 0, wanted 2" in "".join(map(chr, shown))


@pytest.mark.parametrize("bound", ["tokens", "forwards", "runs", "programs"])
@pytest.mark.parametrize("policy", ["greedy", "adadec"])
@pytest.mark.parametrize("most", [1, 3, 19, 20, 23, 41])
def test_a_search_never_exceeds_a_budget_and_says_which_ended_it(box, bound, policy, most):
    known = {text: weight for text, weight in KNOWN.items() if "+" not in text}
    result, lm = search(box, known, policy=policy, config=SearchConfig(Budget(**{bound: most})), repaired=known)
    runs = sum(each.cost.sandbox_runs for each in result.attempts)
    spent = {"tokens": result.cost.tokens, "forwards": lm.forwards, "runs": runs, "programs": len(result.attempts)}
    assert spent[bound] <= (most if bound != "programs" else 3 * most)
    assert (runs, lm.forwards) == (result.cost.sandbox_runs, result.cost.forwards)
    assert result.outcome == "abstained"
    if result.answer.ended_by:
        assert result.answer.ended_by.part == bound
    elif bound != "programs":
        assert len(result.attempts) >= 3, "every way was tried"


def test_a_budget_of_seconds_ends_a_search_between_two_forwards(box):
    lm, now = TrieLM(KNOWN), [0.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    config = SearchConfig(Budget(seconds=0.3))
    result = run_task(Context(lm.model(), POLICIES["greedy"], box, clock=clock), read_task(REQUEST), config=config)
    assert result.outcome == "abstained"
    assert lm.forwards < 30


def test_a_branch_that_cannot_become_python_is_dropped_at_the_end_of_its_line(box):
    known = {
        "\n    y = x\n    return y": 0.5,
        "\n    y = = x\n    return y + 1": 0.3,
        "\n    y = x + 1\n    return y": 0.2,
    }
    result, _ = search(box, known, config=SearchConfig(repair_after=0))
    dropped = [each for each in result.attempts if each.end == "no Python any more"]
    assert [each.program.removeprefix(REQUEST) for each in dropped] == ["\n    y = = x\n"]
    assert dropped[0].cost.sandbox_runs == 0 and dropped[0].verdict == "syntax error"
    assert result.outcome == "accepted"
    whole, _ = search(box, known, config=SearchConfig(repair_after=0, prune=False))
    assert whole.best.program == result.best.program
    assert whole.cost.tokens > result.cost.tokens


def test_a_branch_that_is_right_because_its_block_does_nothing_is_not_dropped(box):
    request = 'def f(s):\n    """Read.\n    >>> f("3")\n    3\n    >>> f("x") is None\n    True\n    """'
    body = "\n    try:\n        return int(s)\n    except ValueError:\n        "
    known = {f"{body}return 0": 0.6, f"{body}pass\n    return None": 0.4}
    result, _ = search(box, known, request=request, config=SearchConfig(repair_after=0))
    assert result.outcome == "accepted"


def test_a_branch_whose_names_are_bound_later_is_not_dropped(box):
    inner = "\n    def g():\n        nonlocal c\n        c += x\n        return c"
    known = {"\n    return x - 1": 0.6, f"{inner}\n    c = 1\n    return g()": 0.4}
    result, _ = search(box, known, config=SearchConfig(repair_after=0))
    assert result.outcome == "accepted"


def test_a_branch_that_begins_as_a_failed_program_but_for_names_is_dropped_at_the_end_of_its_line(box):
    known = {
        "\n    y = x\n    return y - 1": 0.6,
        "\n    z = x\n    return z - 1": 0.3,
        "\n    w = x + 1\n    return w": 0.1,
    }
    result, _ = search(box, known, config=SearchConfig(repair_after=0))
    assert [each.end for each in result.attempts] == ["end token", "duplicate of an earlier program", "end token"]
    assert result.outcome == "accepted"


@pytest.mark.parametrize(("policy", "unrepeated"), [("sample", True), ("adapt", False)])
def test_a_sample_says_whether_it_was_drawn_without_replacement(box, policy, unrepeated):
    """AdapT draws at two temperatures, so its samples are independent."""
    config = SearchConfig(Budget(programs=4), branches=False, samples=True, repair_after=0)
    result, _ = search(box, {"\n    return x - 1": 0.6, "\n    return x * 2": 0.4}, policy=policy, config=config)
    drawn = [each for each in result.attempts if each.came_by(EdgeKind.SAMPLE)]
    assert {(each.edge.unrepeated, each.is_separate) for each in drawn} == {(unrepeated, not unrepeated)}


class Indents:
    """Text whose tokens are characters, but for 1 and 2, which join a line break with an indentation."""

    def feed(self, token: int) -> tuple["Indents", str]:
        return self, {0: "", 1: "\n    ", 2: "\n        "}.get(token, chr(token))


class IndentTokenizer(CharacterTokenizer):
    def stream(self, prompt_ids):
        super().stream(prompt_ids)
        return Indents()


LOOP = "\1t = 0\1for x in xs:\2t -= x"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("\1t = 0\1for x in xs:\2t += x\2return t", "\1t = 0\1for x in xs:\2t += x\1return t"),  # leaves the loop
        (f"{LOOP}\1return t", f"{LOOP}\2t += 2 * x\1return t"),  # stays in it
    ],
)
def test_a_branch_may_change_the_indentation_of_the_next_line(box, wrong, right):
    request = 'def f(xs):\n    """Sum.\n    >>> f([1, 2])\n    3\n    >>> f([])\n    0\n    """'
    lm = TrieLM({wrong: 0.6, right: 0.4})
    model = replace(lm.model(), tokenizer=IndentTokenizer(lm.prompts))
    config = SearchConfig(Budget(programs=6), repair_after=0)
    result = run_task(Context(model, POLICIES["greedy"], box), read_task(request), config=config)
    assert (result.outcome, result.answer.attempt) == ("accepted", 1)


@pytest.mark.parametrize("order", [order for order in ORDERS if order != "learned"])
@pytest.mark.parametrize("policy", ["adadec", "sample", "uscd"])
def test_every_order_and_policy_finds_the_program_that_is_there(box, order, policy):
    result, _ = search(box, policy=policy, config=SearchConfig(Budget(programs=40), order))
    assert result.outcome == "accepted"
    assert result.best.program.removeprefix(REQUEST) in ("\n    return 1 + x", "\n    return x + 1")


def test_the_tree_is_the_same_each_time(box):
    first, second = (search(box, config=SearchConfig(order="blame"))[0].attempts for _ in range(2))
    assert [(each.tokens, each.edge, each.blamed) for each in first] == [
        (each.tokens, each.edge, each.blamed) for each in second
    ]


@pytest.mark.parametrize("seed", range(8))
def test_no_completion_is_decoded_twice_in_random_trees(box, seed):
    chance = random.Random(seed)
    bodies = ["".join(chance.choice("ab+ ") for _ in range(chance.randint(1, 6))) for _ in range(8)]
    known = {f"\n    return {body}": chance.random() for body in bodies}
    result, _ = search(box, known, config=SearchConfig(repair_after=0, prune=False))
    completions = [tuple(each.tokens) for each in result.attempts]
    assert len(set(completions)) == len(completions)


def anything(place, token):
    return True


def test_a_completion_is_left_where_another_token_comes_nearest():
    p = torch.tensor([[0.9, 0.1, 0.0], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]])
    assert find_departure(p.log(), [0, 1, 2], range(3), anything) == (1, 2)
    assert find_departure((p * 3).log().bfloat16(), [0, 1, 2], range(3), anything) == (1, 2), (
        "logits, not probabilities"
    )


def test_a_completion_is_left_only_where_it_may_be():
    p = torch.tensor([[0.6, 0.4, 0.0], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]])
    assert find_departure(p.log(), [0, 1, 2], [1, 2], anything) == (1, 2)
    assert find_departure(p.log(), [0, 1, 2], [2], anything) == (2, 0)
    assert find_departure(p.log(), [0, 1, 2], range(3), lambda at, token: at != 1) == (0, 1)
    assert find_departure(p.log(), [0, 1, 2], range(3), lambda at, token: False) is None
    assert find_departure(p.log(), [0, 1, 2], [], anything) is None


def test_what_greedy_decoding_leaves_by_itself_is_left_alone():
    p = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    assert find_departure(p.log(), [0, 0], range(2), anything) is None
    assert find_departure(p[:0].log(), [], [], anything) is None


def test_departures_come_likeliest_first_and_never_the_committed_token():
    p = torch.tensor([[0.85, 0.15, 0.0], [0.1, 0.5, 0.4]])
    assert find_departures(p.log(), [0, 1], 3) == [(1, 2), (0, 1), (1, 0)]
    assert len(find_departures(p.log(), [0, 1], 99)) == 4


def test_programs_that_ran_are_counted_and_others_are_numbered_behind_them():
    attempts = []
    for ran in (True, False, False, True, True, False):
        label = next_label(attempts, ran=ran)
        attempts.append(replace(FIRST, number=len(attempts), duplicate_of=None if ran else 0, label=label))
    assert [label_of(each) for each in attempts] == ["1", "1.1", "1.2", "2", "3", "3.1"]
    assert next_label([], ran=False) == "0.1" and label_of(replace(FIRST, number=4)) == "5"


def test_what_a_person_sees_of_programs_agrees_with_the_budget(box):
    known = {f"\n    return x{more}": 0.25 for more in (" - 1", " -  1", " -   1", " - 2")}
    result, _ = search(box, known, config=SearchConfig(Budget(programs=2)))
    ran = [attempt for attempt in result.attempts if attempt.ran]
    assert [attempt.label for attempt in ran] == ["1", "2"]
    assert all("." in attempt.label for attempt in result.attempts if not attempt.ran)
