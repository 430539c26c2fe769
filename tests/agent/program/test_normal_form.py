"""Equal normal forms mean equal behaviour; no continuation of a dropped prefix would have been Python."""

import itertools
import random

import pytest

from agent.program.normal_form import cannot_parse, normal_form, normal_prefix, normal_prefixes

LOOP = "def f(x):\n    total = 0\n    for i in range(x):\n        total += i\n    return total\n"


@pytest.mark.parametrize(
    "other",
    [
        LOOP.replace("total", "s"),
        LOOP.replace("total = 0", "total  =  0  # none yet"),
        LOOP.replace("    total = 0", '    """Sum."""\n    total = 0'),
        LOOP.replace("i", "j").replace("jn", "in").replace("prjnt", "print"),
    ],
)
def test_layout_comments_docstrings_and_local_names_do_not_count(other):
    assert normal_form(other) == normal_form(LOOP)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LOOP, LOOP.replace("range(x)", "range(total)")),
        (LOOP, LOOP.replace("def f", "def g")),
        (LOOP, LOOP.replace("f(x)", "f(y)").replace("range(x)", "range(y)")),  # it may be called as f(x=1)
        ("def f(a):\n    s = 1\n    return sum(a)", "def f(a):\n    sum = 1\n    return sum(a)"),
        ("x = 1\ndef f():\n    return x", "y = 1\ndef f():\n    return y"),
        ("def f():\n    a = 1\n    return locals()", "def f():\n    b = 1\n    return locals()"),
        ("def f():\n    a = 1\n    return f'{a=}'", "def f():\n    b = 1\n    return f'{b=}'"),
        ("def f(s):\n    return s.lower()", "def f(s):\n    return s.upper()"),
        ("class A:\n    a = 1", "class A:\n    b = 1"),
        ("def f():\n    a = b = 1\n    return a - b", "def f():\n    a = b = 1\n    return a - a"),
        ("def f():\n    def g(k): return k\n    return g(k=1)", "def f():\n    def g(m): return m\n    return g(k=1)"),
        ("def f():\n    global a\n    a = 1", "def f():\n    global b\n    b = 1"),
        ("class C:\n    def m(self, x): return x", "class C:\n    def m(self, y): return y"),
        ("f = lambda x: x", "f = lambda y: y"),
        ("def f():\n    return lambda x: x", "def f():\n    return lambda y: y"),
        ("def f():\n    def g(): pass\n    return g.__name__", "def f():\n    def h(): pass\n    return h.__name__"),
        ("def f():\n    'A'\n    return f.__doc__", "def f():\n    'B'\n    return f.__doc__"),
        ("def f(_0):\n    x = 1\n    return _0", "def f(_0):\n    _0 = 1\n    return _0"),
        ("def f(a):\n    x = _local_0 = 1\n    return x", "def f(a):\n    _local_0 = x = 2\n    return x"),
        (
            "def f():\n    def g(a): return a\n    return g(**{'a': 1})",
            "def f():\n    def g(b): return b\n    return g(**{'a': 1})",
        ),
    ],
)
def test_what_may_behave_differently_has_another_form(one, other):
    assert normal_form(one) != normal_form(other)


FREE = "def f(a, b=1):\n    c = [x + K for x in a]\n    return c, b\nK = 3\n"


def test_where_names_are_free_those_of_functions_parameters_and_the_module_do_not_count():
    other = "def solve(xs, y=1):\n    q = [z + M for z in xs]\n    return q, y\nM = 3\n"
    assert normal_form(FREE, any_name=True) == normal_form(other, any_name=True)
    assert normal_form(FREE) != normal_form(other)
    assert normal_form(FREE, any_name=True) != normal_form(other.replace("q, y", "y, q"), any_name=True)
    assert normal_form("def f(a): return g(a=1)", any_name=True) != normal_form(
        "def f(b): return g(a=1)", any_name=True
    )
    assert normal_form("def f(a): return len(a)", any_name=True) != normal_form(
        "def f(a): return sum(a)", any_name=True
    )
    assert normal_form("import os\ndef f(): return os", any_name=True) != normal_form(
        "import re\ndef f(): return re", any_name=True
    )


