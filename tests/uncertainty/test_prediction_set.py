"""The exact removal problem: dynamic programming equals brute force, and its answers keep their laws."""

import itertools
import math
from typing import NamedTuple

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty.prediction_set import COST_LIMIT, HoleSets, partial_program
from uncertainty.tree import ProgramTree, program_tree

LAW = settings(derandomize=True, deadline=None, max_examples=50)


def make_tree(parents: list[int], costs: list[float]) -> ProgramTree:
    """A tree whose text is its own picture: each node is a pair of brackets. parents: of the nodes after the root."""
    below = [[child + 1 for child, parent in enumerate(parents) if parent == node] for node in range(len(costs))]
    order, spans, sizes = [], {}, {}

    def place(node: int, start: int) -> int:
        order.append(node)
        at = start + 1
        for child in below[node]:
            at = place(child, at)
        spans[node], sizes[node] = (start, at + 1), (at + 1 - start) // 2
        return at + 1

    place(0, 0)
    columns = (("pair",) * len(order), [spans[n] for n in order], [sizes[n] for n in order], [costs[n] for n in order])
    return ProgramTree(*map(tuple, columns))


@st.composite
def trees(draw, most: int = 12) -> tuple[str, ProgramTree]:
    """A tree of at most so many nodes, and its picture."""
    parents = [draw(st.integers(0, i)) for i in range(draw(st.integers(0, most - 1)))]
    costs = [draw(st.integers(0, 12)) / 4 for _ in range(len(parents) + 1)]  # sums of quarters are exact
    tree = make_tree(parents, costs)
    return picture(tree), tree


def picture(tree: ProgramTree, node: int = 0) -> str:
    return "(" + "".join(picture(tree, child) for child in tree.children(node)) + ")"


class Choice(NamedTuple):
    """One way to remove nodes."""

    removed: int
    cost: float
    holes: int


def choices(tree: ProgramTree, node: int = 0) -> set[Choice]:
    """All ways there are."""
    kept = {
        Choice(
            sum(c.removed for c in below), tree.costs[node] + sum(c.cost for c in below), sum(c.holes for c in below)
        )
        for below in itertools.product(*(choices(tree, child) for child in tree.children(node)))
    }
    return kept | {Choice(tree.sizes[node], 0.0, 1)}


budgets = st.integers(0, 60).map(lambda eighths: eighths / 8 + 1 / 16)  # never on a sum of quarters


@LAW
@given(pictured=trees(), budget=budgets, max_holes=st.integers(1, 4))
def test_the_answer_is_that_of_brute_force(pictured, budget, max_holes):
    source, tree = pictured
    best = min(choice for choice in choices(tree) if choice.cost <= budget and choice.holes <= max_holes)
    partial = partial_program(source, tree, tau=math.exp(-budget), max_holes=max_holes)
    assert Choice(partial.removed, partial.cost, len(partial.holes)) == best


@LAW
@given(pictured=trees(), budget=budgets, max_holes=st.integers(1, 4))
def test_the_holes_are_subtrees_apart_from_each_other_and_account_for_every_number(pictured, budget, max_holes):
    source, tree = pictured
    partial = partial_program(source, tree, tau=math.exp(-budget), max_holes=max_holes)
    inside = [n for n, span in enumerate(tree.spans) if any(start <= span[0] < end for start, end in partial.holes)]
    assert set(partial.holes) <= set(tree.spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(partial.holes))
    assert len(partial.holes) <= max_holes
    assert partial.removed == len(inside)
    assert partial.cost == sum(tree.costs) - sum(tree.costs[node] for node in inside) <= budget
    assert partial.nodes == len(tree)


