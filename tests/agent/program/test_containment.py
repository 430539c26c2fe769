"""A reference is contained if, but for the names of its variables, it is the source with its holes filled."""

import random
from typing import Any

import pytest
from data import humaneval, mbpp, needs_data
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from partial_programs import (
    all_spans,
    disjoint,
    expressions,
    has_one_variable_a_name,
    oracle_contains,
    programs,
    read_marked,
    rename_all,
)

from agent.program.containment import contains
from agent.program.normal_form import normal_form

LAW = settings(derandomize=True, deadline=None, max_examples=60)

CONTAINED = {
    "a subtree for an expression": ("def f(a): return «a + 1»", "def f(a): return g(a, [a])"),
    "a run for a statement": ("def f(a):\n    «x = 1»\n    return a", "def f(a):\n    y = 1\n    y += a\n    return a"),
    "no statement": ("def f(a):\n    «x = 1»\n    return a", "def f(a):\n    return a"),
    "a run for an argument": ("f(a, «b»)", "f(a, b, *c, key=d)"),
    "no argument": ("f(a, «b»)", "f(a)"),
    "a run for a keyword": ("f(a, «k=1»)", "f(a, m=2, **n)"),
    "a run for an element": ("[1, «2», 3]", "[1, 3]"),
    "two runs in one list": ("[«1», 2, «3»]", "[2, 2, 4, 2]"),
    "a kept node between two runs": ("[«1», 2, «3», 4, «5»]", "[2, 2, 4, 4]"),
    "a run for an operand": ("a and «b»", "a and c and d"),
    "a value of a dictionary": ("{1: «2», 3: 4}", "{1: [5], 3: 4}"),
    "a decorator": ("@«a»\ndef f(): pass", "@b\n@c(1)\ndef f(): pass"),
    "no decorator": ("@«a»\ndef f(): pass", "def f(): pass"),
    "a decorated function": ("«@a\ndef f(): pass»\nx = 1", "def g(): pass\nx = 1"),
    "a parameter": ("def f(«a», *, k): return k", "def f(a, b=1, *, k): return k"),
    "no parameter": ("def f(«a»): return 1", "def f(): return 1"),
    "a parameter that has a default": ("def f(«a»=1): return 1", "def f(b: int = 1): return 1"),
    "a default": ("def f(a=«1»): return a", "def f(a=[]): return a"),
    "an annotation": ("def f(a: «int»): return a", "def f(a: list[int]): return a"),
    "an exception handler": ("try: a\n«except A: b»\nexcept B: c", "try: a\nexcept C: d\nexcept D: e\nexcept B: c"),
    "an exception's type": ("try: a\nexcept «A»: b", "try: a\nexcept (B, C): b"),
    "a name of an import": ("from a import b, «c as d»", "from a import b, e, f"),
    "a pattern": ("match a:\n    case «[1]»: b", "match a:\n    case {'x': 2} | C(): b"),
    "a part of a pattern": ("match a:\n    case [«1», *_]: b", "match a:\n    case [1, 2, *_]: b"),
    "a class pattern's keyword": ("match a:\n    case P(x=«1»): b", "match a:\n    case P(x=[2]): b"),
    "an f-string": ("x = «f'{a}b'»", "x = str(a)"),
    "a part of an f-string": ("x = f'{«a»}b'", "x = str(a)"),  # the part stands for the whole
    "an else branch": ("if a: b\nelif c: «d»", "if a: b\nelif c:\n    e\n    f"),
    "an elif": ("if a: b\n«elif c: d»", "if a: b\nelse:\n    e\n    f"),
    "a condition of a comprehension": ("[i for i in a if «i»]", "[j for j in a]"),
    "the whole text": ("«def f(): pass»", "import os"),
    "not Python": ("def f(«a»", "import os"),
    "layout and comments": ("def f(a): return  (a)  # why", "def f(a):\n    return a"),
    "docstrings": ('def f(a):\n    """A."""\n    return a', 'def f(a):\n    return a\n    "B."'),
    "only a docstring": ('def f(a):\n    """A."""', "def f(a):\n    pass"),
    "a docstring that is a hole": ('def f(a):\n    «"""A."""»\n    return a', "def f(a):\n    return a"),
    "parameters and locals": ("def f(a):\n    b = a\n    return b", "def f(x):\n    y = x\n    return y"),
    "names that change places": ("def f(a, b): return a - b", "def f(b, a): return b - a"),
    "one name in two scopes": ("def f(a):\n    return [a for a in a]", "def f(a):\n    return [b for b in a]"),
    "two functions": ("def f(a): return a\ndef g(a): return a", "def f(a): return a\ndef g(b): return b"),
    "nested functions": (
        "def f(a):\n    def g(b): return g(a)\n    return g",
        "def f(x):\n    def h(y): return h(x)\n    return h",
    ),
    "captures": (
        "def f(a):\n    match a:\n        case [b, *c]: return b, c",
        "def f(x):\n    match x:\n        case [y, *z]: return y, z",
    ),
    "an exception's name": (
        "def f(a):\n    try: a\n    except A as b: b",
        "def f(x):\n    try: x\n    except A as y: y",
    ),
    "a name that the hole binds": ("def f(n):\n    «s = 0»\n    return s", "def f(n):\n    t = n + 1\n    return t"),
    "a walrus": ("def f(a): return [b for c in a if (b := c)]", "def f(x): return [y for z in x if (y := z)]"),
    "nonlocal": (
        "def f():\n    a = 0\n    def g():\n        nonlocal a\n        a += 1\n    return g",
        "def f():\n    b = 0\n    def g():\n        nonlocal b\n        b += 1\n    return g",
    ),
}  # fmt: skip
NOT_CONTAINED = {
    "two subtrees for one": ("def f(a): return «a»", "def f(a):\n    b = a\n    return b"),
    "no subtree": ("def f(a): return «a»", "def f(a): return"),
    "another kept node": ("def f(a): return «a» + 1", "def f(a): return a - 1"),
    "another kept constant": ("f(«a», 1)", "f(a, 1.0)"),
    "a truth value that equals a number": ("x = 1", "x = True"),
    "another order": ("[«1», 2, 3]", "[3, 2]"),
    "kept children that lie apart": ("[1, 2, «3»]", "[1, 5, 2]"),
    "too few for the kept ones": ("[«1», 2, «3», 2]", "[2]"),
    "a key without its value": ("{1: «2», 3: 4}", "{3: 4}"),
    "an operand of a comparison": ("a < «b»", "a < b < c"),
    "a keyword of another name": ("f(key=«a»)", "f(other=a)"),
    "a default that is not there": ("def f(a=«1»): return a", "def f(a): return a"),
    "an attribute": ("def f(a): return a.b", "def f(a): return a.c"),
    "a builtin": ("def f(a): return len(a)", "def f(a): return sum(a)"),
    "the function's name": ("def f(a): return a", "def g(a): return a"),
    "a name of the module": ("x = 1\ndef f(): return x", "y = 1\ndef f(): return y"),
    "an import": ("def f():\n    import a", "def f():\n    import b"),
    "an import under another name": ("def f():\n    import a as b\n    b.c", "def f():\n    import a as d\n    d.c"),
    "two variables for one": ("def f(a): return a + a", "def f(a, b): return a + b"),
    "one variable for two": ("def f(a):\n    b = 1\n    return a + b", "def f(a):\n    a = 1\n    return a + a"),
    "one name for two variables": ("def f(«a»):\n    b = 1\n    return b", "def f(x):\n    y = 1\n    return x"),
    "a local that becomes a builtin": (
        "def f(a):\n    «a»\n    return len(a)",
        "def f(a):\n    b = 1\n    len(a)\n    return b(a)",
    ),
    "a parameter that calls name": ("def f(a): return f(a=1)", "def f(b): return f(a=1)"),
    "a method": ("class A:\n    def f(self): pass", "class A:\n    def g(self): pass"),
    "a program that sees its names": ("def f(a):\n    return locals()", "def f(b):\n    return locals()"),
    "a reference that is not Python": ("def f(a): return «a»", "def f(a): return ("),
    "global instead of local": ("def f():\n    a = 1", "def f():\n    global b\n    b = 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTAINED)
def test_it_contains(case):
    marked, reference = CONTAINED[case]
    assert contains(*read_marked(marked), reference)


@pytest.mark.parametrize("case", NOT_CONTAINED)
def test_it_does_not_contain(case):
    marked, reference = NOT_CONTAINED[case]
    assert not contains(*read_marked(marked), reference)


def test_the_modules_own_names_may_differ_where_nobody_calls_them():
    source, other = "def g(a): return a\ndef f(a): return g(a)", "def h(a): return a\ndef f(a): return h(a)"
    assert contains(source, [], other, called={"f"})
    assert not contains(source, [], other, called={"f", "h"})
    assert not contains(source, [], other)


def test_a_span_of_no_node_stands_for_the_smallest_node_around_it():
    assert contains("x = g(abc, 2)", [(7, 8)], "x = g(1, 2)")  # the "b" of "abc"
    assert not contains("x = g(abc, 2)", [(7, 8)], "x = h(1, 2)")
    assert contains("x = g(abc, 2)", [(2, 6)], "y = 3; z = 4")  # only the statement is around "= g("


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "1 + " * 3000 + "1",
        "x = " + "not " * 500 + "1",
        "x" + ".a" * 900,
        "\n".join(f"{' ' * i}if a:" for i in range(99)) + " a",
        "x = 0x" + "f" * 9000,
        "x = '\ud800'",
        "\0",
        "\ufeffé = 1",
        "",
    ],
)
def test_no_text_makes_it_raise(text):
    assert contains(text, [(4, 5)], text)
    assert contains(text, [], "x = 1") in (True, False)
    assert not contains("y = 1", [], text)


