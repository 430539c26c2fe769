"""A command ends with an exit code that says the truth, whatever its streams, interrupts and errors are."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.choices import ACCEPTED_CLAIMS
from agent.cli.exits import STANDING_CODES, exit_code_of, report_errors
from agent.errors import InvalidRequestError, StorageError
from agent.views.say import complain, say, write_data
from agent.workflow.standing import Standing

ROOT = Path(__file__).parents[3]
DUBITO = f"{sys.executable} -m agent"


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $D is dubito; the exit code is dubito's."""
    line = f"{command.replace('$D', DUBITO)}; exit ${{PIPESTATUS[0]}}"
    # bash ends at a closed stdout by itself where it has something to say, so it says nothing
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("$D --help >/dev/full", 3, "dubito: cannot write to stdout: No space left on device"),
        ("$D exercises show 12 >/dev/full", 3, "dubito: cannot write to stdout: No space left on device"),
        ("$D solve --json --nosuch >/dev/full", 3, "dubito: cannot write to stdout: No space left on device"),
        ("$D exercises show 12 >/dev/full 2>/dev/full", 3, ""),
        ("$D exercises show 12 >&-", 3, "dubito: stdout is closed"),
        ("$D exercises show 12 >&- 2>&-", 3, ""),
        ("$D exercises show 12 2>&- <&-", 0, ""),
        ("$D exercises show nosuch 2>/dev/full", 2, ""),
        ("$D exercises show nosuch 2>&-", 2, ""),
        ("$D bench run --help | true", 3, ""),
    ],
)
def test_a_stdout_that_cannot_be_written_fails_the_command_and_a_stderr_does_not(command, code, sentence):
    ran = shell(command)
    assert ran.returncode == code, ran
    assert ran.stderr.startswith(sentence) and ran.stderr.count("\n") == bool(sentence), ran.stderr


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("agent.cli.solve", ""),
        ("agent.cli.choices", ""),
        ("torch", "dubito: interrupted; a run with --thread NAME goes on when started again\n"),
    ],
)
def test_an_interrupt_while_python_imports_is_no_traceback(module, said):
    code = (
        "import os, signal, sys, agent.__main__\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job of a script ignores it
        "class Interrupting:\n"
        "    def find_spec(self, name, *others):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.argv = ['dubito', 'solve', 'A sentence.', '--sandbox', 'process']\n"
        "agent.__main__.main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (130, ""), ran
    assert ran.stderr.endswith(said) and "Traceback" not in ran.stderr


def test_what_nobody_expected_is_code_3_and_a_sentence_that_names_the_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def ended(as_json=False):
        with pytest.raises(typer.Exit) as end, report_errors(as_json):
            raise TypeError("a \ud800 of\nno use \x1b[2J")
        return end.value.exit_code, capsys.readouterr()

    code, (out, err) = ended()
    file = tmp_path / "dubito" / "traceback.txt"
    assert (code, out) == (3, "")
    assert err == f"dubito: this is a bug in dubito: TypeError: a � of⏎no use �[2J; the traceback is in {file}\n"
    assert "raise TypeError" in file.read_text()
    code, (out, err) = ended(as_json=True)
    assert json.loads(out)["exit_code"] == code == 3 and "TypeError: a \\ud800 of" in json.loads(out)["error"]
    monkeypatch.setenv("DUBITO_DEBUG", "1")
    assert "raise TypeError" in ended()[1].err


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InvalidRequestError("no"), 2, "no"),
        (StorageError("none"), 3, "none"),
        (MemoryError(), 3, "there is not enough memory"),
        (OSError(28, "No space left"), 3, "the machine refused something: OSError: [Errno 28] No space left"),
        (KeyboardInterrupt(), 130, "interrupted; a batch with --out FILE goes on"),
        (EOFError(), 130, "interrupted; a batch"),
        (BaseException("a panic"), 3, "this is a bug in dubito: BaseException: a panic"),
        (InvalidRequestError(""), 2, ""),
        (RecursionError(), 3, "this is a bug in dubito: RecursionError; "),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code, sentence, capsys):
    with pytest.raises(typer.Exit) as end, report_errors(False, resumes="a batch with --out FILE"):
        raise error
    assert end.value.exit_code == code
    assert sentence in capsys.readouterr().err


def test_an_interrupt_that_a_library_turned_into_its_own_error_is_an_interrupt(capsys):
    with pytest.raises(typer.Exit) as end, report_errors(False):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("numpy did not load") from error
    assert (end.value.exit_code, capsys.readouterr().err) == (130, "dubito: interrupted\n")


@pytest.mark.parametrize("behind", [EOFError("cut off"), KeyboardInterrupt(), typer.Abort()])
@pytest.mark.parametrize(("error", "code"), [(InvalidRequestError("it is cut off"), 2), (StorageError("none"), 3)])
def test_an_error_with_a_sentence_of_its_own_is_no_interrupt_whatever_is_behind_it(behind, error, code, capsys):
    with pytest.raises(typer.Exit) as end, report_errors(False):
        raise error from behind
    assert (end.value.exit_code, capsys.readouterr().err) == (code, f"dubito: {error}\n")


