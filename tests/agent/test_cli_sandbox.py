"""`dubito sandbox`: a program's streams are its own, the verdict is the exit code."""

import json

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.cli_sandbox import EXIT_CODES
from sandbox import Verdict


def run(*arguments):
    return CliRunner().invoke(app, ["sandbox", "run", "--name", "process", *map(str, arguments)])


def written(folder, text):
    file = folder / "program.py"
    file.write_text(text)
    return file


def test_every_verdict_has_an_exit_code_that_means_nothing_else():
    assert set(EXIT_CODES) == {verdict.value for verdict in Verdict}
    assert not set(EXIT_CODES.values()) & {2, 3, 130}


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("print('hello')", 0, "passed"),
        ("assert 1 == 2", 1, "AssertionError"),
        ("def f(:", 4, "SyntaxError"),
        ("while True: pass", 5, "timed out"),  # by cpu or, on a busy machine, by the wall clock
        ("x = bytearray(2**32)", 6, "out of memory"),
    ],
)
def test_the_exit_code_is_the_verdict(tmp_path, program, code, said):
    ran = run(written(tmp_path, program), "--seconds", "0.3")
    assert ran.exit_code == code and said in ran.output


def test_a_program_reads_what_it_is_given(tmp_path):
    (tmp_path / "given.txt").write_text("3\n4\n")
    ran = run(written(tmp_path, "print(int(input()) + int(input()))"), "--stdin", tmp_path / "given.txt")
    assert ran.stdout == "7\n" and ran.stderr.startswith("passed (")


def test_json_is_one_object_and_nothing_else(tmp_path):
    ran = run(written(tmp_path, "import sys\nprint('out')\nprint('err', file=sys.stderr)"), "--json")
    told = json.loads(ran.stdout)
    assert (told["verdict"], told["stdout"], told["stderr"]) == ("passed", "out\n", "err\n")


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path):
    ran = run(tmp_path / "none.py")
    assert ran.exit_code == 2 and "no such file" in ran.output
