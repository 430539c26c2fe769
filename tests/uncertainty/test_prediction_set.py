"""The exact removal problem: dynamic programming equals brute force, and its answers keep their laws."""

import itertools
import math
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty.prediction_set import partial_program
from uncertainty.tree import TreeNode, program_tree

LAW = settings(derandomize=True, deadline=None, max_examples=50)


@st.composite
def trees(draw, most: int = 12) -> tuple[str, TreeNode]:
    """A tree of at most 12 nodes whose text is its own picture: each node is a pair of brackets."""
    parents = [draw(st.integers(0, i)) for i in range(draw(st.integers(0, most - 1)))]
    costs = [draw(st.integers(0, 12)) / 4 for _ in range(len(parents) + 1)]  # sums of quarters are exact

    def grown(node: int, start: int) -> TreeNode:
        at, children = start + 1, []
        for child in (i + 1 for i, parent in enumerate(parents) if parent == node):
            children.append(grown(child, at))
            at = children[-1].end
        return TreeNode("pair", start, at + 1, costs[node], tuple(children))

    tree = grown(0, 0)
    return picture(tree), tree


def picture(tree: TreeNode) -> str:
    return "(" + "".join(picture(child) for child in tree.children) + ")"


class Choice(NamedTuple):
    """One way to remove nodes."""

    removed: int
    cost: float
    holes: int


def choices(tree: TreeNode) -> set[Choice]:
    """All ways there are."""
    kept = {
        Choice(sum(c.removed for c in below), tree.cost + sum(c.cost for c in below), sum(c.holes for c in below))
        for below in itertools.product(*(choices(child) for child in tree.children))
    }
    return kept | {Choice(tree.size, 0.0, 1)}


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
    inside = [n for n in tree.walk() if any(start <= n.start < end for start, end in partial.holes)]
    assert set(partial.holes) <= {(node.start, node.end) for node in tree.walk()}
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(partial.holes))
    assert len(partial.holes) <= max_holes
    assert partial.removed == len(inside)
    assert partial.cost == sum(node.cost for node in tree.walk()) - sum(node.cost for node in inside) <= budget
    assert partial.nodes == tree.size


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
    pair = TreeNode("pair", 1, 5, 1.0, (TreeNode("pair", 2, 4, 1.0),))
    tree = TreeNode("pair", 0, 8, 0.0, (pair, TreeNode("pair", 5, 7, 1.0)))
    partial = partial_program(picture(tree), tree, tau=math.exp(-1.5), max_holes=3)
    assert (partial.render("?"), partial.removed, partial.cost) == ("(?())", 2, 1.0)


def test_render_puts_the_mark_where_each_hole_is():
    source = "def f(é):\n    return g(é, 1) + é\n"
    tree = program_tree(source, [(source.index("1"), 3.0), (len(source) - 2, 4.0), (0, 0.5)])
    partial = partial_program(source, tree, tau=math.exp(-1), max_holes=2)
    assert partial.render() == "def f(é):\n    return g(é, ???) + ???\n"
    assert partial.render("□") == "def f(é):\n    return g(é, □) + □\n"
    assert [source[start:end] for start, end in partial.holes] == ["1", "é"]
    assert (partial.removed, partial.nodes, partial.cost) == (2, tree.size, 0.5)


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
        partial_program("()", TreeNode("pair", 0, 2, 1.0), tau=tau, max_holes=1)


def test_less_than_one_hole_is_refused():
    with pytest.raises(ValueError, match="max_holes is 0, wanted at least 1"):
        partial_program("()", TreeNode("pair", 0, 2, 1.0), tau=0.5, max_holes=0)
