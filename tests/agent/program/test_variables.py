"""Each name is that of one variable; a program whose variables have other names compiles to the same operations."""

import ast

import pytest
from data import humaneval, mbpp, needs_data
from hypothesis import given, settings
from partial_programs import programs, read_instructions, rename_all

from agent.program.syntax import read_module
from agent.program.variables import Variables

TRICKY = [
    "def f(a):\n    class A:\n        a = a\n        def g(self): return a\n    return A",
    "def f(a, b=a, *c, d: a = 1, **e) -> a:\n    return a, b, c, d, e\na = 1",
    "def f(a):\n    return [a for a in a for b in a if a]",
    "def f(a):\n    return lambda a=a, *b: (a, b, [a := b for c in b])",
    "def f(a):\n    global b\n    b = a\n    def g():\n        nonlocal a\n        a = b\n    return g",
    "def f():\n    b = 1\n    def g():\n        global b\n        def h(): return b\n        return h\n    return g",
    "def f(a):\n    import os.path, sys as a\n    from x import y as z\n    return os, a, z",
    "def f(a):\n    try: a\n    except E as b: del b\n    with a as (g, h): return g, h",
    "def f(a):\n    for c, (d, *e) in a: pass\n    return c, d, e",
    "def f(a):\n    match a:\n        case {'k': b, **c} | P(x=b, y=[*c]) as d: return b, c, d",
    "async def f(a):\n    async for b in a: await b\n    return [c async for c in a]",
    "def f(a):\n    def a(): return a\n    return a",
    "def f(a, _x):\n    return f'{a}{_x:>{a}}'",
    "@a\ndef f(a: a): pass",
    "def f(a): return f(a=1)",
    "def f(__a):\n    class A:\n        def g(self): return __a\n    return A",
    "def f(a): return eval('a')",
]


@pytest.mark.parametrize("source", TRICKY)
def test_other_names_leave_the_operations_as_they_are(source):
    assert read_operations(rename_all(source)) == read_operations(source)
    renamed = rename_all(source, called=frozenset("f"))
    wanted = read_instructions(ast.unparse(read_module(source)))
    assert [name for name, _ in read_instructions(renamed)] == [name for name, _ in wanted]


@settings(derandomize=True, deadline=None)
@given(programs)
def test_other_names_leave_the_operations_of_any_program_as_they_are(source):
    assert read_operations(rename_all(source)) == read_operations(source)


@needs_data
@pytest.mark.parametrize("records", [mbpp, humaneval])
def test_other_names_leave_the_operations_of_reference_solutions_as_they_are(records):
    for record in records():
        source = record["canonical_solution"]
        source = source if record["task_id"].startswith("Mbpp") else record["prompt"] + source
        assert read_operations(rename_all(source)) == read_operations(source), record["task_id"]


def read_operations(source: str) -> list[str]:
    """Return the kinds of operations of a program, and which names it looks up outside of functions."""
    return [
        f"{name} {value}" if "GLOBAL" in name or "ATTR" in name else name
        for name, value in read_instructions(ast.unparse(read_module(source)))  # the layout leaves operations, too
    ]


def renamable(source: str, **options) -> set[str]:
    """Return the names of the renamable variables of a program."""
    return {variable.name for variable in Variables(ast.parse(source), **options) if variable.renamable}


def test_what_a_function_binds_is_renamable():
    source = "def f(a, *b):\n    c = [d for d in a]\n    def e(): return len(c)\n    return e\nx = 1"
    assert renamable(source) == {"a", "b", "c", "d", "e"}


def test_what_nobody_calls_in_a_module_is_renamable():
    source = "import os\ndef f(a): return g(a)\ndef g(b): return b\nx = print(os)"
    assert renamable(source, called={"f"}) == {"a", "b", "g", "x"}


@pytest.mark.parametrize("use", ["locals()", "eval('a')", "g(a=1)", "g(**{'a': 1})", "f.__name__", "g.__code__"])
def test_nothing_is_renamable_where_names_are_seen(use):
    assert "a" not in renamable(f"def f(a): return {use}")