def test_a_renaming_that_swaps_names_is_seen_through():
    swapped = LOOP.translate(str.maketrans({"i": "q"})).replace("qn", "in")
    assert normal_form(swapped) == normal_form(LOOP)


def test_names_in_comprehensions_handlers_and_patterns_are_local_too():
    one = (
        "def f(x):\n    def g(a):\n        return [b for b in a]\n    try:\n        return g(x)\n"
        "    except ValueError as error:\n        match x:\n            case [first, *rest]:\n"
        "                return first, rest, error"
    )
    pairs = {"b for b": "item for item", "error": "e", "first": "head", "rest": "tail"}
    other = one
    for old, new in pairs.items():
        other = other.replace(old, new)
    assert normal_form(one) == normal_form(other)


def test_of_what_is_no_python_the_text_itself_is_the_form():
    assert normal_form("def f(:\n") == "def f(:"
    assert normal_form(" def f(:\n\n") == "def f(:"


def test_equal_forms_mean_equal_results_on_random_programs():
    chance = random.Random(5)
    names, makers = ("a", "b", "c"), ("{} = {} + 1", "{} = {} * 2", "{} = x - {}")
    seen: dict[str, list] = {}
    for _ in range(400):
        lines = [chance.choice(makers).format(chance.choice(names), chance.choice((*names, "x"))) for _ in range(2)]
        program = "\n    ".join(["def f(x):", "a = b = c = x", *lines, f"return {chance.choice(names)}"])
        namespace: dict = {}
        exec(program, namespace)
        seen.setdefault(normal_form(program), []).append([namespace["f"](x) for x in (0, 1, 5)])
    assert all(results.count(results[0]) == len(results) for results in seen.values())
    assert any(len(results) > 1 for results in seen.values())


@pytest.mark.parametrize(
    "source",
    [
        "x = = 1",
        "def f():\nreturn 1",
        "def f():\n    else:",
        "return (]",
        "x = 'a",
        "def f(x):\n    y = 1\n  z = 2",
        "1 = x",
    ],
)
def test_what_no_continuation_can_mend_cannot_parse(source):
    assert cannot_parse(source)


PROGRAM = '''def f(x):
    """A text
    of lines."""
    try:
        for a in [1,
                  2]:
            if a:
                pass
            elif x:
                print("(")
            else:
                continue
    except (ValueError, KeyError) as e:
        raise
    finally:
        x = {
            "a": 1,
        }
    while x:
        return lambda: x
'''


def test_every_prefix_of_a_program_can_parse():
    lines = PROGRAM.splitlines()
    assert [end for end in range(len(lines) + 1) if cannot_parse("\n".join(lines[:end]))] == []


def test_normal_prefixes_are_those_lines_that_end_a_statement():
    program = "def f(x):\n    y = [\n        1,\n    ]\n    return y\n"
    ends = [end for end in range(1, 6) if normal_prefix("\n".join(program.splitlines()[:end]))]
    assert ends == [1, 4, 5]
    assert len(normal_prefixes(program)) == 3


def test_programs_that_begin_alike_share_those_prefixes_and_no_others():
    one, other = LOOP, LOOP.replace("return total", "return -total").replace("total", "t")
    shared = normal_prefixes(one) & normal_prefixes(other)
    assert len(shared) == 4
    assert normal_form(one) not in shared


def test_blocks_that_stand_open_are_closed_before_they_are_compared():
    for source in (
        "def f():\n    try:\n        x = 1",
        "def f():\n    if a:",
        "for a in b:\n    try:\n        with c:",
    ):
        assert normal_prefix(source) is not None, source
    assert normal_prefix("def f(:") is None


def test_an_open_block_is_not_one_that_does_nothing():
    assert normal_prefix("def f():\n    if a:") != normal_prefix("def f():\n    if a:\n        pass")
    assert normal_prefix("def f():\n    try:\n        a\n    except E:\n        pass") not in normal_prefixes(
        "def f():\n    try:\n        a\n    except E:\n        return 0"
    )


def test_deep_or_long_programs_are_their_own_form():
    deep = "x = " + "(" * 300 + "1" + ")" * 300
    assert normal_form(deep)
    assert normal_form(f"def f():\n    return 0x{'f' * 4000}")
    chain = "x = " + "+".join(itertools.repeat("1", 5000))
    assert normal_form(chain)
