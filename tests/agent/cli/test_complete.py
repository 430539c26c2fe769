"""`dubito complete` writes the function at a line of a file and nothing else, or says in one sentence why not."""

import json
import re
from pathlib import Path

import pytest
from trie import TrieLM
from typer.testing import CliRunner

from agent.cli.app import app

MODULE = """\
\ufeffimport os

LIMIT = 3


def f(x: int) -> int:
    \"\"\"Add LIMIT.

    >>> f(1)
    4
    \"\"\"
    ...  # TODO


def g(x):
\treturn f(x)
""".replace("\n", "\r\n")
FILLED = MODULE.replace("...  # TODO", "return x + LIMIT")
RIGHT, WRONG = "\n    return x + LIMIT\n", "\n    return x\n"


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """Return a function that runs the command on m.py with a fake model which knows these answers, likeliest first."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("m.py").write_bytes(MODULE.encode())

    def run(*arguments, answers=(RIGHT,), file="m.py", stdin=None, meanwhile=lambda: None):
        def open_lm(name, **options):
            meanwhile()
            return TrieLM({answer: 0.9**number for number, answer in enumerate(answers)}).model()

        monkeypatch.setattr("agent.lm.open.open_lm", open_lm)
        options = ["--model", "models/tiny", "--sandbox", "process", "--budget", "programs=2"]
        return CliRunner().invoke(app, ["complete", file, *options, *arguments], input=stdin)

    return run


def read():
    return Path("m.py").read_bytes().decode()


@pytest.mark.parametrize("where", [["--line", "6"], ["--line", "13"], ["--function", "f"], []])
def test_the_function_is_written_in_its_place_and_the_change_can_be_taken_back(complete, where):
    result = complete(*where, "--yes")
    assert (result.exit_code, read()) == (0, FILLED), result.output
    assert "+    return x + LIMIT" in result.stderr and "what it held before is in" in result.stderr
    kept = re.search(r"what it held before is in '([^']*)'", result.stderr)
    assert kept and Path(kept[1]).read_bytes().decode() == MODULE


def test_a_body_is_written_anew(complete):
    result = complete("--line", "16", "--accept", "any", "--yes", answers=["\n    return f(f(x))\n"])
    assert (result.exit_code, read()) == (0, MODULE.replace("\treturn f(x)", "\treturn f(f(x))")), result.output


def test_diff_prints_the_change_and_writes_nothing(complete):
    result = complete("--line", "6", "--diff")
    assert result.exit_code == 0 and read() == MODULE
    diff = result.stdout_bytes.decode()
    assert diff.startswith("--- a/m.py\n+++ b/m.py\n@@ ") and "+    return x + LIMIT\r\n" in diff
    piped = complete("--line", "6", "--diff", file="-", stdin=MODULE.encode())
    assert piped.stdout_bytes.decode() == diff.replace("m.py", "stdin")


def test_the_doctests_run_first_and_what_fails_them_is_not_written(complete):
    result = complete("--line", "6", "--yes", answers=[WRONG])
    assert (result.exit_code, read()) == (1, MODULE), result.output
    assert "f(1) returned 1, wanted 4" in result.stderr and "nothing was written to 'm.py'" in result.stderr


def test_what_nothing_checks_is_written_where_it_is_accepted(complete):
    plain = MODULE.replace("    >>> f(1)\r\n    4\r\n", "")
    Path("m.py").write_bytes(plain.encode())
    result = complete("--line", "6", "--yes")
    assert result.exit_code in (4, 5) and read() == plain, result.output
    assert "--accept names what is written" in result.stderr
    result = complete("--line", "6", "--yes", "--accept", "any")
    assert (result.exit_code, read()) == (0, plain.replace("...  # TODO", "return x + LIMIT")), result.output


def test_without_a_yes_nothing_is_written_where_nobody_can_be_asked(complete):
    result = complete("--line", "6")
    assert result.exit_code == 2 and "agree to it with --yes" in result.stderr and read() == MODULE


def test_json_is_one_object(complete):
    result = complete("--line", "6", "--yes", "--json")
    record = json.loads(result.stdout)
    assert record["written"] and record["module"]["function"] == "f" and record["exit_code"] == 0 and read() == FILLED


@pytest.mark.parametrize("change", [lambda: Path("m.py").unlink(), lambda: Path("m.py").write_text("x = 1\n")])
def test_a_file_that_was_changed_or_removed_meanwhile_is_left_alone(complete, change):
    result = complete("--line", "6", "--yes", meanwhile=change)
    assert result.exit_code == 2 and "nothing was written" in result.stderr, result.output
    assert not Path("m.py").exists() or read() == "x = 1\n"


@pytest.mark.parametrize(
    ("arguments", "text", "sentence"),
    [
        (["--line", "3"], MODULE, "m.py:3: there is no function in this line; the nearest is f in line 6"),
        (["--line", "99"], MODULE, "m.py has 17 lines, and line 99 came; save it, or give another line"),
        (["--line", "6", "--function", "f"], MODULE, "--line and --function came; choose one of them"),
        (["--function", "h"], MODULE, "defines no function 'h'"),
        ([], FILLED, "holds no function that is still to be written"),
        (["--line", "6"], MODULE.replace("LIMIT = 3", "LIMIT = = 3"), "m.py:3: this is no Python"),
        (["--line", "1"], None, "'m.py', and there is no such file"),
        (["--line", "1"], b"\xff\xfe", "'m.py' is not UTF-8 text (byte 0)"),
    ],
)
def test_what_cannot_be_completed_is_one_sentence_and_the_file_stays_as_it_was(complete, arguments, text, sentence):
    Path("m.py").unlink()
    if text is not None:
        Path("m.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    result = complete(*arguments, "--yes")
    assert result.exit_code == 2 and sentence in result.stderr and result.stderr.count("\n") == 1, result.output
    assert Path("m.py").exists() == (text is not None)


def test_stdin_can_only_be_compared(complete):
    result = complete("--line", "6", file="-", stdin=MODULE)
    assert result.exit_code == 2 and "add --diff, or name a file" in result.stderr
