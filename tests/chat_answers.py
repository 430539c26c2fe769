"""Parts of chat answers around a program: what stands before it, around it and behind it."""
# ruff: noqa: E501 - an answer is read best on one line

import io
import sys
from contextlib import redirect_stdout

from hypothesis import settings
from hypothesis import strategies as st

LAW = settings(derandomize=True, deadline=None, max_examples=60)
REQUEST = 'from typing import List\n\n\ndef add(xs: List[int]) -> int:\n    """Return the sum."""\n'
RIGHT = "def add(xs: List[int]) -> int:\n    return sum(xs)\n"
WRONG = "def add(xs):\n    return 0\n"

PROGRAMS = (
    RIGHT,
    "from typing import List\n\ndef add(xs: List[int]) -> int:\n    total = 0\n\n    for x in xs:\n        total += x\n    return total\n",
    'def add(xs):\n    """Add.\n\n```\nadd([1])\n```\n    """\n    return sum(xs)\n',
    "def add(xs):\n    '''See:\n```python\nadd([1])\n```\nand\n~~~\n1\n~~~\n'''\n    return sum(xs)\n",
    "def add(xs):\n    note = '```'  # ~~~\n    return sum(xs)\n",
    "from __future__ import annotations\nimport functools\n\n@functools.lru_cache\ndef total(xs):\n    return sum(xs)\n\ndef add(xs):\n    return total(tuple(xs))\n",
    "LIMITS = [\n1,\n]\n\ndef helper(x):\n    return x\n\ndef add(xs):\n    return sum(map(helper, xs))\n",
    "class Adder:\n    def of(self, xs):\n        return sum(xs)\n\nadd = Adder().of\n",
    "async def other():\n    pass\n\ndef add(xs):\n\tif xs:\n\t\treturn sum(xs)\n\treturn 0\n",
)  # fmt: skip

LANGUAGES = ("", "python", "Python", "py", "python3", "python3.11", "{python}", "{.python .numberLines}", "python:add.py",
             'python title="add.py"', "python {linenos=true}", "add.py", "python\t", " python ", "ipython", "code")  # fmt: skip


def fenced(
    program: str, *, mark: str = "```", language: str = "python", indent: str = "", close: str | None = None
) -> str:
    lines = f"{mark}{language}\n{program}{mark if close is None else close}\n"
    return "".join(indent + line if line.strip() else line for line in lines.splitlines(keepends=True))


def value(source: str) -> object:
    """What the program's add gives for [1, 2], where nothing can be read and nobody sees what is printed."""
    names: dict[str, object] = {"__name__": "__main__"}
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(source, "program.py", "exec"), names)
            return names["add"]([1, 2])  # type: ignore[operator]
    finally:
        sys.stdin = stdin


