"""Holes are found by their spans, and the tree holds what counts."""

import ast

import pytest
from data import humaneval, mbpp, needs_data
from partial_programs import all_spans

from agent.program.partial_tree import find_hole_nodes, read_partial_tree
from agent.program.syntax import read_module
from agent.program.variables import read_own_names

TRICKY = [
    'é = "日本" + name; x = é\n',
    "@first\n@ second(1)\nclass A:\n    @property\n    def f(self):\n        return 1\n",
    'x = f"é{a} {b:>{w}}" f"""{c}\n {d!r}""" + e\n',
    "\x0cdef f():\n\x0c    return x\n",
    'x = "\u2028\x85\x1c"; y = 3\nz = 4\n',
    'a = """1\r\n2"""\r\nb = 2\rc = 3\n',
    "def f(a, /, b: int = 1, *c, d=2, **e) -> int: return g(a, *c, d=d, **e)\n",
    "match x:\n    case {'a': [1, *r], **k} if k: pass\n    case P(a=1) | Q(2) as q: pass\n",
    "try:\n    pass\nexcept (A, B) as e:\n    raise C from e\nfinally:\n    pass\n",
    "from a import (b as c, d)\nimport e.f as g\n",
]


def find(source: str, span: tuple[int, int]) -> ast.AST:
    """Return the node of one hole."""
    return find_hole_nodes(source, read_module(source), [span])[0]


@pytest.mark.parametrize("source", TRICKY)
def test_every_node_that_may_be_a_hole_is_found_by_its_span(source):
    for start, end in all_spans(source):
        if (start, end) != (0, len(source)):
            node = find(source, (start, end))
            segment = ast.get_source_segment(source, node)
            assert source[start:end].endswith(segment), node
            assert not getattr(node, "decorator_list", []) or source[start] == "@"


@needs_data
def test_every_node_of_reference_solutions_is_found_by_its_span():
    for record in [*mbpp()[::9], *humaneval()[::9]]:
        source = record["prompt"] + record["canonical_solution"]
        spans = [span for span in all_spans(source) if span != (0, len(source))]
        nodes = find_hole_nodes(source, read_module(source), spans)
        assert [ast.get_source_segment(source, node) for node in nodes] == [source[start:end] for start, end in spans]


def test_the_outermost_node_of_a_span_is_the_hole():
    assert isinstance(find("g(1)\nx = 2", (0, 4)), ast.Expr)
    assert isinstance(find("g(1)", (0, 4)), ast.Module)


def test_a_span_of_no_node_and_a_part_of_an_f_string_stand_for_what_is_around():
    assert isinstance(find("x = f'{a}' + b\n", (7, 8)), ast.JoinedStr)
    assert isinstance(find("x = abc + 1\n", (5, 7)), ast.Name)
    assert isinstance(find("x = abc + 1\n", (5, 9)), ast.BinOp)
    assert isinstance(find("x = 1\n\ny = 2\n", (3, 9)), ast.Module)


def test_the_tree_holds_no_layout_texts_or_parentheses():
    one = 'def f(a):\n    """A."""\n    return (a)  # why'
    other = "def f(a): return a"
    assert read_labels(one) == read_labels(other)
    assert read_labels(one) != read_labels(other + " + 1")


def read_labels(source: str) -> list[object]:
    """Return the labels and names of a tree without holes, parents first."""
    nodes = [read_partial_tree(read_module(source), (), read_own_names)]
    for node in nodes:  # it grows
        nodes += [child for slot in node.slots for child in slot]
    return [(node.label, node.names, [len(slot) for slot in node.slots]) for node in nodes]
