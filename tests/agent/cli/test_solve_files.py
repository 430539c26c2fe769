"""`dubito solve` fills a function inside a module, prints a diff, and writes a file only where it may."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from shapes import SHAPES
from trie import TrieLM
from typer.testing import CliRunner

from agent.cli.app import app

ROOT = Path(__file__).parents[3]
MODULE = """\
import os

LIMIT = 3


def f(x: int) -> int:
    \"\"\"Add LIMIT.

    >>> f(1)
    4
    \"\"\"
    ...  # TODO


def g(x):
\treturn later(x)


def later(x):
\treturn f(x)
""".replace("\n", "\r\n")
FILLED = MODULE.replace("...  # TODO", "return x + LIMIT")
PROMPT = 'def f(x):\n    """Double.\n\n    >>> f(2)\n    4\n    """\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, and a state folder in which nothing was written."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("m.py").write_bytes(MODULE.encode())
    Path("prompt.py").write_text(PROMPT)
    return tmp_path / "work"


@pytest.fixture
def solve(place, monkeypatch):
    """Return a function that runs the command with a fake model which knows these answers, likeliest first."""

    def run(*arguments, answers=("\n    return x + LIMIT\n",), stdin=None):
        model = TrieLM({answer: 0.9**number for number, answer in enumerate(answers)}).model()
        monkeypatch.setattr("agent.lm.open.open_lm", lambda name, **options: model)
        options = ["--model", "models/tiny", "--sandbox", "process", "--budget", "programs=1"]
        return CliRunner().invoke(app, ["solve", *options, *arguments], input=stdin)

    return run


def read(name):
    return Path(name).read_bytes().decode()


def out(result):
    return result.stdout_bytes.decode()  # with the line ends that were written


def test_a_pipe_gets_the_file_with_the_function_in_its_place(solve):
    result = solve("--file", "m.py")
    assert (result.exit_code, out(result)) == (0, FILLED), result.output
    assert read("m.py") == MODULE, "nothing is written without --write"


def test_stdin_is_a_module_as_a_file_is(solve):
    result = solve("--file", "-", "--function", "f", stdin=MODULE.encode())
    assert (result.exit_code, out(result)) == (0, FILLED), result.output
    assert "--- a/stdin\n+++ b/stdin\n" in solve("--file", "-", "--diff", stdin=MODULE.encode()).stdout


def test_a_sentence_comes_from_stdin_as_before(solve):
    answer = "def f(x):\n    return x\n"
    assert solve("-", stdin=b"Return x.\n", answers=[answer.removeprefix("def ")]).exit_code in (0, 1, 4, 5)


def test_diff_prints_the_difference_and_git_applies_it(solve, place):
    diff = out(solve("--file", "m.py", "--diff"))
    assert diff.startswith("--- a/m.py\n+++ b/m.py\n@@ ") and "-    ...  # TODO\r\n+    return x + LIMIT\r\n" in diff
    subprocess.run(["git", "apply", "-"], input=diff.encode(), check=True, capture_output=True)
    assert read("m.py") == FILLED


def test_write_changes_the_file_with_a_yes_and_what_it_held_is_kept(solve):
    result = solve("--file", "m.py", "--write", "m.py", "--yes")
    assert (result.exit_code, read("m.py")) == (0, FILLED), result.output
    assert "+    return x + LIMIT" in result.stderr and "wrote 'm.py'; what it held before is in" in result.stderr
    assert Path(re.search(r"is in '(.+?)'", result.stderr)[1]).read_bytes().decode() == MODULE


def test_quiet_writes_without_a_word(solve):
    for command in (["--file", "m.py", "--write", "m.py"], ["--file", "m.py", "--function", "f", "--write", "m.py"]):
        result = solve(*command, "--yes", "--quiet")
        assert (result.exit_code, result.stderr, read("m.py")) == (0, "", FILLED), result.output
    result = solve(
        "--file", "m.py", "--function", "f", "--write", "m.py", "--yes", "--quiet", answers=["\n    return 0\n"]
    )
    assert (result.exit_code, result.stdout, read("m.py")) == (1, "", FILLED)
    reason = "no program passed; the best one fails 1 of 1 example"
    assert result.stderr == f"nothing was written to 'm.py': {reason}\n", "why there is no answer is an error"
    result = solve("--file", "m.py", "--function", "f", "--quiet", answers=["\n    return 0\n"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"dubito: abstained: {reason}\n")


def test_an_open_prompt_is_completed_in_its_file_too(solve):
    result = solve("--file", "prompt.py", "--write", "./prompt.py", "--yes", answers=["\n    return 2 * x\n"])
    assert (result.exit_code, read("prompt.py")) == (0, f"{PROMPT}    return 2 * x\n"), result.output
    Path("prompt.py").write_text(PROMPT)
    result = solve("--file", "prompt.py", "--diff", answers=["\n    return 2 * x\n"])
    assert result.stdout.splitlines()[-1] == "+    return 2 * x"


def test_a_new_file_gets_the_program_without_a_question(solve):
    result = solve("--file", "prompt.py", "--write", "new.py", answers=["\n    return 2 * x\n"])
    assert (result.exit_code, read("new.py")) == (0, f"{PROMPT}    return 2 * x\n"), result.output
    result = solve("--file", "m.py", "--write", "filled.py", "--diff")
    assert read("filled.py") == FILLED and result.stdout.startswith("--- /dev/null\n+++ b/filled.py\n")


def test_another_file_gets_the_function_in_place_of_its_own_or_at_its_end(solve):
    Path("other.py").write_text("def f(x): ...\n\n\ny = 1\n")
    solve("--file", "prompt.py", "--write", "other.py", "--yes", answers=["\n    return 2 * x\n"])
    assert read("other.py") == f"{PROMPT}    return 2 * x\n\n\ny = 1\n"
    Path("other.py").write_text("y = 1\n")
    solve("--file", "prompt.py", "--write", "other.py", "--yes", answers=["\n    return 2 * x\n"])
    assert read("other.py") == f"y = 1\n\n\n{PROMPT}    return 2 * x\n"


def test_a_method_is_checked_inside_its_class(solve):
    Path("shapes.py").write_text(SHAPES)
    body = (
        "\n        ends = self.points[1:] + self.points[:1]"
        "\n        return round(sum(map(distance, self.points, ends)), DIGITS)\n"
    )
    result = solve("--file", "shapes.py", "--function", "Shape.perimeter", answers=[body])
    assert result.exit_code == 0, result.output
    expected = SHAPES.replace("        # TODO: use distance\n        raise NotImplementedError\n", body.lstrip("\n"))
    assert result.stdout == expected


def test_the_file_that_the_page_shows_is_filled_as_it_says(solve):
    page = (ROOT / "docs" / "cli.md").read_text().split("## A function inside a file")[1]
    text = page.split("```text\n")[1].split("```")[0]
    Path("shapes.py").write_text(text)
    result = solve("--file", "shapes.py", answers=["\n        return round(math.pi * self.radius**2, DIGITS)\n"])
    assert result.exit_code == 0 and "# TODO" not in result.stdout, result.output
    assert result.stdout.replace("return round(math.pi * self.radius**2, DIGITS)", "# TODO") in text.replace(
        "# TODO: pi times the square of the radius", "# TODO"
    )


def test_a_wrong_function_is_neither_printed_nor_written(solve):
    result = solve("--file", "m.py", "--write", "m.py", "--yes", answers=["\n    return x\n"])
    assert (result.exit_code, result.stdout, read("m.py")) == (1, "", MODULE)
    assert "nothing was written to 'm.py': no program passed" in result.stderr
    assert solve("--file", "m.py", "--diff", answers=["\n    return x\n"]).stdout == ""


def test_a_function_that_passes_alone_and_breaks_the_module_fails(solve):
    Path("m.py").write_text(MODULE + "assert later(0) == 5\n")
    result = solve("--file", "m.py")
    assert result.exit_code == 1 and "AssertionError" in result.stderr


def test_only_a_claim_that_accept_names_is_written(solve):
    Path("m.py").write_text("def f(x):\n    ...\n\n\ny = 1\n")
    result = solve("--file", "m.py", "--write", "m.py", "--yes", answers=["\n    return x\n"])
    assert (result.exit_code, read("m.py")) == (5, "def f(x):\n    ...\n\n\ny = 1\n"), result.output
    assert "nothing was written to 'm.py': the answer is unverified, and --accept" in result.stderr
    result = solve("--file", "m.py", "--write", "m.py", "--yes", "--accept", "any", answers=["\n    return x\n"])
    assert (result.exit_code, read("m.py")) == (0, "def f(x):\n    return x\n\n\ny = 1\n")


def test_json_says_what_the_file_became(solve):
    record = json.loads(solve("--file", "m.py", "--write", "m.py", "--yes", "--json").stdout)
    assert record["module"] == {"file": "m.py", "function": "f", "text": FILLED}
    assert (record["written"], record["exit_code"], read("m.py")) == (True, 0, FILLED)
    assert "+    return x + LIMIT\r\n" in record["diff"]
    record = json.loads(solve("--file", "prompt.py", "--json", answers=["\n    return 2 * x\n"]).stdout)
    assert (record["module"], record["diff"], record["written"]) == (None, None, False)


def test_a_file_that_changes_meanwhile_is_left_alone_and_the_answer_is_not_lost(solve, monkeypatch):
    import agent.api

    def solve_while_somebody_writes(*arguments, **options):
        result = original(*arguments, **options)
        Path("m.py").write_text("x = 1\n")
        return result

    original = agent.api.solve
    monkeypatch.setattr(agent.api, "solve", solve_while_somebody_writes)
    result = solve("--file", "m.py", "--write", "m.py", "--yes")
    assert (result.exit_code, out(result), read("m.py")) == (2, FILLED, "x = 1\n")
    assert "'m.py' was changed meanwhile, and the head of f is not as it was, so nothing was written" in result.stderr
    Path("m.py").write_bytes(MODULE.encode())
    record = json.loads(solve("--file", "m.py", "--write", "m.py", "--yes", "--json").stdout)
    assert (record["written"], record["exit_code"], record["module"]["text"]) == (False, 2, FILLED)
    assert "was changed meanwhile" in record["error"]


def test_a_module_that_needs_more_than_itself_is_refused(solve):
    Path("m.py").write_text("import requests_of_nobody\n" + MODULE)
    result = solve("--file", "m.py")
    assert result.exit_code == 2 and "m.py does not run by itself in the sandbox" in result.stderr


def test_a_thread_of_a_module_is_resumed(solve):
    first = solve("--file", "m.py", "--thread", "mine")
    assert (first.exit_code, out(first)) == (0, FILLED), first.output
    again = solve("--file", "m.py", "--thread", "mine", answers=["\n    return 5\n"])
    assert (again.exit_code, out(again)) == (0, FILLED), "a run that ended repeats its answer"
    Path("m.py").write_text(MODULE + "z = 1\n")
    assert "was begun with another task" in solve("--file", "m.py", "--thread", "mine").stderr


REFUSED = [  # arguments, the sentence
    (["A sentence.", "--function", "f"], "--function came without --file"),
    (["--task", "exercises/12", "--function", "f"], "--function came without --file"),
    (["A sentence.", "--diff"], "--diff came without a file to compare with"),
    (["--file", "m.py", "--function", "h"], "m.py defines no function 'h'; the nearest is"),
    (["--file", "two.py"], "two.py holds 2 functions that are still to be written (a, b)"),
    (["--file", "bad.py", "--function", "a"], "bad.py:1: this is no Python"),
    (["--file", "whole.py", "--diff"], "whole.py holds no function that is still to be written"),
    (["--file", "m.py", "--write", "m.py"], "'m.py' exists and would be changed, and nobody can be asked here"),
    (["--file", "m.py", "--write", "m.py", "--json"], "nobody can be asked here; agree to it with --yes"),
    (["--file", "m.py", "--write", "../new.py"], "lies outside of the current folder, and nobody can be asked here"),
    (["--file", "m.py", "--write", "out/new.py"], "lies outside of the current folder"),
    (["--file", "m.py", "--write", "notes.txt", "--yes"], "notes.txt:1: this is no Python"),
    (["--file", "m.py", "--write", "latin.py", "--yes"], "is not UTF-8 text (byte 2)"),
    (["--file", "m.py", "--write", "/dev/null", "--yes"], "is no file that could be changed"),
    (["--file", "m.py", "--write", "-", "--yes"], "is no file that could be changed"),
    (["--file", "m.py", "--write", ".", "--yes"], "is a folder"),
    (["--file", "m.py", "--write", "no/such/m.py", "--yes"], "No such file or directory"),
    (["--file", "m.py", "--tests", "tests.py"], "needs total, and the prompt defines"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_has_no_answer_is_refused_before_anything_is_loaded(place, arguments, sentence, monkeypatch):
    monkeypatch.setattr("agent.lm.open.open_lm", None)  # to call it would fail
    Path("two.py").write_text("def a(): ...\n\n\ndef b(): ...\n\n\nx = 1\n")
    Path("bad.py").write_text("def a(:\n")
    Path("whole.py").write_text("def a(): return 1\n")
    Path("notes.txt").write_text("Buy milk.\n")
    Path("latin.py").write_bytes(b"# \xe9\n")
    Path("tests.py").write_text("assert total([1]) == 1\n")
    Path("out").symlink_to("..")
    result = CliRunner().invoke(app, ["solve", "--model", "models/tiny", "--sandbox", "process", *arguments])
    assert (result.exit_code, sentence in result.output) == (2, True), result.output
    assert "\n" not in result.stderr.strip() and read("m.py") == MODULE


PROMPT_OF_TINY = (
    'def total(xs: list[int]) -> int:\n    """Return the sum of the numbers in xs that are even.\n\n'
    '    >>> total([1, 2, 4])\n    6\n    """\n'
)