@LAW
@given(pictured=trees(), budgets=st.tuples(budgets, budgets), most=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_more_is_removed_at_a_larger_tau_and_less_with_more_holes(pictured, budgets, most):
    source, tree = pictured
    small, large = sorted(math.exp(-budget) for budget in budgets)
    few, many = sorted(most)
    removed = partial_program(source, tree, tau=small, max_holes=few).removed
    assert removed <= partial_program(source, tree, tau=large, max_holes=few).removed
    assert removed >= partial_program(source, tree, tau=small, max_holes=many).removed


@LAW
@given(pictured=trees(), steps=st.lists(budgets, min_size=1, max_size=5), max_holes=st.integers(1, 8))
def test_one_solution_answers_for_every_tau_and_number_of_holes(pictured, steps, max_holes):
    source, tree = pictured
    sets, taus = HoleSets(tree, max_holes), [math.exp(-budget) for budget in steps]
    for holes in range(1, max_holes + 1):
        apart = [partial_program(source, tree, tau=tau, max_holes=holes) for tau in taus]
        assert [sets.partial(source, tau, holes) for tau in taus] == apart
        assert sets.removed(taus, holes).tolist() == [partial.removed for partial in apart]


@settings(derandomize=True, deadline=None, max_examples=30)
@given(pictured=trees(16), budget=budgets, max_holes=st.integers(1, 4))
def test_the_answer_is_that_of_z3(pictured, budget, max_holes):
    source, tree = pictured
    kept = [z3.Bool(f"kept{node}") for node in range(len(tree))]
    parents = {child: node for node in range(len(tree)) for child in tree.children(node)}
    solver = z3.Optimize()
    for child, parent in parents.items():
        solver.add(z3.Implies(kept[child], kept[parent]))
    holes = [z3.And(kept[parent], z3.Not(kept[child])) for child, parent in parents.items()] + [z3.Not(kept[0])]
    solver.add(z3.Sum([z3.If(hole, 1, 0) for hole in holes]) <= max_holes)
    costs = [z3.If(each, round(4 * cost), 0) for each, cost in zip(kept, tree.costs, strict=True)]
    solver.add(z3.Sum(costs) <= math.floor(4 * budget))
    solver.minimize(z3.Sum([z3.If(each, 0, 1) for each in kept]))
    assert solver.check() == z3.sat
    removed = sum(not z3.is_true(solver.model().eval(each)) for each in kept)
    assert partial_program(source, tree, tau=math.exp(-budget), max_holes=max_holes).removed == removed


@LAW
@given(pictured=trees(), budget=budgets, max_holes=st.integers(1, 4), share=st.floats(0, 1))
def test_nodes_that_are_to_stay_are_in_no_hole_and_the_others_are_cut_as_well_as_can_be(
    pictured, budget, max_holes, share
):
    _, tree = pictured
    tau = math.exp(-budget)
    earlier = HoleSets(tree, max_holes).hole_nodes(tau ** (1 - share), max_holes)
    cut = {each for node in earlier for each in range(node, node + tree.sizes[node])}
    kept = set(range(len(tree))) - cut
    sets = HoleSets(tree, max_holes, kept)
    budget_of_kept = sum(tree.costs[node] for node in kept)
    if budget_of_kept <= budget:
        removed = {each for node in sets.hole_nodes(tau, max_holes) for each in range(node, node + tree.sizes[node])}
        assert removed <= cut
        assert HoleSets(tree, max_holes).removed([tau], max_holes)[0] <= len(removed) <= len(cut)


@LAW
@given(pictured=trees(), most_removed=st.integers(0, 12), max_holes=st.integers(1, 4))
def test_the_least_sure_parts_are_those_of_brute_force(pictured, most_removed, max_holes):
    source, tree = pictured
    few = [each for each in choices(tree) if each.removed <= most_removed and each.holes <= max_holes]
    best = min(few, key=lambda each: (each.cost, each.removed, each.holes))
    partial = HoleSets(tree, max_holes).least_sure(source, most_removed, max_holes)
    assert Choice(partial.removed, partial.cost, len(partial.holes)) == best


@LAW
@given(pictured=trees())
def test_a_tau_small_enough_keeps_all(pictured):
    source, tree = pictured
    partial = partial_program(source, tree, tau=math.exp(-40), max_holes=1)
    assert (partial.holes, partial.removed, partial.render()) == ((), 0, source)


def test_of_equal_removals_the_one_that_keeps_less_cost_is_taken():
    source = "f(a, b)\n"
    tree = program_tree(source, [(2, 2.0), (5, 3.0)])
    partial = partial_program(source, tree, tau=math.exp(-3.5), max_holes=1)
    assert (partial.render(), partial.removed, partial.cost) == ("f(a, ???)\n", 1, 2.0)


def test_of_equal_removals_and_costs_the_one_with_fewer_holes_is_taken():
    # Two removed of three that cost a nat each: the pair at once, or its inner node and the leaf beside it.
    tree = make_tree([0, 1, 0], [0.0, 1.0, 1.0, 1.0])
    partial = partial_program(picture(tree), tree, tau=math.exp(-1.5), max_holes=3)
    assert (partial.render("?"), partial.removed, partial.cost) == ("(?())", 2, 1.0)


def test_render_puts_the_mark_where_each_hole_is():
    source = "def f(é):\n    return g(é, 1) + é\n"
    tree = program_tree(source, [(source.index("1"), 3.0), (len(source) - 2, 4.0), (0, 0.5)])
    partial = partial_program(source, tree, tau=math.exp(-1), max_holes=2)
    assert partial.render() == "def f(é):\n    return g(é, ???) + ???\n"
    assert partial.render("□") == "def f(é):\n    return g(é, □) + □\n"
    assert [source[start:end] for start, end in partial.holes] == ["1", "é"]
    assert (partial.removed, partial.nodes, partial.cost) == (2, len(tree), 0.5)


def test_a_hole_for_a_decorated_function_leaves_no_at_sign_behind():
    source = "@cache\ndef f(): pass\nx = 1\n"
    tree = program_tree(source, [(source.index("def"), 5.0)])
    assert partial_program(source, tree, tau=1.0, max_holes=1).render() == "???\nx = 1\n"


def test_a_text_that_does_not_parse_is_one_hole():
    source = "def f(:"
    partial = partial_program(source, program_tree(source, []), tau=1e-9, max_holes=1)
    assert (partial.render(), partial.removed, partial.nodes, partial.cost) == ("???", 1, 1, 0.0)


@pytest.mark.parametrize("tau", [0.0, -0.5, 1.5, math.inf, math.nan])
def test_a_tau_out_of_range_is_refused_by_name_and_value(tau):
    with pytest.raises(ValueError, match=rf"tau is {tau}, wanted 0 < tau <= 1"):
        partial_program("()", make_tree([], [1.0]), tau=tau, max_holes=1)


@pytest.mark.parametrize("holes", [0, 9])
def test_a_number_of_holes_out_of_range_is_refused(holes):
    with pytest.raises(ValueError, match=f"the number of holes is {holes}, wanted 1 to 8"):
        partial_program("()", make_tree([], [1.0]), tau=0.5, max_holes=holes)


@pytest.mark.parametrize(("cost", "kept"), [(math.inf, COST_LIMIT), (99.0, COST_LIMIT), (-1.0, 0.0), (2.5, 2.5)])
def test_one_wild_node_costs_no_more_than_the_limit_and_none_less_than_nothing(cost, kept):
    partial = partial_program("()", make_tree([], [cost]), tau=math.exp(-COST_LIMIT), max_holes=1)
    assert (partial.cost, len(partial.holes)) == (kept, 0)


def test_a_deep_tree_exhausts_no_stack():
    count = 3000
    tree = ProgramTree(
        ("pair",) * count, tuple((n, 2 * count - n) for n in range(count)), tuple(range(count, 0, -1)), (0.5,) * count
    )
    partial = partial_program("(" * count + ")" * count, tree, tau=math.exp(-5), max_holes=8)
    assert (partial.removed, len(partial.holes), partial.cost) == (count - 10, 1, 5.0)


def test_in_a_program_that_is_cut_the_dearest_part_is_the_hole(monkeypatch):
    parts = [f"def f{number}():\n    return {number} + 1 + 2 + 3\n" for number in range(9)]
    source = "".join(parts)
    charges = [(place, 3.0) for place in range(0, len(source), 4)] + [(source.index("4 + 1"), 90.0)]
    monkeypatch.setattr("uncertainty.tree.MOST_NODES", 12)
    tree = program_tree(source, charges)
    assert tree.is_cut
    ((start, end),) = HoleSets(tree, 1).least_sure(source, 1, 1).holes
    assert source[start:end].startswith("def f4")
