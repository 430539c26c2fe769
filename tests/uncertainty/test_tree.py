"""A program's tree: spans are the text's own, and every charge is counted once."""

import ast
import math
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty.tree import COST_LIMIT, DEPTH_LIMIT, TreeNode, program_tree

TRICKY = {
    "unicode before a node": 'é = "日本" + name; x = é\n',
    "decorators": "@first\n@ second(1)\nclass A:\n    @property\n    def f(self):\n        return 1\n",
    "f-strings": 'x = f"é{a} {b:>{w}}" f"""{c}\n {d!r}""" + e\n',
    "an f-string over several lines": 'f(f"""\n  {a}\n{b + c}""", d)\n',
    "nested functions": "def f(x):\n    def g(y):\n        return x + y\n    return g\n",
    "a conditional expression": "x = a if a else a\n",
    "form feed": "\x0cdef f():\n\x0c    return x\n",
    "line separators that are not line breaks": 'x = "\u2028\x85\x1c"; y = 3\nz = 4\n',
    "carriage returns": 'a = """1\r\n2"""\r\nb = 2\rc = 3\n',
    "a continued line": "x = 1 + \\\n  y\n",
    "keywords and defaults": "def f(a, /, b: int = 1, *c, d=2, **e) -> int: return g(a, *c, d=d, **e)\n",
    "a match statement": "match x:\n    case {'a': [1, *r], **k} if k: pass\n    case P(a=1) | Q(2) as q: pass\n",
    "exceptions": "try:\n    pass\nexcept (A, B) as e:\n    raise C from e\nfinally:\n    pass\n",
    "comprehensions": "x = [i for i in y if i for j in i]; f(k for k in {a: b for a, b in c})\n",
    "imports": "from a import (b as c, d)\nimport e.f as g\n",
    "lambda and slices": "f = lambda a, *b, c=1: a[1:b, ::c]\n",
    "elif": "if a:\n    b\nelif c:\n    d\nelse:\n    e\n",
    "repeated names": "a = a + a * a\n",
    "no line break at the end": "def f():\n    return 'é'",
    "nothing": "",
    "only a comment": "# nothing\n",
}

LAW = settings(derandomize=True, deadline=None, max_examples=40)

sources = st.sampled_from(sorted(TRICKY.values()))
charges = st.lists(st.tuples(st.integers(-2, 120), st.integers(0, 8).map(lambda eighths: eighths / 8)), max_size=12)


def texts(source: str, kind: str) -> list[str]:
    return [source[node.start : node.end] for node in program_tree(source, []).walk() if node.kind == kind]


def kinds(source: str) -> list[str]:
    return [node.kind for node in program_tree(source, []).walk()]


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_children_lie_inside_their_parent_in_order_and_apart(source):
    for parent in program_tree(source, []).walk():
        at = parent.start
        for child in parent.children:
            assert at <= child.start < child.end <= parent.end, (parent.kind, child.kind)
            at = child.end


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_the_text_of_an_expression_parses_back_to_its_kind(source):
    for node in program_tree(source, []).walk():
        kind = getattr(ast, node.kind)
        if issubclass(kind, ast.expr) and kind is not ast.Starred:
            text = source[node.start : node.end]
            parsed = ast.parse(f"_[{text}\n]", mode="eval").body.slice  # a place where slices may stand too
            assert type(parsed) is kind, text


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_the_text_of_a_statement_parses_back_to_its_kind(source):
    for node in program_tree(source, []).walk():
        kind = getattr(ast, node.kind)
        if issubclass(kind, ast.stmt):
            column = node.start - source.rfind("\n", 0, node.start) - 1
            text = " " * column + source[node.start : node.end].replace("\x0c", " ")
            parsed = ast.parse(textwrap.dedent(text).removeprefix("el")).body
            assert [type(statement) for statement in parsed] == [kind], text


def test_every_placed_syntax_node_outside_f_strings_is_in_the_tree():
    for source in TRICKY.values():
        if 'f"' not in source:
            placed = [type(node).__name__ for node in ast.walk(ast.parse(source)) if hasattr(node, "lineno")]
            assert sorted(kinds(source)) == sorted(["Module", *placed])


def test_a_repeated_name_has_a_place_for_each_time():
    starts = [node.start for node in program_tree("a = a + a * a\n", []).walk() if node.kind == "Name"]
    assert starts == [0, 4, 8, 12]


