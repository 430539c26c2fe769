"""A program's tree: spans are the text's own, and every charge is counted once."""

import ast
import math
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty import tree as module
from uncertainty.tree import UNPARSABLE, ProgramTree, program_tree

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
    tree = program_tree(source, [])
    return [source[slice(*span)] for each, span in zip(tree.kinds, tree.spans, strict=True) if each == kind]


def kinds(source: str) -> list[str]:
    return list(program_tree(source, []).kinds)


def nodes(source: str) -> list[tuple[type[ast.AST], str]]:
    """Kind and text of each node."""
    tree = program_tree(source, [])
    return [(getattr(ast, kind), source[slice(*span)]) for kind, span in zip(tree.kinds, tree.spans, strict=True)]


def charged(source: str, charges: list[tuple[int, float]]) -> list[tuple[str, str, float]]:
    """Kind, first line and cost of each node that costs something."""
    tree = program_tree(source, charges)
    rows = zip(tree.kinds, tree.spans, tree.costs, strict=True)
    return [(kind, source[slice(*span)].split("\n")[0], cost) for kind, span, cost in rows if cost]


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_children_lie_inside_their_parent_in_order_and_apart(source):
    tree = program_tree(source, [])
    for parent, (start, end) in enumerate(tree.spans):
        at = start
        for child in tree.children(parent):
            assert at <= tree.spans[child][0] < tree.spans[child][1] <= end, (tree.kinds[parent], tree.kinds[child])
            at = tree.spans[child][1]


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_the_text_of_an_expression_parses_back_to_its_kind(source):
    for kind, text in nodes(source):
        if issubclass(kind, ast.expr) and kind is not ast.Starred:
            parsed = ast.parse(f"_[{text}\n]", mode="eval").body.slice  # a place where slices may stand too
            assert type(parsed) is kind, text


@pytest.mark.parametrize("source", TRICKY.values(), ids=TRICKY.keys())
def test_the_text_of_a_statement_parses_back_to_its_kind(source):
    tree = program_tree(source, [])
    for name, (start, end) in zip(tree.kinds, tree.spans, strict=True):
        kind = getattr(ast, name)
        if issubclass(kind, ast.stmt):
            column = start - source.rfind("\n", 0, start) - 1
            text = " " * column + source[start:end].replace("\x0c", " ")
            parsed = ast.parse(textwrap.dedent(text).removeprefix("el")).body
            assert [type(statement) for statement in parsed] == [kind], text


def test_every_placed_syntax_node_outside_f_strings_is_in_the_tree():
    for source in TRICKY.values():
        if 'f"' not in source:
            placed = [type(node).__name__ for node in ast.walk(ast.parse(source)) if hasattr(node, "lineno")]
            assert sorted(kinds(source)) == sorted(["Module", *placed])


def test_a_repeated_name_has_a_place_for_each_time():
    tree = program_tree("a = a + a * a\n", [])
    assert [span[0] for kind, span in zip(tree.kinds, tree.spans, strict=True) if kind == "Name"] == [0, 4, 8, 12]


def test_a_column_counts_bytes_and_a_span_characters():
    assert texts('é = "日本" + name\n', "Name") == ["é", "name"]


def test_a_decorated_function_begins_at_its_first_at_sign():
    source = "x = a @ b\n@ (first)\n@second\ndef f(): pass\n"
    assert texts(source, "FunctionDef") == ["@ (first)\n@second\ndef f(): pass"]
    source = "if x:\n  @(  # not @here\n\n    first\n  )\n  class A: pass\n"
    assert texts(source, "ClassDef")[0].startswith("@(  # not")


def test_an_f_string_is_one_node_because_python_misplaces_its_parts():
    source = 'x = f"{a} {b:>{w}}" + c\n'
    assert kinds(source) == ["Module", "Assign", "Name", "BinOp", "JoinedStr", "Name"]
    assert texts(source, "JoinedStr") == ['f"{a} {b:>{w}}"']


def test_only_what_ast_counts_as_line_breaks_breaks_lines():
    assert texts('x = "\u2028\x85\x0b"; y = 3\nz = y\n', "Name") == ["x", "y", "z", "y"]
    assert texts("a = 1\r\nb = 2\rc = 3\nd", "Name") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("source", ["def f(:\n", "x = 'abc\n", "a\x00b", "  x\n y", "(" * 500, "\ud800"])
