"""A person's holes are found, what Python reads as it stands is none, and fillings go where the holes were."""

import ast

import pytest

from agent.errors import InvalidRequestError
from agent.program.holes import find_holes, put_fillings, show_holes

MARKED = [  # a file, the text of each hole
    ("x = ...\n", ["..."]),
    ("def f(x):\n    ...\n", ["..."]),
    ("def f(x): ...\n", ["..."]),
    ('def f(x):\n    """Say.\n\n    >>> f(1)\n    ...\n    """\n    ...\n', ["..."]),
    ("return_ = max(..., key=...)\n", ["...", "..."]),
    ("if ...:\n    pass\n", ["..."]),
    ("key = lambda x: ...\n", ["..."]),
    ("class A:\n    def f(self):\n        ...\n", ["..."]),
    ("class A:\n    class B:\n        def f(self):\n            return ...\n", ["..."]),
    ("def f(x):\n    # dubito: fill\n", ["# dubito: fill"]),
    ("def f(x):\n    #dubito:fill with a loop\n", ["#dubito:fill with a loop"]),
    ("x = # dubito: fill\n", ["# dubito: fill"]),
    ("f(1,\n  # dubito: fill\n)\n", ["# dubito: fill"]),
    ("x: int = ...\n", ["..."]),
    ("class A:\n    x: int = ...  # dubito: fill\n", ["..."]),
    ("é = 'é'; z = ...\n", ["..."]),
]
READ = [  # files whose `...` is no hole
    "x: tuple[int, ...]\n",
    "def f(x: tuple[int, ...]) -> Callable[..., int]:\n    return x\n",
    "F = Callable[..., int]\n",
    "y = a[..., 0] + a[...]\n",
    "def f(x=..., *, y=...):\n    return x\n",
    "g = lambda x=...: x\n",
    "if x is ...:\n    pass\n",
    "y = x is not ...\n",
    "kind = type(...)\n",
    "class E(Exception): ...\n",
    "class A:\n    x: int = ...\n    y = Field(..., gt=1)\n",
    "class P(Protocol):\n    def f(self): ...\n",
    "class P(typing.Protocol[T]):\n    async def f(self):\n        '''Say.'''\n        ...\n",
    "@overload\ndef f(x: int) -> int: ...\n",
    "class A(ABC):\n    @property\n    @abc.abstractmethod\n    def f(self): ...\n",
    "try:\n    f()\nexcept ValueError:\n    ...\n",
    "if TYPE_CHECKING:\n    def f(x): ...\n",
    "if typing.TYPE_CHECKING:\n    x = ...\n",
    "x = f'{...}'\n",
    "@d(...)\ndef f(x):\n    return x\n",
]


@pytest.mark.parametrize(("source", "texts"), MARKED, ids=[source for source, _ in MARKED])
def test_what_a_person_marks_is_a_hole(source, texts):
    holes = find_holes(source)
    assert [source[hole.start : hole.end] for hole in holes] == texts
    assert all(hole.line == 1 + source.count("\n", 0, hole.start) for hole in holes)
    shown = show_holes(source, holes)
    assert len(shown) == len(source) and all(shown[hole.start : hole.start + 3] == "..." for hole in holes)
    ast.parse(shown)
    assert "dubito" not in shown


@pytest.mark.parametrize("source", READ)
def test_what_means_something_as_it_stands_is_no_hole(source):
    with pytest.raises(InvalidRequestError, match="has no hole"):
        find_holes(source)


@pytest.mark.parametrize("source", [each for each in READ if each.count("...") == 1 and "f'" not in each])
def test_the_comment_makes_any_ellipsis_a_hole(source):
    lines = [f"{line}  # dubito: fill" if "..." in line else line for line in source.splitlines()]
    (hole,) = find_holes("\n".join(lines))
    assert put_fillings("\n".join(lines), {hole: "..."}) == source.rstrip("\n"), "the hint goes with its hole"


def test_a_hole_knows_its_hint_its_margin_and_its_brackets():
    source = (
        "def f(x):\n"
        "    if x: ...\n"
        "    y = g(\n"
        "        ...,\n"
        "    )\n"
        "    # dubito: fill, with a binary search\n"
        "    return ...  # dubito: fill: the index\n"
    )
    holes = find_holes(source)
    assert [hole.hint for hole in holes] == ["", "", "with a binary search", "the index"]
    assert [hole.margin for hole in holes] == [5, None, 4, None], "a block behind a colon is deeper than its line"
    assert [hole.in_brackets for hole in holes] == [False, True, False, False]
    filled = put_fillings(source, dict(zip(holes, ["pass", "1", "z = 2\n    z += 1", "z"], strict=True)))
    assert filled.splitlines()[1:] == [
        "    if x: pass", "    y = g(", "        1,", "    )", "    z = 2", "    z += 1", "    return z",
    ]  # fmt: skip
    assert put_fillings(source, {}) == source


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", r"a\.py has no hole; put `\.\.\.` where code is missing"),
        ("x = 1\n", "has no hole; put"),
        ("# dubito: filling station\n", "has no hole; put"),
        ("x = '...'  # ...\n", "has no hole; put"),
        ("\n\nx: A[...] = 1\n", r"because the `\.\.\.` of line 3 means something as it stands"),
        ("x = ...\ny = (\n", r"a\.py:2: with `\.\.\.` in its holes this is no Python \('\(' was never closed\)"),
        ("y = 3  # dubito: fill\n", r"a\.py:1: with .* no Python \(invalid syntax\)"),
        ("return ...\n", r"a\.py:1: .*'return' outside function"),
        ("x = ...\0", r"a\.py: with .* null bytes"),
        ("x = " + "(" * 500 + "..." + ")" * 500, "no Python"),
    ],
)
def test_a_file_without_holes_and_what_is_no_python_around_them_are_refused(source, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        find_holes(source, "a.py")
