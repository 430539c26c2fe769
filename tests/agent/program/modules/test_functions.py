"""The functions of real modules are found, with those that are still to be written; what is unclear is one sentence."""

import pytest

from agent.errors import InvalidRequestError
from agent.program.modules.functions import (
    find_scope_names,
    find_stub,
    find_target,
    list_functions,
    read_file_tree,
    read_tree,
)

MODULE = '''\
from abc import abstractmethod
from typing import Protocol, overload


def written(x): return x


def dots(x): ...


async def waits(x):
    """Wait."""


class Outer:
    y = 1

    class Inner:
        def passes(self):
            """Pass."""
            pass

    @property
    def refuses(self):
        raise NotImplementedError("later")

    @abstractmethod
    def abstract(self): ...


class Form(Protocol):
    def form(self) -> int: ...


@overload
def over(x: int) -> int: ...
@overload
def over(x: str) -> str: ...
def over(x):
    def inner(): ...
    return inner


if True:
    def branch(x):
        pass
else:
    def branch(x):
        return x
'''


def named(text):
    return [(each.name, each.is_stub) for each in list_functions(read_tree(text).tree)]


def test_functions_are_listed_with_their_classes_and_declarations_are_none():
    assert named(MODULE) == [
        ("written", False), ("dots", True), ("waits", True), ("Outer.Inner.passes", True), ("Outer.refuses", True),
        ("over", False), ("branch", True), ("branch", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    # TODO\n", "def f(x):  # TODO\n\nx = 1\n", "def f(x):", "def f(x):\n\n\n",
        "def f(x):\n    # one\n    # two",
        "class A:\n    def f(self):\n        # TODO\n\n    def g(self): return 1\n", "if 1:\n\tdef f(x):\n\t\t# TODO\n",
        "\fdef f():\n    # TODO\n", "def f(\n    x,\n) -> int:\n    # TODO: (\n\n\ny = 2\n",
    ],
)  # fmt: skip
def test_a_comment_or_nothing_at_the_end_is_a_body_to_be_written(text):
    assert [name.rpartition(".")[2] for name, is_stub in named(text) if is_stub] == ["f"]


@pytest.mark.parametrize(
    "text", ["def f(x):\n\ny = 1\n", "def f(x):\n# TODO\ny = 1\n", "def f(x):\n    y = (\n", "return\nx ="]
)
def test_what_lacks_more_is_refused_with_its_line(text):
    with pytest.raises(InvalidRequestError, match=r"m\.py:\d+: this is no Python \(.*\); mend it"):
        read_file_tree(text, "m.py")


def test_a_stub_is_found_where_there_is_one_and_several_are_named():
    assert find_stub(read_tree("def f(x): ...\ndef g(x): return 1\n"), "m.py").name == "f"
    assert find_stub(read_tree("x = 1\n"), "m.py") is None
    with pytest.raises(InvalidRequestError) as caught:
        find_stub(read_tree(MODULE), "m.py")
    assert str(caught.value) == (
        "m.py holds 5 functions that are still to be written (dots, waits, Outer.Inner.passes, Outer.refuses, branch), "
        "and one is written at a time; name it, as in dots"
    )
    many = "".join(f"def f{number}(): ...\n" for number in range(20))
    with pytest.raises(InvalidRequestError, match=r"20 functions .* \(f0, .*, f7, …\)"):
        find_stub(read_tree(many), "m.py")


def test_a_name_is_looked_up_with_its_classes_and_a_stub_goes_first():
    source = read_tree(MODULE)
    assert find_target(source, "Outer.Inner.passes", "m.py").node.lineno == 19
    assert find_target(source, "branch", "m.py").is_stub
    assert find_target(read_tree("def ｆ(): ...\n"), "f", "m.py").name == "f", "identifiers are normalised as Python's"
    assert find_target(read_tree("def größe(): ...\n"), "größe", "m.py").is_stub


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wirtten", "m.py defines no function 'wirtten'; the nearest is written"),
        ("passes", "m.py defines no function 'passes'; the nearest is Outer.Inner.passes"),
        ("Outer.writen", "the nearest is"),
        ("Outer", "Outer is a class in m.py, and a function was wanted; name one of its methods, as in Outer.refuses"),
        ("inner", "m.py defines no function 'inner'"),
        ("", "m.py defines no function ''"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(name, sentence):
    with pytest.raises(InvalidRequestError) as caught:
        find_target(read_tree(MODULE), name, "m.py")
    assert sentence in str(caught.value)


def test_a_module_without_functions_and_a_name_with_two_meanings_are_refused():
    with pytest.raises(InvalidRequestError, match="defines no function, and 'f' came"):
        find_target(read_tree("x = 1\n"), "f", "m.py")
    twice = "if 1:\n    def f(): return 1\nelse:\n    def f(): return 2\n"
    with pytest.raises(InvalidRequestError, match=r"m\.py defines f in the lines 2 and 4, and one of them was wanted"):
        find_target(read_tree(twice), "f", "m.py")


def test_names_are_those_of_a_scope_whatever_branch_binds_them():
    text = (
        "import a.b\nfrom c import d as e\nx, (y, z) = 1, (2, 3)\nfor i in x: pass\nwith x as w: pass\n"
        "try:\n    import t\nexcept E as err:\n    u = 1\nmatch x:\n    case 1:\n        m = 1\n"
        "def f(arg):\n    local = 1\nclass C:\n    member = 1\nif (n := 1):\n    def g(): ...\n"
    )
    names = find_scope_names(read_tree(text).tree.body)
    assert names == set("axyzietwumfCng") | {"err"}