def test_an_unexpected_error_that_comes_of_an_end_of_file_is_no_interrupt(capsys):
    with pytest.raises(typer.Exit) as end, report_errors(False):
        raise ValueError("no pickle") from EOFError()
    assert end.value.exit_code == 3 and "interrupted" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["solve", "--nosuch"], ["solve", "--seed", "x"], ["nosuch"], ["solve", "a", "b"], ["bench", "check"], ["bench"]],
)
def test_the_parsers_own_errors_are_one_sentence_and_with_json_an_object(arguments):
    plain, as_json = (CliRunner().invoke(app, [*arguments, *more]) for more in ([], ["--json"]))
    assert plain.exit_code == as_json.exit_code == 2
    if arguments != ["bench"]:  # which shows its help
        assert plain.stderr.startswith("dubito: ") and plain.stderr.count("\n") == 1, plain.stderr
    assert json.loads(as_json.stdout)["exit_code"] == 2


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("slove x", "Did you mean 'solve'"),
        ("bench rn", "Did you mean 'run'?"),
        ("models gte", "Did you mean 'get'?"),
        ("solve --modle x", "did you mean --model?"),
        ("bench run exercises --polcy greedy", "did you mean --policy?"),
        ("--verison", "did you mean --version?"),
    ],
)
def test_a_mistyped_command_or_option_is_answered_with_the_nearest(line, nearest):
    ended = CliRunner().invoke(app, line.split())
    assert (ended.exit_code, nearest in ended.stderr) == (2, True), ended.stderr
    assert "Possible options" not in ended.stderr


def test_the_version_is_one_line_with_the_packages_that_a_report_of_a_bug_needs():
    ended = CliRunner().invoke(app, ["--version"])
    assert ended.exit_code == 0
    assert re.fullmatch(r"dubito \S+.* \(Python 3\.\S+, torch \S+, transformers \S+, langgraph \S+\)\n", ended.stdout)


def test_help_has_a_short_name_everywhere():
    for command in ([], ["solve"], ["bench", "run"], ["sandbox", "run"]):
        result = CliRunner().invoke(app, [*command, "-h"])
        assert (result.exit_code, "Usage" in result.stdout) == (0, True)


def test_what_is_said_is_cleaned_and_an_error_never_breaks_a_line(capsys):
    say("a\x1b]0;x\x07b \u202e c\u200bd \ud800 \u2028\nnext")
    complain("the file 'a\nb\r\x9b' is none")
    assert capsys.readouterr() == ("a�]0;x�b � c�d � �\nnext\n", "dubito: the file 'a⏎b��' is none\n")


def test_data_is_exact_unless_a_terminal_would_obey_it(capsys, monkeypatch):
    write_data("x = '\x1b[2J'")
    monkeypatch.setattr("agent.views.say.is_watched", lambda err: True)
    write_data("x = '\x1b[2J'")
    assert capsys.readouterr().out == "x = '\x1b[2J'\nx = '�[2J'\n"


def test_nothing_but_the_view_and_one_module_writes_to_the_terminal():
    views = {f"agent/views/{name}.py" for name in ("say", "terminal", "progress", "questions", "consoles")}
    writers = {*views, "agent/cli/streams.py", "benchmarks/speed/sandbox.py"}
    for path in [*ROOT.glob("agent/**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("uncertainty/*.py")]:
        if str(path.relative_to(ROOT)) in writers:
            continue
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        prints = [each for each in calls if each.endswith((".echo", ".secho", "stdout.write", "stderr.write"))]
        prints += [each for each in calls if each in ("print", "console.print", "Console", "click.echo")]
        allowed = ["Console"] if path.match("agent/cli/*.py") else []
        assert [each for each in prints if each not in allowed] == [], path


@pytest.mark.parametrize("columns", ["0", "x", "20"])
def test_help_names_its_options_at_any_width(columns):
    result = shell("$D solve --help", COLUMNS=columns)
    assert result.returncode == 0 and "--min-probability" in result.stdout and "--budget" in result.stdout


def test_a_current_folder_that_is_gone_is_said(tmp_path):
    (tmp_path / "gone").mkdir()
    ran = shell(f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && $D exercises show 12", PYTHONPATH=str(ROOT))
    assert (ran.returncode, ran.stderr) == (
        3,
        "dubito: the current folder is gone; change to one that exists, as in: cd ~\n",
    )


TURNED = """
import os, signal
from agent.cli import interrupts
from agent.cli.choices import ACCEPTED_CLAIMS
from agent.cli.exits import STANDING_CODES, exit_code_of, report_errors
interrupts.watch()
with report_errors(as_json=False):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    raise ImportError("cannot load module more than once per process")
"""


def test_an_interrupt_that_a_library_turned_into_an_error_is_an_interrupt():
    result = subprocess.run([sys.executable, "-c", TURNED], capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.stderr.startswith("dubito: interrupted\n") and "bug" not in result.stderr


@pytest.mark.parametrize(
    ("accept", "codes"), [("verified", [0, 4, 5, 1]), ("agreed", [0, 0, 5, 1]), ("any", [0, 0, 0, 1])]
)
def test_a_claim_that_is_not_accepted_has_an_exit_code_of_its_own(accept, codes):
    assert list(ACCEPTED_CLAIMS) == ["verified", "agreed", "any"]
    assert [exit_code_of(standing, accept) for standing in Standing] == codes


def test_every_claim_has_an_exit_code():
    assert set(STANDING_CODES) == set(Standing)
