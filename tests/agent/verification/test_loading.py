"""A module that cannot run by itself is refused before a program is written for it."""

from contextlib import closing

import pytest

from agent.errors import InvalidRequestError
from agent.program.modules.module import Module
from agent.verification.loading import check_module_loads
from sandbox import Limits, open_sandbox


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "text",
    [
        "import os\n\n\ndef f(x): ...\n",
        "def f(x): ...\n\n\ny = f(1) + 1\n",
        "def g(x):\n    # TODO\n\n\ndef f(x):\n    return 1\n\n\nassert f(1) == 2\n",
        "def f(x): ...\n\n\nif __name__ == '__main__':\n    import nothing\n",
        "try:\n    import nothing\nexcept ImportError:\n    nothing = None\n\n\ndef f(x): ...\n",
    ],
)
def test_a_module_loads_where_only_its_function_is_missing(box, text):
    check_module_loads(box, Module(text, "f", "m.py"), Limits(cpu_seconds=1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing.here\n\n\ndef f(x): ...\n", "ModuleNotFoundError: No module named 'nothing'"),
        ("from . import other\n\n\ndef f(x): ...\n", "ImportError: attempted relative import"),
        ("y = open('/no/such/file')\n\n\ndef f(x): ...\n", "FileNotFoundError: .*"),
        ("while True: pass\ndef f(x): ...\n", "it timed out"),
        ("import sys\nsys.exit(0)\n\n\ndef f(x): ...\n", "SystemExit: 0"),
    ],
)
def test_a_module_that_needs_more_is_refused_with_the_reason(box, text, reason):
    with pytest.raises(InvalidRequestError, match=rf"^m\.py does not run by itself in the sandbox \({reason}"):
        check_module_loads(box, Module(text, "f", "m.py"), Limits(cpu_seconds=1))
