"""Which kind of edge comes next: what pays best for its tokens, or what had fewest of them."""

from dataclasses import replace

from agent.records import Attempt, Cost, Edge, EdgeKind
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig, best_edge, find_spent, is_settled
from agent.search.kinds import choose_cheapest_kind, choose_paying_kind

KINDS = [EdgeKind.BRANCH, EdgeKind.SAMPLE, EdgeKind.REPAIR]


def attempt(kind=None, *, verdict="failed", tokens=10, twin=False, behaviour=None, checked=0, number=0) -> Attempt:
    edge = Edge(kind, 0, 0.0, 0.0) if kind else None
    return Attempt(
        0, (number,), (-0.1,), (), "end token", "", "", (), verdict, checked, edge=edge, cost=Cost(tokens=tokens),
        duplicate_of=0 if twin else None, behaviour=behaviour, number=number,
    )  # fmt: skip


def test_each_failure_of_a_kind_makes_the_others_worth_more():
    attempts, chosen = [attempt()], []
    for _ in range(60):
        chosen.append(choose_paying_kind(KINDS, attempts))
        attempts.append(attempt(chosen[-1]))
    assert set(chosen) == set(KINDS), "none is given up for good"
    # a branch 0.3 / (1.3 + failed) / 0.6: .385, .217, .152; a sample 1.5 / (5.5 + failed) / 1.1: .248, .210, .182, .160
    assert chosen[:6] == ["branch", "sample", "branch", "sample", "sample", "sample"]


def test_a_kind_that_passed_is_worth_as_much_as_before():
    many = [attempt(EdgeKind.BRANCH, verdict="passed", checked=1)] * 20
    assert choose_paying_kind(KINDS, [attempt(), *many]) == choose_paying_kind(KINDS, [attempt()]) == EdgeKind.BRANCH
    assert choose_paying_kind(KINDS, [attempt(), *[attempt(EdgeKind.BRANCH)] * 20]) != EdgeKind.BRANCH


def test_where_no_example_checked_what_passed_programs_are_written_anew_until_there_are_five():
    config, passed = SearchConfig(samples=True, kinds="paying"), attempt(verdict="passed", behaviour=("a",))
    assert choose_paying_kind(KINDS, [attempt(), passed]) == EdgeKind.SAMPLE
    assert choose_paying_kind(KINDS[:1], [passed]) == EdgeKind.BRANCH, "a tree has no samples"
    apart = [passed, *(attempt(EdgeKind.SAMPLE, twin=True) for _ in range(4))]
    branch = attempt(EdgeKind.BRANCH, verdict="passed", behaviour=("a",))
    assert is_settled([*apart, branch], config, 1.0)
    assert not is_settled([*apart[:4], branch, branch], config, 1.0)


def test_equal_parts_go_to_the_kind_with_the_fewest_tokens():
    kinds = [EdgeKind.SAMPLE, EdgeKind.REPAIR]
    assert choose_cheapest_kind(kinds, [attempt()]) == EdgeKind.SAMPLE, "of equals the first"
    spent = [attempt(EdgeKind.SAMPLE, tokens=30), attempt(EdgeKind.REPAIR, tokens=20)]
    assert choose_cheapest_kind(kinds, spent) == EdgeKind.REPAIR
    assert choose_cheapest_kind([EdgeKind.READ_ON, *kinds], spent) == EdgeKind.REPAIR, "reading on has no part"
    assert choose_cheapest_kind([EdgeKind.READ_ON], spent) == EdgeKind.READ_ON


def test_a_fresh_sample_is_always_on_the_frontier_of_a_search_that_samples():
    config = SearchConfig(branches=False, repair_after=0, samples=True)
    assert best_edge([attempt(), attempt(EdgeKind.SAMPLE)], config).kind == EdgeKind.SAMPLE
    assert best_edge([], config) is None, "the first attempt has no edge"


def test_a_majority_is_decided_once_no_other_behaviour_can_win():
    config = SearchConfig(Budget(programs=5), majority=True)
    votes = [attempt(EdgeKind.SAMPLE, verdict="passed", behaviour=(each,)) for each in "aba"]
    assert not is_settled(votes, config, 1.0), "two of two more may join the other"
    assert is_settled([*votes, votes[0]], config, 1.0), "one more cannot"
    assert not is_settled(votes[:2], config, 1.0)
    assert not is_settled(votes, replace(config, budget=Budget(programs=4)), 1.0), "one more may draw level"


def test_a_fresh_sample_counts_as_a_program_even_where_it_repeats_one():
    budget = Budget(programs=2)
    assert find_spent(budget, [attempt(), attempt(EdgeKind.SAMPLE, twin=True)], Cost()).part == "programs"
    assert find_spent(budget, [attempt(), attempt(EdgeKind.BRANCH, twin=True)], Cost()) is None


def test_samples_without_an_example_are_five_before_their_majority_is_believed():
    config = SearchConfig(Budget(programs=5), majority=True, samples=True)
    votes = [attempt(kind, verdict="passed", behaviour=("a",)) for kind in (None, *[EdgeKind.SAMPLE] * 4)]
    assert not is_settled(votes[:4], config, 1.0) and is_settled(votes, config, 1.0)
    few = SearchConfig(Budget(programs=3), majority=True, samples=True)
    assert is_settled(votes[:3], few, 1.0), "the budget has no more"