def test_a_huge_program_is_in_its_own_partial_program():
    line = "    x = [g(a, b) for a in x if a > 1] or {1: b}\n"
    source = "def f(x, b):\n" + line * 600
    start = len("def f(x, b):\n") + 4
    assert contains(source, [(start, start + len(line) - 5)], source + "\n")
    assert not contains(source, [], source + line)


@pytest.mark.parametrize("order", [1, -1])
def test_a_search_among_too_many_runs_ends_with_no(order):
    holes = "[" + "«a», 1, " * 9 + "«a»]", "[«a», 2, «a»]"
    references = "[" + "1, " * 60 + "]", "[3, 3]"
    source = read_marked("; ".join(holes[::order]))
    assert not contains(*source, "; ".join(references[::order]))
    assert contains(*source, "; ".join([references[0], "[2]"][::order]))


@st.composite
def partial_programs(draw):
    """Generate a random program, and up to three holes."""
    source = draw(programs)
    return source, disjoint(draw(st.lists(st.sampled_from(all_spans(source)), max_size=3)))


@LAW
@given(partial_programs())
def test_every_program_is_in_its_own_partial_program(partial):
    source, holes = partial
    assert contains(source, holes, source + "\n")
    assert contains(source, holes, rename_all(source))


@LAW
@given(programs, programs)
def test_a_hole_over_the_whole_text_contains_everything(source, reference):
    assert contains(source, [(0, len(source))], reference)