def test_a_text_that_does_not_parse_is_one_node_that_can_only_go_as_a_whole(source):
    assert program_tree(source, [(0, 1.0)]) == ProgramTree((UNPARSABLE,), ((0, len(source)),), (1,), (math.inf,))


@pytest.mark.parametrize("terms", [50, 600, 3000])
def test_a_text_of_any_depth_exhausts_no_stack(terms):
    tree = program_tree("x = " + "1 + " * terms + "1\n", [(4, 1.0)])
    assert len(tree) in (1, 2 * terms + 4) and tree.sizes[0] == len(tree)  # Python itself may be too deep


def test_a_program_of_too_many_nodes_is_cut_at_a_depth(monkeypatch):
    source = "def f():\n    return (a, b)\nx = 1\n"
    whole = program_tree(source, [])
    monkeypatch.setattr(module, "MOST_NODES", len(whole) - 1)
    tree = program_tree(source, [(source.index("a, b"), 1.5)])
    assert tree.kinds == ("Module", "FunctionDef", "Return", "Tuple", "Assign", "Name", "Constant")
    assert (tree.costs[3], tree.sizes) == (1.5, (7, 3, 2, 1, 3, 1, 1))
    monkeypatch.setattr(module, "MOST_NODES", 2)
    assert program_tree(source, [(0, 2.0)]) == ProgramTree(("Module",), ((0, len(source)),), (1,), (2.0,), is_cut=True)


def test_a_charge_goes_to_the_deepest_node_that_owns_its_character():
    source = "def f(x):\n    return x + 1\n"
    assert charged(source, [(0, 0.5), (6, 1.0), (14, 2.0), (21, 4.0), (23, 8.0), (25, 1.0)]) == [
        ("FunctionDef", "def f(x):", 0.5),
        ("arg", "x", 1.0),
        ("Return", "return x + 1", 2.0),
        ("BinOp", "x + 1", 8.0),
        ("Name", "x", 4.0),
        ("Constant", "1", 1.0),
    ]


def test_a_character_just_behind_a_node_belongs_to_its_parent():
    assert charged("f(x)[y]", [(1, 1.0), (4, 2.0)]) == [("Subscript", "f(x)[y]", 2.0), ("Call", "f(x)", 1.0)]


@LAW
@given(source=sources, charged=charges)
def test_every_charge_is_counted_exactly_once(source, charged):
    assert sum(program_tree(source, charged).costs) == sum(nats for _, nats in charged)  # sums of eighths are exact


@LAW
@given(source=sources, charged=charges)
def test_a_charge_lies_in_its_node_and_in_no_child(source, charged):
    for offset, _ in charged:
        tree = program_tree(source, [(offset, 1.0)])
        (owner,) = (node for node, cost in enumerate(tree.costs) if cost)
        inside = [node for node, (start, end) in enumerate(tree.spans) if start <= offset < end]
        assert owner == (inside[-1] if inside else 0)


def test_a_charge_outside_the_text_goes_to_the_root():
    assert program_tree("x\n", [(-1, 1.0), (99, 2.0)]).costs[0] == 3.0


def test_a_subtree_is_the_nodes_from_its_root_on():
    tree = program_tree("x = y + 1\nz\n", [])
    assert tree.kinds == ("Module", "Assign", "Name", "BinOp", "Name", "Constant", "Expr", "Name")
    assert tree.sizes == (8, 5, 1, 3, 1, 1, 2, 1)
    assert [list(tree.children(node)) for node in (0, 1, 3, 7)] == [[1, 6], [2, 3], [4, 5], []]


def test_a_node_that_python_misplaces_is_no_child(monkeypatch):
    tree = ast.parse("a + b * c\n")
    tree.body[0].value.right.col_offset = 0  # as if it overlapped its neighbour
    monkeypatch.setattr(module.ast, "parse", lambda source: tree)
    assert program_tree("a + b * c\n", []).kinds == ("Module", "Expr", "BinOp", "Name")
