"""`dubito score` prints spans for people and editors; a file that cannot be scored stops no other one."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.lm import open_lm
from agent.views.editor_setup import PROBLEM, write_vscode_tasks
from benchmarks import find_problem

pytestmark = pytest.mark.model
ROOT = Path(__file__).parents[3]
_PROBLEM = find_problem("exercises/3")
RIGHT = f"{_PROBLEM.prompt}{_PROBLEM.canonical_solution}"
WRONG = RIGHT.replace("> 6", "< 6")
LINE = 1 + RIGHT[: RIGHT.index("> 6")].count("\n")


@pytest.fixture(scope="module")
def tiny():
    return open_lm("models/tiny")


@pytest.fixture
def score(tiny, tmp_path, monkeypatch):
    """Return a function that scores files of these texts, below the current folder, with the embedded model."""
    monkeypatch.setattr("agent.lm.open.open_lm", lambda name, **options: tiny)
    monkeypatch.chdir(tmp_path)

    def run(*options, files=(), stdin=None, **texts):
        for name, text in texts.items():
            Path(f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
        names = [*(f"{name}.py" for name in texts), *files, *(["-"] if stdin is not None else [])]
        return CliRunner().invoke(app, ["score", *names, "--model", "models/tiny", *options], input=stdin)

    return run


def read_problems(text):
    """Return file, line, severity and code of each problem that the matcher finds."""
    matches = [re.match(PROBLEM, line) for line in text.splitlines()]
    return [match.group(1, 2, 6, 7) for match in matches if match]


def test_a_person_sees_the_place_and_what_the_model_would_write(score):
    result = score(a=WRONG)
    assert result.exit_code == 0 and f"a.py:{LINE}:" in result.stdout, result.output
    assert "the model would write" in result.stdout and "`abs(a - b) > 6`" in result.stdout
    assert "1 doubtful span in 1 file, 1 warning among them\n" in result.stderr


def test_the_matcher_reads_each_line_of_the_output(score):
    result = score("--format", "vscode", a=WRONG, b=RIGHT)
    assert read_problems(result.stdout) == [("a.py", str(LINE), "warning", "DUB101")], result.output
    assert len(result.stdout.splitlines()) == 1 and result.stderr == ""


def test_sarif_and_json_are_one_object(score):
    log = json.loads(score("--format", "sarif", a=WRONG, b=RIGHT).stdout)
    jsonschema.validate(log, json.loads((ROOT / "tests/schemas/sarif-2.1.0-rtm.5.json").read_text()))
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.py"
    record = json.loads(score("--format", "json", a=WRONG, b="x = = 1\n").stdout)
    assert [len(each["spans"]) for each in record["files"]] == [1]
    assert record["exit_code"] == 2 and record["errors"][0].startswith("b.py:1: this is no Python (")


@pytest.mark.parametrize(
    ("level", "text", "code"),
    [("never", WRONG, 0), ("warning", WRONG, 1), ("warning", RIGHT, 0), ("info", WRONG, 1), ("info", RIGHT, 0)],
)
def test_fail_on_sets_the_exit_code(score, level, text, code):
    assert score("--fail-on", level, a=text).exit_code == code


def test_stdin_is_scored_under_a_name(score):
    result = score("--format", "vscode", "--stdin-name", "src/a.py", stdin=WRONG)
    assert read_problems(result.stdout) == [("src/a.py", str(LINE), "warning", "DUB101")], result.output
    assert score("--format", "vscode", stdin=WRONG).stdout.startswith(f"stdin:{LINE}:")


def test_line_ends_and_a_byte_order_mark_move_no_place(score):
    plain, windows = (
        score("--format", "vscode", a=WRONG),
        score("--format", "vscode", a="\ufeff" + WRONG.replace("\n", "\r\n")),
    )
    assert plain.stdout == windows.stdout != ""


def test_a_folder_gives_its_python_files_and_no_hidden_one(score, tmp_path):
    for name in ("src/a.py", "src/.venv/b.py", "src/__pycache__/c.py", "src/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(WRONG)
    assert [each[0] for each in read_problems(score("--format", "vscode", files=["src"]).stdout)] == ["src/a.py"]
    (tmp_path / "none").mkdir()
    result = score(files=["none"])
    assert result.exit_code == 2 and "'none' is a folder without a Python file" in result.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def f(:\n", "bad.py:1: this is no Python ("),
        (b"x = '\xff'\n", "'bad.py' is not UTF-8 text (byte 5); save it as UTF-8"),
        (bytes(range(256)), "'bad.py' is not UTF-8 text"),
        ("x = 1\0\n", "bad.py: this is no Python ("),
        ("x = 1\n" * 80_000, "bad.py has 480,000 characters, and a model reads at most 400,000 of a file; split it"),
        ("(" * 5_000, "bad.py:1: this is no Python ("),
    ],
)
def test_a_file_that_cannot_be_scored_costs_one_sentence_and_the_others_are_scored(score, text, sentence):
    result = score("--format", "vscode", bad=text, good=WRONG)
    assert result.exit_code == 2 and [each[0] for each in read_problems(result.stdout)] == ["good.py"]
    assert result.stderr.startswith(f"dubito: {sentence}") and result.stderr.count("\n") == 1, result.stderr


def test_files_that_are_not_there_or_no_files_cost_one_sentence_each(score, tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    result = score("--format", "vscode", files=["gone.py", "pipe.py"], good=WRONG)
    assert result.exit_code == 2 and len(read_problems(result.stdout)) == 1
    gone, pipe = result.stderr.splitlines()
    assert "'gone.py', and there is no such file; check the path" in gone and "'pipe.py' is a pipe" in pipe


def test_an_empty_file_is_not_in_doubt(score):
    result = score(a="", b="\n\n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no span of 2 files is in doubt\n")


def test_whoever_has_no_real_model_is_told_what_the_embedded_one_knows(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("agent.lm.open.open_lm", lambda name, **options: tiny)
    (tmp_path / "a.py").write_text(RIGHT)
    told = CliRunner().invoke(app, ["score", str(tmp_path / "a.py")]).stderr
    assert "models/tiny knows only the exercises it was trained on; get a real model with: dubito models get" in told
    assert (
        "get a real model"
        not in CliRunner().invoke(app, ["score", str(tmp_path / "a.py"), "--model", "models/tiny"]).stderr
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "xml", "a.py"], "unknown format 'xml'; choose from text, vscode, sarif, json"),
        (["--fail-on", "error", "a.py"], "unknown severity 'error'; choose from never, warning, info"),
        (["-", "-"], "`-` came more than once"),
        (["--stdin-name", "b.py", "a.py"], "--stdin-name came without `-`"),
        (["--watch", "-"], "--watch scores files until it is stopped"),
        (["--watch", "--fail-on", "info", "a.py"], "--watch scores files until it is stopped"),
        (["--most", "0", "a.py"], "--most"),
    ],
)
def test_options_that_say_nothing_are_refused_before_a_model_is_loaded(options, sentence, monkeypatch):
    monkeypatch.setattr("agent.lm.open.open_lm", None)
    result = CliRunner().invoke(app, ["score", *options])
    assert result.exit_code == 2 and sentence in result.output


def test_a_model_that_is_not_there_ends_the_command(tmp_path):
    (tmp_path / "a.py").write_text(RIGHT)
    result = CliRunner().invoke(app, ["score", str(tmp_path / "a.py"), "--model", str(tmp_path)])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "is no model" in result.stderr


class _Watched:
    """A process of `score --watch`, and the lines of its rounds."""

    def __init__(self, folder, *arguments):
        command = [sys.executable, "-m", "agent", "score", "--watch", "--model", "models/tiny", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job of a script ignores it
        )  # fmt: skip

    def read_round(self):
        """Return the lines up to the end of a round, as the task's patterns tell it."""
        (watching,) = [task for task in write_vscode_tasks("x") if task.get("isBackground")]
        rhythm = watching["problemMatcher"]["background"]
        lines = [self.process.stdout.readline()]
        assert re.match(rhythm["beginsPattern"], lines[0].rstrip("\n")), lines
        while not re.match(rhythm["endsPattern"], lines[-1].rstrip("\n")):
            assert lines[-1], self.process.stderr.read()
            lines.append(self.process.stdout.readline())
        return "".join(lines)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        return self.process.returncode


