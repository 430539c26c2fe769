"""The chat reads a request of several lines, with history and completion, and plainly where there is no terminal."""

import io
import os
import pty
import select
import time
from types import SimpleNamespace

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from agent.cli import prompting
from agent.cli.chat import _talk
from agent.cli.chat_commands import COMMANDS

FOLLOWS = {name: prompting.Follows(each.takes_path, lambda typed: ()) for name, each in COMMANDS.items()}


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("Write f(x): it adds.", False),
        ("def f(x):", True),
        ('def f(x):\n    """Add one.', True),
        ('def f(x):\n    """Add one."""', False),
        ("class Stack:", True),
        ("The rules are:", False),
        ("def f(x):\n\n", False),
    ],
)
def test_a_block_or_a_string_that_is_open_goes_on(text, more):
    assert prompting.goes_on(text) == more


@pytest.fixture
def typed(monkeypatch, tmp_path):
    """Reads what is typed at a terminal, with a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(prompting, "_is_terminal", lambda: True)

    def read(keys: str, *, vi: bool = False) -> str:
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            pipe.send_text(keys)
            return prompting.open_reader(FOLLOWS, vi=vi)()

    return read


def test_enter_ends_a_request_and_alt_enter_begins_a_line(typed):
    assert typed("sum up\r") == "sum up"
    assert typed("sum up\x1b\rquickly\r") == "sum up\nquickly"
    assert typed('def f(x):\r"""Add."""\r') == 'def f(x):\n"""Add."""'


def test_what_is_pasted_stays_together(typed):
    assert typed("\x1b[200~def f(x):\n    return x\n\x1b[201~\r").strip() == "def f(x):\n    return x"


def test_what_is_pasted_without_a_mark_stays_together_at_its_own_margins(typed):
    pasted = 'def f(x):\r    """Add one."""\r    if x:\r        return x\r    return 1\r'
    assert typed(pasted) == pasted.replace("\r", "\n").rstrip()
    assert typed("/show\r/write a.py\r") == "/show", "commands that were typed ahead are apart"


def test_what_a_terminal_may_have_cut_is_dropped_before_the_first_request(monkeypatch):
    person, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(prompting.sys, "stdin", stdin)
        os.write(person, b"Write f(x).\n")
        assert select.select([stdin], [], [], 10)[0] and not prompting.drop_cut()
        os.write(person, b"a = 1\n" * 400)
        end = time.monotonic() + 10
        while not (dropped := prompting.drop_cut()) and time.monotonic() < end:
            pass  # the terminal passes it on in its own time
        assert dropped
    os.close(person)


def test_the_history_is_kept_for_the_next_session_and_is_private(typed, tmp_path):
    typed("Write f(x).\r")
    assert typed("\x1b[A\r") == "Write f(x)."
    (file,) = tmp_path.rglob("chat_history")
    assert file.stat().st_mode & 0o077 == 0


def test_keys_of_vi_edit(typed):
    assert typed("abc\x1b0xA!\r", vi=True) == "bc!"


def test_commands_and_paths_are_completed(tmp_path, monkeypatch):
    (tmp_path / "lonely_file.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)

    def complete(text: str) -> list[str]:
        completer = prompting._open_completer(FOLLOWS)
        return [each.text for each in completer.get_completions(Document(text), CompleteEvent())]

    assert complete("/retr") == ["/retry"] and complete("/t") == ["/tests", "/tree", "/trace"]
    assert complete("/add lonely") == ["_file.py"]
    assert complete("/retry lonely") == complete("write lonely") == []


def test_the_end_and_an_interrupt_are_told_apart(typed):
    with pytest.raises(EOFError):
        typed("\x04")
    with pytest.raises(KeyboardInterrupt) as begun:
        typed("half a li\x03")
    with pytest.raises(KeyboardInterrupt) as empty:
        typed("\x03")
    assert any(begun.value.args) and not any(empty.value.args)


def test_two_interrupts_end_the_chat_where_nothing_was_typed_between(capsys):
    turns = [KeyboardInterrupt(""), KeyboardInterrupt("half a li"), KeyboardInterrupt(""), KeyboardInterrupt("")]

    def read():
        raise turns.pop(0)

    _talk(SimpleNamespace(say=print), read)
    assert turns == [] and capsys.readouterr().out.count("Ctrl-C again") == 2


def test_a_pipe_is_read_line_by_line(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "Write f(x).")
    monkeypatch.setattr(prompting.sys, "stdin", io.StringIO())
    assert prompting.open_reader(FOLLOWS)() == "Write f(x)."