@LAW
@given(partial_programs(), st.lists(expressions, min_size=3, max_size=3))
def test_a_filled_partial_program_is_contained_under_any_names(partial, fillings):
    source, holes = partial
    filled = source
    for (start, end), text in reversed(list(zip(holes, fillings, strict=False))):
        filled = f"{filled[:start]}({text}){filled[end:]}"
    assume(normal_form(filled) != filled.strip())  # it parses
    assert contains(source, holes, filled)
    assert contains(source, holes, rename_all(filled))


@LAW
@given(partial_programs(), programs, st.data())
def test_more_and_larger_holes_keep_what_is_contained(partial, other, data):
    source, holes = partial
    more = disjoint([*holes, *data.draw(st.lists(st.sampled_from(all_spans(source)), max_size=2))])
    for reference in (other, rename_all(source)):
        assert contains(source, more, reference) or not contains(source, holes, reference)


@LAW
@given(partial_programs(), programs)
def test_the_names_of_the_references_variables_do_not_count(partial, reference):
    assert contains(*partial, reference) == contains(*partial, rename_all(reference))


@LAW
@given(programs, programs)
def test_programs_of_one_normal_form_contain_each_other(source, other):
    if normal_form(source) == normal_form(other):
        assert contains(source, [], other)


@LAW
@given(partial_programs(), st.one_of(programs, st.none()), st.data())
def test_it_agrees_with_an_oracle_that_tries_everything(partial, reference, data):
    source, holes = partial
    if reference is None:  # a near miss: one expression of the source is another one
        start, end = data.draw(st.sampled_from(all_spans(source)))
        reference = f"{source[:start]}{data.draw(expressions)}{source[end:]}"
        assume(normal_form(reference) != reference.strip() and has_one_variable_a_name(reference))
    assert contains(source, holes, reference) == oracle_contains(source, holes, reference)


@needs_data
@pytest.mark.parametrize("records", [mbpp, humaneval])
def test_reference_solutions_are_in_their_own_partial_programs_only(records):
    draw = random.Random(0)
    programs = [_read_solution(record) for record in records()]
    for number, source in enumerate(programs):
        spans = all_spans(source)
        holes = disjoint([draw.choice(spans) for _ in range(draw.randint(0, 4))])
        assert contains(source, holes, source + "\n")
        assert contains(source, holes, rename_all(source)), (source, holes)
        assert contains(source, [(0, len(source))], programs[number - 1])
        assert contains(source, [], programs[number - 1]) == (normal_form(source) == normal_form(programs[number - 1]))


def _read_solution(record: dict[str, Any]) -> str:
    """Return a reference solution; that of HumanEval goes on from its prompt, that of MBPP begins anew."""
    prompt = "" if record["task_id"].startswith("Mbpp") else record["prompt"]
    return prompt + record["canonical_solution"]
