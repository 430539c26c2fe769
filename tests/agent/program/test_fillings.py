"""A text is cut to the code that fits into its hole; what fits nowhere, or says nothing, is no filling."""

import ast

import pytest

from agent.program.fillings import find_misfit, fit_filling, name_filling
from agent.program.holes import find_holes, put_fillings, show_holes

CUT = [  # a file with one hole, what the model writes, and the filling
    ("x = f(...)\n", "1, 2)\ny = 3", "1, 2"),
    ("x = f(...)\n", "1, [2\n, 3], k=4)", "1, [2\n, 3], k=4"),
    ("x = f(...)\n", " 1 ", "1"),
    ("x = ...\n", "1 # one\ny = 2", "1"),
    ("x = ...\n", "1; y = 2", "1"),
    ("x = ...\n", "a[0]\n", "a[0]"),
    ("x = g(\n  ...,\n  2)\n", "3,\n 4", "3,\n 4"),
    ("if ...:\n    pass\n", "x > 0:\n    y", "x > 0"),
    ("x = ... + 1\n", "y + 1", "y + 1"),
    ("x = f(..., key=len)\n", "y, key=len)", "y"),
    ("def f(x):\n    ...\n\nf(1)\n", "    for i in x:\n        yield i\n\nf(1)", "for i in x:\n        yield i"),
    ("def f(x):\n    ...\n", "\n    return x\n\n\ndef g():\n    pass", "return x"),
    ("def f(x):\n    ...\n", "y = (1,\n2)\n    return y\n  z", "y = (1,\n2)\n    return y"),
    ("def f(x):\n    ...\n", "return '''\na'''", "return '''\na'''"),
    ("def f(x):\n    ...\n    return total\n", "total = 0\n    return total\n    z = 1", "total = 0"),
    ("def f(x): ...\n", "\n    return x\ndef g(): pass", "\n    return x"),
    ("def f(x): ...\n", " return x\n    return y", "return x"),
    ("def f(x):\n    ...\n", "return x\n    return (", "return x"),
    ("if x:\n    y = 1\n...\nz = 2\n", "else:\n    y = 2\nz = 2\nz = 3", "else:\n    y = 2"),
    ("...\n", "import re\nx = 1", "import re\nx = 1"),
]  # fmt: skip
NONE = [
    ("x = ...\n", ""),
    ("x = ...\n", "..."),
    ("x = f(...)\n", "..., 1"),
    ("x = ...\n", "1 +"),
    ("x = ...\n", "# one"),
    ("def f(x):\n    ...\n", "pass"),
    ("def f(x):\n    ...\n", "# later"),
    ("def f(x):\n    ...\n", "'''Say.'''"),
    ("def f(x):\n    ...\n", "return ..."),
    ("def f(x):\n    ...\n", "if x:"),
    ("x = ...\n", "return 1"),
]


def only_hole(source):
    (hole,) = find_holes(source)
    return hole, show_holes(source, [hole])


@pytest.mark.parametrize(("source", "text", "filling"), CUT)
def test_a_text_is_cut_where_it_no_longer_fits(source, text, filling):
    hole, plain = only_hole(source)
    assert fit_filling(plain, hole, text) == filling
    compile(put_fillings(source, {hole: filling}), "filled", "exec")
    assert fit_filling(plain, hole, filling) == filling, "a filling fits as it is"


@pytest.mark.parametrize(("source", "text"), NONE)
def test_what_leaves_no_program_or_says_nothing_is_no_filling(source, text):
    hole, plain = only_hole(source)
    assert fit_filling(plain, hole, text) is None


def test_a_subscript_may_hold_an_ellipsis():
    hole, plain = only_hole("def f(x):\n    ...\n")
    assert fit_filling(plain, hole, "return x[..., 0]") == "return x[..., 0]"


def test_the_last_line_of_a_text_that_was_cut_off_does_not_count():
    hole, plain = only_hole("def f(x):\n    ...\n")
    assert fit_filling(plain, hole, "y = 1\n    return yell", whole=False) == "y = 1"
    assert fit_filling(plain, hole, "return yell", whole=False) is None
    hole, plain = only_hole("x = f(...)\n")
    assert fit_filling(plain, hole, "total", whole=False) is None
    assert fit_filling(plain, hole, "total)", whole=False) == "total", "it was whole before the bracket"


@pytest.mark.parametrize(("source", "text", "filling"), CUT)
def test_no_text_is_stopped_within_its_filling(source, text, filling):
    """Decoding that stops at the first misfit gives the filling of the whole text."""
    hole, plain = only_hole(source)
    after = plain[hole.end :]
    end = next((n for n in range(1, len(text) + 1) if find_misfit(hole, text[:n], after) is not None), len(text))
    assert fit_filling(plain, hole, text[:end]) == filling


def test_fillings_are_equal_that_differ_only_in_layout_and_comments():
    hole, _ = only_hole("def f(x):\n    ...\n")
    names = [name_filling(hole, text) for text in ("y = 1\n    return y", "y=1 # one\n\n    return (y)", "return 1")]
    assert names[0] == names[1] != names[2]
    assert ast.dump(ast.parse("y=1")) in name_filling(hole, "y  =  1")
