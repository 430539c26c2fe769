"""A program with holes is still Python, whatever its holes are."""

import ast

import pytest

from agent.program.partial_text import write_partial
from uncertainty.tree import program_tree

SOURCE = '''@cache
def f(a, *b, c=1, **d) -> int:
    """Text."""
    import os.path as p, sys
    x[0], y = [i for i in a if i], {**d, "k": f"{a}"}
    with open(p) as g, h:
        for i in range(c, 3):
            x = lambda z: -z[1:2] if z else not z
    try:
        print(*b, sep=c)
    except (A, B) as e:
        raise C from e
    match x:
        case {"a": [1, *r], **k} if k:
            pass
        case P(a=1) | Q(2) as q:
            return q
    global n
    del y
    async with a: await b
    class K(L, metaclass=M): v: int = 1
    return 1
'''.replace("def f", "async def f")


def test_any_node_can_be_a_hole_and_the_rest_stays_python():
    tree = program_tree(SOURCE, [])
    assert len(tree) > 100
    for kind, span in zip(tree.kinds, tree.spans, strict=True):
        text = write_partial(SOURCE, [span])
        ast.parse(text)
        assert SOURCE[: span[0]] == text[: span[0]] and text.endswith(SOURCE[span[1] :]), kind


@pytest.mark.parametrize(
    ("source", "hole", "partial"),
    [
        ("x = f(1)\n", "f(1)", "x = ...\n"),
        ("x = 1\ny = 2\n", "y = 2", "x = 1\n...\n"),
        ("x = 1\n", "x", "_ = 1\n"),
        ("def f(a, b): pass\n", "b", "def f(a, _): pass\n"),
        ("f(key=1)\n", "key=1", "f(...)\n"),
        ("import os\n", "os", "import _\n"),
        ("y = sum(x for x in y)\n", "(x for x in y)", "y = sum(...)\n"),
    ],
)
def test_a_hole_is_written_as_what_python_wants_there(source, hole, partial):
    start = source.index(hole)
    assert write_partial(source, [(start, start + len(hole))]) == partial


def test_several_holes_and_a_text_that_is_no_python():
    assert write_partial("a = b\nc = d\n", [(4, 5), (6, 11)]) == "a = ...\n...\n"
    assert write_partial("def f(:", [(0, 3)]) == "... f(:"
    assert write_partial("x = 1\n", []) == "x = 1\n"
