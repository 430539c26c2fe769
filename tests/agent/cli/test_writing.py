"""A file that holds something, or lies outside, is changed only after a yes, and the difference is shown before."""

from pathlib import Path

import pytest

from agent.cli.writing import check_write, plan_answer, write_edit
from agent.errors import InvalidRequestError
from agent.files.edits import Edit
from agent.program.modules.request import read_module_task
from agent.program.task import read_task


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def answering(answer, questions):
    def confirm(question):
        questions.append(question)
        return answer

    return confirm


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked_after_the_difference_was_shown(answer, capsys):
    Path("a.py").write_text("x = 1\n")
    questions = []
    written = write_edit(Edit(Path("a.py"), b"x = 1\n", b"x = 2\n"), confirm=answering(answer, questions))
    assert questions == ["'a.py' exists and would be changed. Write it?"]
    assert (written, Path("a.py").read_text()) == (answer, "x = 2\n" if answer else "x = 1\n")
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n")
    assert ("wrote 'a.py'" in shown.err, "nothing was written" in shown.err) == (answer, not answer)


@pytest.mark.parametrize(
    ("path", "old", "asks"),
    [("new.py", None, False), ("empty.py", b"", False), ("old.py", b"x\n", True), ("../out.py", None, True)],
)
def test_only_what_holds_something_or_lies_outside_needs_a_yes(path, old, asks):
    if old is not None:
        Path(path).write_bytes(old)
    questions = []
    assert write_edit(Edit(Path(path), old, b"y\n"), confirm=answering(True, questions))
    assert len(questions) == asks and Path(path).read_bytes() == b"y\n"


def test_where_nobody_can_be_asked_a_change_needs_a_yes_beforehand():
    Path("a.py").write_text("x = 1\n")
    edit = Edit(Path("a.py"), b"x = 1\n", b"x = 2\n")
    with pytest.raises(InvalidRequestError, match="exists and would be changed, and nobody can be asked here"):
        write_edit(edit)
    with pytest.raises(InvalidRequestError, match="nobody can be asked here; agree to it with --yes"):
        check_write(Path("a.py"), yes=False, asks=False)
    check_write(Path("a.py"), yes=False, asks=True)
    check_write(Path("a.py"), yes=True, asks=False)
    check_write(Path("new.py"), yes=False, asks=False)
    assert write_edit(edit, yes=True) and Path("a.py").read_text() == "x = 2\n"


def test_what_a_file_holds_already_is_not_written(capsys):
    Path("a.py").write_text("x = 1\n")
    assert not write_edit(Edit(Path("a.py"), b"x = 1\n", b"x = 1\n"))
    assert "'a.py' stays as it was" in capsys.readouterr().err


def test_an_answer_to_a_sentence_takes_the_place_of_the_function_it_names():
    Path("a.py").write_bytes(b"def total(xs):\r\n    return 0\r\n")
    task = read_task("Write total(xs), the sum of xs.")
    edit = plan_answer(Path("a.py"), task, "def total(xs):\n    return sum(xs)\n\n\nprint(total([1]))\n")
    assert edit.new == b"def total(xs):\r\n    return sum(xs)\r\n"
    assert plan_answer(Path("b.py"), task, "def total(xs): ...").new == b"def total(xs): ...\n"


def test_a_whole_class_takes_the_place_of_a_class():
    text = 'class Stack:\n    """A stack."""\n    def push(self, x): ...\n    def pop(self): ...\n'
    Path("a.py").write_text(f"x = 1\n{text}")
    task = read_task(text)
    program = text.replace("push(self, x): ...", "push(self, x): return x").replace(
        "pop(self): ...", "pop(self): return 1"
    )
    assert plan_answer(Path("a.py"), task, program).new.decode() == f"x = 1\n{program}"
    assert plan_answer(Path("-"), task, program).diff.startswith("--- a/stdin\n")


def test_a_method_belongs_into_its_own_module():
    text = "class A:\n    def f(self): ...\n    x = 1\n"
    Path("a.py").write_text(text)
    Path("b.py").write_text("y = 1\n")
    task = read_module_task(text, file="a.py", function="A.f")
    program = "class A:\n    def f(self):\n        return 1\n"
    filled = "class A:\n    def f(self):\n        return 1\n\n    x = 1\n"
    assert plan_answer(Path("./a.py"), task, program).new.decode() == filled.replace("\n\n    x", "\n    x")
    assert plan_answer(Path("c.py"), task, program).old is None
    with pytest.raises(InvalidRequestError, match=r"A\.f belongs into 'a.py', and 'b.py' came"):
        plan_answer(Path("b.py"), task, program)


def test_a_module_that_changed_since_the_request_gets_the_function_where_its_head_is_the_same():
    task = read_module_task("def f(x): ...\n", file="a.py", function="f")
    Path("a.py").write_text("y = 1\ndef f(x): ...\n")
    assert plan_answer(Path("a.py"), task, "def f(x):\n    return x\n").new == b"y = 1\ndef f(x):\n    return x\n"
    Path("a.py").write_text("def f(x, y): ...\n")
    with pytest.raises(
        InvalidRequestError, match=r"'a\.py' was changed meanwhile, and the head of f .* read the file again"
    ):
        plan_answer(Path("a.py"), task, "def f(x):\n    return x\n")