def on_a_terminal(command, answer):
    """Run a command on a terminal of its own, type an answer, and return what it wrote and its exit code."""
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(command, **streams, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    with suppress(OSError):  # the other end was closed
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return shown.decode(), process.wait()


@pytest.mark.model
def test_a_person_on_a_terminal_is_shown_the_difference_and_asked(place):
    module = f"{PROMPT_OF_TINY}    ...\n\n\ny = 1\n"
    Path("m.py").write_text(module)
    command = [
        sys.executable, "-m", "agent", "solve", "--file", "m.py", "--write", "m.py", "--model", "models/tiny",
        "--sandbox", "process", "--budget", "programs=1", "--plain",
    ]  # fmt: skip
    shown, code = on_a_terminal(command, "n\n")
    assert (code, read("m.py")) == (0, module), shown
    assert "-    ...\r\n" in shown and "'m.py' exists and would be changed. Write it? [y/N]" in shown
    assert "nothing was written\r\n" in shown


@pytest.mark.model
def test_the_embedded_model_fills_a_stub_inside_a_long_module_that_passes_its_doctest(place):
    many = "".join(f"def g{number}(x):\n    return x + {number}\n\n\n" for number in range(400))
    module = f"import os\n\n\n{many}{PROMPT_OF_TINY}    # TODO\n\n\n{many.replace('def g', 'def h')}"
    Path("m.py").write_text(module)
    assert module.count("\n") > 2_000
    arguments = ["solve", "--file", "m.py", "--function", "total", "--model", "models/tiny", "--sandbox", "process"]
    result = CliRunner().invoke(app, [*arguments, "--budget", "programs=2", "--write", "m.py", "--yes"])
    assert result.exit_code == 0, result.output
    before, after = module.split("    # TODO\n")
    assert read("m.py").startswith(before) and read("m.py").endswith(after)
    names = {}
    exec(read("m.py"), names)
    assert names["total"]([1, 2, 4, 7]) == 6


SPEC = """Write a function slug(title).

It joins the words of a title with hyphens.

slug("a b") is "a-b".
"""


@pytest.mark.parametrize("arguments", [["spec.txt"], ["--file", "spec.txt"], ["-"], ["--file", "-"]])
def test_a_text_file_is_a_request_in_words(solve, arguments):
    Path("spec.txt").write_text(SPEC)
    answer = '):\n    return title.replace(" ", "-")\n'
    result = solve(*arguments, stdin=SPEC.encode() if "-" in arguments else None, answers=[answer])
    assert result.exit_code == 0 and result.stdout.endswith(f"def slug(title{answer}"), result.output


def test_a_text_file_that_is_not_there_or_cannot_be_changed_is_refused(solve):
    result = solve("spec.txt")
    assert (
        result.exit_code == 2 and "the request should come from 'spec.txt', and there is no such file" in result.stderr
    )
    Path("spec.txt").write_text(SPEC)
    result = solve("--file", "spec.txt", "--diff")
    assert result.exit_code == 2 and "this is no Python" in result.stderr


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from mod import slug\n\n\ndef test_slug():\n    assert slug('a b') == 'a-b'\n", "slug"),
        ("import unittest\nclass TestIt(unittest.TestCase):\n    def test_a(self):\n"
         "        self.assertEqual(grow(1), 2)\nif __name__ == '__main__':\n    unittest.main()\n", "grow"),
        ("def test_a(tmp_path):\n    assert slug(tmp_path)\n", "f"),
    ],
)  # fmt: skip
def test_a_file_of_tests_alone_is_refused_with_the_command_that_was_meant(solve, text, name):
    Path("test_it.py").write_text(text)
    result = solve("--file", "test_it.py")
    assert result.exit_code == 2 and result.stdout == ""
    assert f'`dubito solve "Write {name}." --tests test_it.py`' in result.stderr


def test_the_command_for_a_file_of_tests_alone_works(solve):
    Path("test_it.py").write_text("from mod import slug\n\n\ndef test_slug():\n    assert slug('a b') == 'a-b'\n")
    result = solve("Write slug.", "--tests", "test_it.py", answers=['title):\n    return title.replace(" ", "-")\n'])
    assert result.exit_code == 0 and "def slug(title)" in result.stdout, result.output
