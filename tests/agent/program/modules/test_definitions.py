"""An answer's function comes into a file that exists: in the place of the file's own, or at its end."""

import pytest

from agent.errors import InvalidRequestError
from agent.program.modules.definitions import put_definitions

ANSWER = "import math\nimport os\n\n\ndef helper(x):\n    return math.pi\n\n\ndef f(x):\n    return helper(x)\n"
HELPER = "def helper(x):\n    return math.pi\n"


def test_what_a_file_lacks_is_appended_and_its_imports_join_the_others():
    assert put_definitions("import os\nx = 1", ANSWER, "f", "m.py") == (
        f"import os\nimport math\nx = 1\n\n\n{HELPER}\n\ndef f(x):\n    return helper(x)\n"
    )


@pytest.mark.parametrize(("end", "blank"), [("", "\n\n\n"), ("\n", "\n\n"), ("\n\n\n", ""), ("\n\n\n\n", "")])
def test_two_blank_lines_stand_before_what_is_appended(end, blank):
    new = put_definitions(f"x = 1{end}", "def f(): return 1\n", "f", "m.py")
    assert new == f"x = 1{end}{blank}def f(): return 1\n"


def test_a_function_takes_the_place_of_the_files_own_with_its_decorators():
    old = "import os\r\nimport math\r\n\r\n\r\n# about f\r\n@cache\r\ndef f(x, y): ...\r\n\r\n\r\ny = 2\r\n"
    new = put_definitions(old, ANSWER, "f", "m.py")
    body = f"{HELPER}\n\ndef f(x):\n    return helper(x)\n".replace("\n", "\r\n")
    assert new == f"import os\r\nimport math\r\n\r\n\r\n# about f\r\n{body}\r\n\r\ny = 2\r\n"


def test_a_class_takes_the_place_of_a_class_and_what_is_alike_is_not_repeated():
    old = f"{HELPER}\n\nclass A:\n    pass\n\n\nx = A()\n"
    answer = "def helper( x ):\n    return math.pi  # as it was\n\n\n@print\nclass A:\n    y = 1\n"
    assert put_definitions(old, answer, "A", "m.py") == f"{HELPER}\n\n@print\nclass A:\n    y = 1\n\n\nx = A()\n"


@pytest.mark.parametrize(
    ("old", "answer", "name", "sentence"),
    [
        ("def helper(): return 2\n", ANSWER, "f", "m.py and the answer both define helper, and not alike"),
        ("def f(): return 1\ndef f(): return 2\n", ANSWER, "f", "m.py defines f in another way than once"),
        ("if 1:\n    def f(): return 1\n", ANSWER, "f", "m.py defines f in another way than once"),
        ("x = 1\n", "print(1)\n", None, "the answer defines no function or class"),
        ("x = 1\n", "def f(:\n", "f", "the answer defines no function or class"),
        ("# Notes\n\nBuy milk.\n", ANSWER, "f", "m.py:3: this is no Python"),
    ],
)
def test_what_has_no_place_is_one_sentence(old, answer, name, sentence):
    with pytest.raises(InvalidRequestError) as caught:
        put_definitions(old, answer, name, "m.py")
    assert sentence in str(caught.value)


def test_without_a_name_the_main_function_is_put():
    assert put_definitions("x = 1\n", "def a(): return 1\ndef test_a(): assert a()\n", None, "m.py").startswith(
        "x = 1\n\n\ndef a(): return 1\n"
    )