def save(path, text):
    """Write a file at another time than before, however coarse the clock of the file system is."""
    path.write_text(text)
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 10**9))


def test_watch_scores_a_file_again_when_it_is_saved_and_keeps_what_it_found_in_others(tmp_path):
    named, other = tmp_path / "a.py", tmp_path / "src" / "b.py"
    other.parent.mkdir()
    named.write_text(WRONG), other.write_text(WRONG)
    watched = _Watched(tmp_path, "a.py", "src")
    try:
        assert [each[0] for each in read_problems(watched.read_round())] == ["a.py"], "of a folder, what is saved"
        save(other, WRONG + "\n")
        assert [each[0] for each in read_problems(watched.read_round())] == ["a.py", "src/b.py"]
        save(named, RIGHT)
        assert [each[0] for each in read_problems(watched.read_round())] == ["src/b.py"]
        save(other, "x = = 1\n")
        assert read_problems(watched.read_round()) == []
        save(other, WRONG)
        assert [each[0] for each in read_problems(watched.read_round())] == ["src/b.py"]
        other.unlink()
        assert read_problems(watched.read_round()) == [], "its spans are gone with it"
        named.unlink()
        assert watched.read_round().startswith("dubito: scoring a.py\n")
        save(named, WRONG)
        assert [each[0] for each in read_problems(watched.read_round())] == ["a.py"]
    finally:
        code = watched.stop()
    assert code == 130