def test_a_column_counts_bytes_and_a_span_characters():
    assert texts('é = "日本" + name\n', "Name") == ["é", "name"]


def test_a_decorated_function_begins_at_its_first_at_sign():
    source = "x = a @ b\n@ (first)\n@second\ndef f(): pass\n"
    assert texts(source, "FunctionDef") == ["@ (first)\n@second\ndef f(): pass"]


def test_an_f_string_is_one_node_because_python_misplaces_its_parts():
    source = 'x = f"{a} {b:>{w}}" + c\n'
    assert kinds(source) == ["Module", "Assign", "Name", "BinOp", "JoinedStr", "Name"]
    assert texts(source, "JoinedStr") == ['f"{a} {b:>{w}}"']


def test_only_what_ast_counts_as_line_breaks_breaks_lines():
    assert texts('x = "\u2028\x85\x0b"; y = 3\nz = y\n', "Name") == ["x", "y", "z", "y"]
    assert texts("a = 1\r\nb = 2\rc = 3\nd", "Name") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("source", ["def f(:\n", "x = 'abc\n", "a\x00b", "  x\n y", "(" * 500, "\ud800"])
def test_a_text_that_does_not_parse_is_one_node_that_can_only_go_as_a_whole(source):
    tree = program_tree(source, [(0, 1.0)])
    assert tree == TreeNode("unparsable", 0, len(source), math.inf)


@pytest.mark.parametrize("terms", [50, 600, 3000])
def test_a_text_of_any_depth_exhausts_no_stack(terms):
    source = "x = " + "1 + " * terms + "1\n"
    tree = program_tree(source, [(4, 1.0), (len(source) - 2, 1.0)])
    assert tree.size == len(list(tree.walk())) <= 2 * DEPTH_LIMIT + 4


def test_what_lies_below_the_depth_limit_belongs_to_its_ancestor_there():
    tree = program_tree("x = " + "-" * 200 + "y\n", [(203, 1.5)])
    deepest = list(tree.walk())[-1]
    assert (deepest.kind, deepest.cost, tree.size) == ("UnaryOp", 1.5, DEPTH_LIMIT + 2)


def test_a_charge_goes_to_the_deepest_node_that_owns_its_character():
    source = "def f(x):\n    return x + 1\n"
    tree = program_tree(source, [(0, 0.5), (6, 1.0), (14, 2.0), (21, 4.0), (23, 8.0), (25, 1.0)])
    costs = [(node.kind, source[node.start : node.end].splitlines()[0], node.cost) for node in tree.walk() if node.cost]
    assert costs == [
        ("FunctionDef", "def f(x):", 0.5),
        ("arg", "x", 1.0),
        ("Return", "return x + 1", 2.0),
        ("BinOp", "x + 1", 8.0),
        ("Name", "x", 4.0),
        ("Constant", "1", 1.0),
    ]


def test_a_character_just_behind_a_node_belongs_to_its_parent():
    tree = program_tree("f(x)[y]", [(1, 1.0), (4, 2.0)])
    assert [(node.kind, node.cost) for node in tree.walk() if node.cost] == [("Subscript", 2.0), ("Call", 1.0)]


@LAW
@given(source=sources, charged=charges)
def test_every_charge_is_counted_exactly_once(source, charged):
    tree = program_tree(source, charged)
    # Twelve charges of at most one nat each stay below the clamp wherever fewer than ten meet.
    if max(node.cost for node in tree.walk()) < COST_LIMIT:
        assert sum(node.cost for node in tree.walk()) == sum(nats for _, nats in charged)


def test_a_charge_outside_the_text_goes_to_the_root():
    assert program_tree("x\n", [(-1, 1.0), (99, 2.0)]).cost == 3.0


def test_one_wild_token_cannot_cost_more_than_the_limit_and_none_less_than_zero():
    assert [n.cost for n in program_tree("x\n", [(0, math.inf)]).walk()] == [0, 0, COST_LIMIT]
    assert [n.cost for n in program_tree("x\n", [(0, -1.0)]).walk()] == [0, 0, 0]


def test_size_counts_the_nodes_that_walk_yields_parents_first():
    tree = program_tree("x = y + 1\n", [])
    assert [node.kind for node in tree.walk()] == ["Module", "Assign", "Name", "BinOp", "Name", "Constant"]
    assert tree.size == 6
