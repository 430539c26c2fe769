"""A function of a program comes into a module in its place, and everything else of the file stays to the byte."""

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.files.changes import MARK, plain_text
from agent.program.modules.functions import read_tree
from agent.program.modules.module import Module
from agent.program.modules.request import read_module_task

ABOVE = [
    "x = 1\n",
    "# größe\n\n",
    "import os\n",
    's = """a\n\tb"""\n',
    "\f\n",
    "class A:\n    def m(self): return 1\n",
    "\n\n",
]
BELOW = ["\n\ny = 2\n", "\ndef later(): return 3\n", "", "\n# the end", "\nif x := 1:\n\tz = 3\n"]
STUBS = [
    "...",
    "pass",
    "raise NotImplementedError",
    "raise NotImplementedError('# no')  # TODO",
    "# TODO",
    "...  # TODO: it",
]
BODIES = [
    "return x",
    "# Add one.\ny = x + 1\n\nreturn y  # so",
    'text = """a\n  b\n"""\nif x:\n    return text\nfor y in x:\n    if y:\n        return (y,\n                x)',
    "def inner(y):\n    \"\"\"Say.\"\"\"\n    return f'''{y}\n  '''\nreturn inner(x)",
]
DOCSTRINGS = ["", '"""Say."""\n', '"""Größe.\n\n>>> f(1)\n1\n"""  # kept\n']


@st.composite
def modules(draw):
    """Return a file's text around a function, in three parts, the function's name, and the unit of its docstring."""
    unit, endings = draw(st.sampled_from(["    ", "\t", "  "])), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    owner = draw(st.sampled_from([(), ("class K:\n",), ("class K:\n", "class L(K):\n"), ("if True:\n",), ("try:\n",)]))
    head = draw(st.sampled_from(["def f(x):\n", "async def f(x, *, y: int = {'a': 1}['a']) -> dict[str, int]:\n"]))
    head = draw(st.sampled_from(["", "@print\n@(lambda g: g)\n", "# about f\n"])) + head
    margin = unit * len(owner)
    docstring = textwrap.indent(draw(st.sampled_from(DOCSTRINGS)), margin + unit)
    before = "".join(draw(st.lists(st.sampled_from(ABOVE), max_size=4)))
    before += (
        "".join(unit * depth + line for depth, line in enumerate(owner)) + textwrap.indent(head, margin) + docstring
    )
    before = before.removesuffix("\n")
    stub = f"\n{margin}{unit}{draw(st.sampled_from(STUBS))}"
    below = "\n" + (f"{margin}q = 1\n" if owner and owner[-1].startswith("class") else "")
    below += "except E:\n    pass\n" if owner == ("try:\n",) else ""
    below += draw(st.sampled_from(BELOW))
    mark = draw(st.sampled_from(["", MARK]))
    parts = [part.replace("\n", endings) for part in (before, stub, below)]
    name = ".".join(
        [*(line.split()[1].rstrip(":").partition("(")[0] for line in owner if line.startswith("class")), "f"]
    )
    return [mark + parts[0], *parts[1:]], name, unit if docstring else None


def program_of(task, body, unit):
    """Return the task's request, as its module has it, with a body."""
    request = task.request.rstrip("\n")
    last = request.split("\n")[-1]
    line = next(each for each in reversed(request.split("\n")) if "def f(" in each)
    margin = line[: len(line) - len(line.lstrip())]
    assert last.startswith(margin)
    return f"{request}\n{textwrap.indent(body, margin + unit)}\n"


def dump_bodies(text):
    """Return the bodies of all functions f, without docstrings."""
    functions = [
        each
        for each in ast.walk(read_tree(plain_text(text)).tree)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == "f"
    ]
    has_docstring = [ast.get_docstring(each, clean=False) is not None for each in functions]
    return [[*map(ast.dump, each.body[has:])] for each, has in zip(functions, has_docstring, strict=True)]


@given(modules(), st.sampled_from(BODIES), st.sampled_from(["    ", "\t", "   "]))
def test_everything_but_the_function_is_kept_byte_for_byte(module, body, unit):
    (before, stub, below), name, own_unit = module
    written = before + stub + below
    task = read_module_task(written, file="m.py", function=name)
    program = program_of(task, body, own_unit or unit)
    assert read_tree(program), "the request and a body are a program"
    filled = task.module.fill(program)
    assert filled.startswith(before) and filled.endswith(below)
    assert dump_bodies(filled) == dump_bodies(program)
    assert task.module.runnable(program) == plain_text(filled)


