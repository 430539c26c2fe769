"""`dubito sandbox`: a program's streams are its own, the verdict is the exit code."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.exits import VERDICT_CODES
from sandbox import Verdict


def run(*arguments):
    return CliRunner().invoke(app, ["sandbox", "run", "--name", "process", *map(str, arguments)])


def written(folder, text):
    file = folder / "program.py"
    file.write_text(text)
    return file


def test_every_verdict_has_an_exit_code_that_means_nothing_else():
    assert set(VERDICT_CODES) == set(Verdict)
    assert not set(VERDICT_CODES.values()) & {2, 3, 130}


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("print('hello')", 0, "passed"),
        ("assert 1 == 2", 1, "AssertionError"),
        ("def f(:", 4, "SyntaxError"),
        ("while True: pass", 5, "timed out"),  # by cpu or, on a busy machine, by the wall clock
        ("x = bytearray(2**32)", 6, "out of memory"),
        ("import sys; print('done'); sys.exit(0)", 0, "left with exit code 0"),
        ("raise SystemExit", 0, "left with exit code 0"),
        ("import sys; sys.exit(3)", 1, "failed"),
        ("raise SystemExit('no such thing')", 1, "no such thing"),
        ("import os; os._exit(0)", 0, "left with exit code 0"),
    ],
)
def test_the_exit_code_is_the_verdict(tmp_path, program, code, said):
    ran = run(written(tmp_path, program), "--seconds", "0.3")
    assert ran.exit_code == code and said in ran.output


def test_a_program_reads_what_it_is_given(tmp_path):
    (tmp_path / "given.txt").write_text("3\n4\n")
    ran = run(written(tmp_path, "print(int(input()) + int(input()))"), "--stdin", tmp_path / "given.txt")
    assert ran.stdout == "7\n" and ran.stderr.startswith("passed (")


@pytest.mark.parametrize("option", [[], ["--stdin", "-"]])
def test_a_program_reads_what_is_piped(tmp_path, option):
    program = written(tmp_path, "import sys\nprint(len(sys.stdin.read()))")
    command = [sys.executable, "-c", "from agent.cli.app import main; main()", "sandbox", "run", "--sandbox", "process"]
    ran = subprocess.run([*command, str(program), *option], input="abc", capture_output=True, text=True, check=True)
    assert ran.stdout == "3\n"


def test_a_file_on_standard_input_is_left_for_whoever_reads_it_next(tmp_path):
    program, names = written(tmp_path, "import sys\nprint(len(sys.stdin.read()))"), tmp_path / "names"
    names.write_text("one\ntwo\n")
    line = f"while read name; do {sys.executable} -m agent sandbox run --sandbox process {program}; done < {names}"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert ran.stdout == "4\n0\n"  # what the shell has not read yet


def test_a_program_may_come_from_standard_input():
    ran = CliRunner().invoke(app, ["sandbox", "run", "--sandbox", "process", "-"], input="print(5)")
    assert (ran.exit_code, ran.stdout) == (0, "5\n")


def test_a_coding_line_is_heeded(tmp_path):
    file = tmp_path / "latin.py"
    file.write_bytes("# -*- coding: latin-1 -*-\nprint(ascii('é'))\n".encode("latin-1"))
    assert run(file).stdout == "'\\xe9'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "inf"], "86400"),
        (["--seconds", "nan"], "86400"),
        (["--seconds", "0"], "0.01"),
        (["--memory-mib", str(10**30)], "1048576"),
        (["--sandbox", "nosuch"], "unknown sandbox 'nosuch'"),
    ],
)
def test_a_bound_that_cannot_be_had_is_refused(tmp_path, arguments, said):
    ran = run(written(tmp_path, "pass"), *arguments)
    assert ran.exit_code == 2 and said in " ".join(ran.output.split())


@pytest.mark.parametrize(
    "content", [b"# coding: nosuch\n", b"print('\xff')\n", b"# coding: utf-8\n\xe9 = 1\n", b"# coding: base64\nx"]
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    file = tmp_path / "odd.py"
    file.write_bytes(content)
    ran = run(file)
    assert ran.exit_code == 2 and "save it as UTF-8" in " ".join(ran.output.split())


def test_json_is_one_object_and_nothing_else(tmp_path):
    ran = run(written(tmp_path, "import sys\nprint('out')\nprint('err', file=sys.stderr)"), "--json")
    record = json.loads(ran.stdout)
    assert (record["verdict"], record["stdout"], record["stderr"]) == ("passed", "out\n", "err\n")


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path):
    ran = run(tmp_path / "none.py")
    assert ran.exit_code == 2 and "no such file" in ran.output
