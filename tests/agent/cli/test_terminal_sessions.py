"""Sessions at a real terminal (tmux): what a person types, sees, stops and resumes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import open_benchmark

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds until something must have appeared

pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Terminal:
    """A terminal in tmux, with a home of its own."""

    def __init__(self, home: Path, columns: int, rows: int) -> None:
        self.home, self._socket = home, f"dubito-{os.getpid()}-{time.monotonic_ns()}"
        self._call("new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(rows), "bash --norc --noprofile")
        kept = {"HOME": home, "XDG_STATE_HOME": home / "state", "PYTHONPATH": ROOT, "OMP_NUM_THREADS": 1, "PS1": "$ "}
        self.type("export " + " ".join(f"{name}='{value}'" for name, value in kept.items()) + f"; cd {home}; clear")

    def _call(self, *words: str) -> str:
        ran = subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=True)
        return ran.stdout

    def type(self, text: str, *, enter: bool = True) -> None:
        """Type a text, and Enter."""
        self._call("send-keys", "-t", "t", "-l", text)
        if enter:
            self._call("send-keys", "-t", "t", "Enter")

    def press(self, key: str) -> None:
        """Press a key by tmux's name."""
        self._call("send-keys", "-t", "t", key)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._call("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        """Return what was shown so far, the lines above the screen included."""
        return self._call("capture-pane", "-p", "-J", "-S", "-2000", "-t", "t")

    def wait(self, text: str, count: int = 1) -> str:
        """Wait until a text was shown so many times; return what was shown."""
        end = time.monotonic() + PATIENCE
        while (shown := " ".join(self.screen().split())).count(text) < count:
            assert time.monotonic() < end, f"{text!r} did not appear:\n{self.screen()}"
            time.sleep(0.1)
        return shown

    def close(self) -> None:
        """End everything that runs in the terminal."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(columns: int = 90, rows: int = 40) -> Terminal:
        opened.append(Terminal(tmp_path, columns, rows))
        return opened[-1]

    prompt = next(each.prompt for each in open_benchmark("exercises") if each.task_id == "exercises/130")
    (tmp_path / "prompt.py").write_text(prompt)
    (tmp_path / "endless.py").write_text(prompt.replace("    1\n", "    'no program gives this'\n"))
    yield start
    for each in opened:
        each.close()


DUBITO = f"{sys.executable} -m agent"
CHAT = f"{DUBITO} chat --model models/tiny --sandbox process"


def test_a_chat_writes_a_program_says_what_is_in_doubt_and_shows_its_tree(terminal):
    here = terminal()
    here.type(f"{CHAT}; echo ended with $?")
    here.wait("dubito>")
    here.type("/file prompt.py")
    here.wait("What now:")
    here.type("/tree")
    shown = here.wait("program 2 from 1 at token 15")
    assert "✓ verified: the program passed 2 examples" in shown and "line 11 in doubt: goal" in shown
    here.type("/alternatives")
    here.wait("line 11, where")
    here.press("C-d")
    here.wait("ended with 0")


def test_ctrl_c_stops_what_is_written_and_keeps_it_and_twice_at_the_prompt_it_ends_the_chat(terminal):
    here = terminal()
    here.type(f"{CHAT} --budget programs=500,seconds=500; echo ended with $?")
    here.wait("dubito>")
    here.type("/file endless.py")
    here.wait("tokens/s")
    here.press("C-c")
    here.wait("stopped; this is what there is")
    here.wait("What now:")
    here.wait("dubito>", 2)
    here.press("C-c")
    here.wait("Ctrl-C again")
    here.press("C-c")
    here.wait("ended with 0")


def test_a_frame_survives_a_narrow_terminal_and_a_resize(terminal):
    here = terminal(40, 20)
    here.type(f"{CHAT} --budget programs=500,seconds=500")
    here.wait("dubito>")
    here.type("/file endless.py")
    here.wait("models/tiny ·")
    here.resize(100, 30)
    here.wait("tokens/s ·")
    here.press("C-c")
    here.wait("What now:")
    assert here.screen().count("tokens/s") == 0, "nothing of the frame stays"


def test_a_question_is_answered_in_another_process_and_ends_as_if_nothing_had_happened(terminal):
    solve = f"{DUBITO} solve --model models/tiny --sandbox process --task exercises/130 --ask --thread mine"
    here = terminal()
    here.type(solve)
    here.wait("to be asked no more:")
    here.press("C-c")
    here.wait("interrupted")
    later = terminal()
    later.type(solve)
    later.wait("to be asked no more:")
    later.type("2")
    later.wait("chosen: the way to ` goal <= b and (`")
    later.wait("to be asked no more:", 2)
    later.type("/go")
    assert "✓ verified: the program passed 2 examples" in later.wait("What now:")


def test_the_program_goes_to_standard_output_and_all_else_to_standard_error(terminal):
    here = terminal()
    options = "--model models/tiny --sandbox process --task exercises/130"
    here.type(f"{DUBITO} solve {options} > out.py 2> err.txt; echo fir''st")
    here.wait("first")
    here.type(f"{DUBITO} solve -q {options} 2> quiet.txt | cat > piped.py; echo do''ne")
    here.wait("done")
    written = (here.home / "out.py").read_text()
    assert written.startswith("def evaluate(") and written == (here.home / "piped.py").read_text()
    said = (here.home / "err.txt").read_text()
    assert "✓ verified" in said and "\x1b" not in said and "return sum(" not in said
    assert "verified" not in (here.home / "quiet.txt").read_text()