USES = (
    "", "\n", "# Tests\nassert add([1]) == 3, 'no'\n", "print(add(None))\n", "result = add('ab')\nprint(result)\n", "\n\n# Example:\nprint(add([1, 2]))  # 3\n",
    "xs = list(map(int, input().split()))\nprint(add(xs))\n", "import sys\nprint(add(sys.stdin.read()))\nsys.exit(1)\n", "exit()\n", "raise SystemExit(1)\n",
    "def test_add():\n    assert add([1]) == 2\n\n\ntest_add()\n", "def check(candidate):\n    assert candidate([1]) == 2\n\ncheck(add)\n",
    "def main():\n    n = int(input())\n    print(add([n]))\n\n\nif __name__ == '__main__':\n    main()\n", "tests = [([1], 2)]\nfor given, wanted in tests:\n    assert add(given) == wanted\n",
    "import unittest\n\nclass TestAdd(unittest.TestCase):\n    def test(self):\n        self.assertEqual(add([1]), 2)\n\nunittest.main()\n",
    "try:\n    print(add('x'))\nfinally:\n    print('done')\n", "while True:\n    print(add([int(input())]))\n", '"""\nIt is simple.\n"""\n',
)  # fmt: skip
NEEDED = (
    "def add(xs):\n    return helper(xs)\n\ndef helper(xs):\n    return sum(xs)\n",
    "def add(xs):\n    return sum(xs) + ZERO\n\nZERO = 0\n",
    "def add(xs):\n    return sum(xs) + add.zero\n\nadd.zero = 0\n",
    "CACHE = {}\ndef add(xs):\n    return sum(xs) + CACHE['zero'][0]\n\nCACHE.update(zero=[])\nfor _ in range(2):\n    CACHE['zero'].append(0)\n",
    "def add(xs):\n    return sum(xs) + ZERO\n\ndef prepare():\n    global ZERO\n    ZERO = 0\n\nprepare()\n",
    "def total(xs):\n    return sum(xs)\n\nadd = total\n",
    "import types\nSTATE = types.SimpleNamespace()\ndef add(xs):\n    return sum(xs) + STATE.zero\n\nsetattr(STATE, 'zero', 0)\n",
    "import sys\ndef add(xs):\n    return sys.maxsize and sum(xs)\n",
    "def twice(f):\n    return lambda xs: f(xs) // 2\n\n@twice\ndef add(xs):\n    return 2 * sum(xs)\n",
    "from builtins import sum as add\n", "add = lambda xs: sum(xs)\n",
    "try:\n    from nowhere import fast as add\nexcept ImportError:\n    add = sum\n",
    "if True:\n    def add(xs):\n        return sum(xs)\n",
    'def add(xs):\n    """Añade — 和。"""\n    größe = sum(xs)\n    return größe\n',
    "def add(xs):\n    return 0\n\nprint(add('x'))\n\ndef add(xs):\n    return sum(xs)\n",
)  # fmt: skip
BEHIND_FUNCTION = (
    "def add(xs):\n    return helper(xs)\n\n# The helper\ndef helper(xs):\n    return sum(xs)\n",
    "def add(xs):\n    return test_sum(xs)\n\n\ndef test_sum(xs):\n    return sum(xs)\n",
    "def add(xs):\n    total = sum(xs)\n# that is all\n    return total\n",
    "class Adder:\n    def one(self):\n        return 1\n\n# add\n    def of(self, xs):\n        return sum(xs)\n\nadd = Adder().of\n",
    "R = {}\n\ndef fill():\n    print('x')\n    R['zero'] = 0\n\nfill()\n\ndef add(xs):\n    return sum(xs) + R['zero']\n",
    "def add(xs):\n    return sum(xs) + ZERO\n\ndef prepare():\n    global ZERO\n    ZERO = 0\n    print(ZERO)\n\nprepare()\n",
    "def add(xs):\n    return sum(xs) + add.zero\n\nsetattr(add, 'zero', 0)\n",
)  # fmt: skip
BEFORE = st.sampled_from([
    "", "Sure!\n", "Sure! Here's the code:\n\n", "First install:\n```bash\npip install nothing\n```\nThen:\n",
    "It's called so:\n```python\nprint(add([1]))  # 1\n```\n", "```\n```\n", "```python\n```\n", "```text\n3\n```\n",
    "A first try:\n```python\ndef add(xs):\n    return 0\n```\nThat's wrong. Corrected:\n", "1. Write:\n\n", "~~~json\n{}\n~~~\n",
    "<think>\nMaybe\n```python\ndef add(xs):\n    return 0\n```\nno.\n</think>\n\n", "<think>hm</think>", "We use `sum`:\n",
    "Its signature:\n```python\ndef add(xs):\n    ...\n```\n", "```python\nfrom solution import add\nprint(add([1]))\n```\n",
    "```python\nimport math\n```\nand\n", "| a | b |\n|---|---|\n", "<thinking>\n```\ndef add(xs): 1\n```\n</thinking>\n",
])  # fmt: skip
BEHIND = st.sampled_from([
    "", "\n", "This adds.\n", "It prints:\n```\n3\n```\n", "Run it:\n```bash\npython add.py\n```\n", "Use:\n```python\nprint(add([1]))\n```\n",
    "Note: it's `sum`.\n", "```\n", "Tests:\n```python\ndef test_add():\n    assert add([1]) == 1\n```\n", "> Done\n",
    "The signature is:\n```python\ndef add(xs):\n    \"\"\"Return the sum.\"\"\"\n```\n", "Use it:\n```python\nfrom solution import add\nprint(add([1]))\n```\n",
    "And:\n```python\nassert add([1]) == 3\n```\n",
])  # fmt: skip