def fill(written, program, name=None):
    return read_module_task(written, file="m.py", function=name, edits=True).module.fill(program)


PROGRAM = "def f(x):\n    y = x + 1\n    return y\n"
BODY = "\n    y = x + 1\n    return y"
INNER = BODY.replace("\n", "\n    ")
TWICE = "if 1:\n    def f(x): return 1\nelse:\n    "
OVERLOADS = "@overload\ndef f(x): ...\n\n\n"
PLACED = [  # a stub, and what comes of it
    ("def f(x): ...\n", f"def f(x):{BODY}\n"),
    ("def f(x): ...  # noqa: E704\n", f"def f(x):{BODY}\n"),
    ('def f(x): """Say."""\n', f'def f(x):\n    """Say."""{BODY}\n'),
    ('def f(x): """Say."""  # kept\n', f'def f(x):  # kept\n    """Say."""{BODY}\n'),
    ('def f(x):\n    """Say."""; pass\n', f'def f(x):\n    """Say."""{BODY}\n'),
    ("def f(x):  # kept\n    ...\n", f"def f(x):  # kept{BODY}\n"),
    ("def f(x):  # TODO\n    ...\n", f"def f(x):{BODY}\n"),
    ("def f(x):\n    # kept\n    # TODO\n", f"def f(x):\n    # kept{BODY}\n"),
    ("def f(x):\n    # kept\n", f"def f(x):\n    # kept{BODY}\n"),
    ("def f(x):\n    ...\n    # kept\n    # TODO: more\n# margin\n", f"def f(x):{BODY}\n    # kept\n# margin\n"),
    ('def f(x):\n    """Say."""\n    # kept\n\n\nz = 1\n', f'def f(x):\n    """Say."""\n    # kept{BODY}\n\n\nz = 1\n'),
    ("def f(x):", f"def f(x):{BODY}"),
    ("def f(x):\n\n\n", f"def f(x):{BODY}\n\n\n"),
    ("\fdef f(x):\n\tpass", "\fdef f(x):\n\ty = x + 1\n\treturn y"),
    ("if 1:\n def f(x): ...\n", "if 1:\n def f(x):\n  y = x + 1\n  return y\n"),
    (f"{OVERLOADS}def f(x):\n    raise NotImplementedError\n", f"{OVERLOADS}def f(x):{BODY}\n"),
    (f"{TWICE}def f(x): ...\n", f"{TWICE}def f(x):{INNER}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("stub", "filled"), PLACED)
def test_a_stub_gets_a_body_and_keeps_its_head_and_its_comments(stub, filled):
    assert fill(stub, PROGRAM) == filled


def test_a_body_is_written_anew_and_the_head_stays():
    head, below = 'def f(x: int) -> int:  # head\n    """Say."""', "\n    # below\n\n\nw = 1\n"
    old = f"{head}\n    # old\n    z = 2\n\n    return z  # gone{below}"
    assert fill(old, f'def f(other):\n    """Told otherwise."""{BODY}\n', "f") == f"{head}{BODY}{below}"


def test_hints_of_the_request_are_not_written_twice():
    stub = "def f(x):\n    # add one\n    # TODO: to x\n    ...\n"
    program = read_module_task(stub, file="m.py").request + "    # really\n    return x + 1\n"
    assert fill(stub, program) == "def f(x):\n    # add one\n    # really\n    return x + 1\n"


IMPORTED = (
    "import math\nfrom re import sub, match as m\nimport os.path\n\n\ndef f(x):\n    return m(sub(math.e), os.path)\n"
)
ALL = "import math\nfrom re import sub\nfrom re import match as m\nimport os.path\n"
FUTURE = "from __future__ import annotations\nimport os\nimport math\n"
ADDED = [  # what stands above the function, and with the imports
    ("", f"{ALL}\n\n"),
    ("import math\nm = 1\n\n", "import math\nfrom re import sub\nimport os.path\nm = 1\n\n"),
    ('"""Say."""\n\nx = 1\n', f'"""Say."""\n\n{ALL}\nx = 1\n'),
    ('"""Say."""\nx = 1\n', f'"""Say."""\n\n{ALL}\nx = 1\n'),
    ("#!/usr/bin/python\n# licence\n", f"#!/usr/bin/python\n# licence\n{ALL}\n\n"),
    (FUTURE, f"{FUTURE}from re import sub\nfrom re import match as m\n"),
    ("import math; import os\n", "import math; import os\nfrom re import sub\nfrom re import match as m\n"),
]


@pytest.mark.parametrize(("above", "with_imports"), ADDED)
def test_imports_that_the_body_needs_join_those_of_the_module(above, with_imports):
    filled = fill(f"{above}def f(x): ...\n", IMPORTED)
    assert filled == f"{with_imports}def f(x):\n    return m(sub(math.e), os.path)\n"


def test_imports_that_are_not_needed_or_that_the_module_has_are_left_out():
    assert fill("import re\n\n\ndef f(x): ...\n", "import re\nimport sys\n\n\ndef f(x):\n    return re\n") == (
        "import re\n\n\ndef f(x):\n    return re\n"
    )


HELPER = "LIMIT = 3\n\n\ndef helper(y):\n    return y + LIMIT\n\n\n"
CLASS = """\
class A:
    z = 2

    def f(self):
        return self._h() + self.g() + self.z

    def _h(self):
        return self._i()

    def _i(self):
        return 1

    def g(self):
        return 5

    def other(self):
        return 7
"""
FILLED_CLASS = """\
class A:
    z = 1

    def f(self):
        return self._h() + self.g() + self.z

    def _h(self):
        return self._i()

    def _i(self):
        return 1

    def g(self): return 1
"""


def test_helper_functions_that_the_body_needs_come_above_it_and_others_stay_out():
    program = f"{HELPER}def other(): pass\n\n\ndef f(x):\n    return helper(x)\n\n\nprint(f(1))\n"
    head = "# about f\n@print\ndef f(x):"
    assert fill(f"y = 1\n{head} ...\n", program) == f"y = 1\n\n\n{HELPER}{head}\n    return helper(x)\n"


def test_helper_methods_come_below_the_method_and_what_the_class_has_stays():
    written = "class A:\n\tz = 1\n\n\tdef f(self): ...\n\tdef g(self): return 1\n"
    assert fill(written, CLASS, "A.f") == FILLED_CLASS.replace("    ", "\t")


@pytest.mark.parametrize(
    "program",
    ["def g(x):\n    return 1\n", "def f(x):\n    ...\n", "def f(x:\n", "", "class B:\n    def f(self): return 1\n"],
)
def test_a_program_without_the_function_has_no_place(program):
    module = Module("def f(x): ...\n", "f", "m.py")
    assert module.fill(program) is None
    runs = module.runnable(program)
    assert runs == program if read_tree(program) is None else "does not write f" in runs


def test_lines_of_the_module_lead_back_to_those_of_the_program():
    module = Module("import os\n\n\ndef g(): return 1\n\n\ndef f(x):\n    # hint\n    ...\n\n\nz = 1\n", "f")
    program = "import re\n\n\ndef f(x):\n    # hint\n    y = re\n    return y\n"
    lines = module.runnable(program).split("\n")
    for number, line in enumerate(lines, start=1):
        found = module.find_program_lines(program, [number])
        assert [program.split("\n")[each - 1] for each in found] == (
            [line] if line.strip() in ("y = re", "return y") else []
        )


def test_a_module_whose_other_bodies_are_missing_runs():
    module = Module("def g(x):\n    # TODO: later\n\n\ndef f(x): ...\n", "f")
    compile(module.runnable(PROGRAM), "m.py", "exec")
    assert module.fill(PROGRAM) == f"def g(x):\n    # TODO: later\n\n\n{PROGRAM}"


def test_a_module_of_2000_lines_is_changed_in_one_place():
    many = "".join(f"def g{number}(x):\n    return x + {number}\n\n\n" for number in range(500))
    written = f"{many}def f(x): ...\n\n\n{many.replace('def g', 'def h')}"
    filled = fill(written, f"{PROGRAM}\n\ndef g1(x): return 0\n")
    assert filled == written.replace("def f(x): ...\n", PROGRAM)
