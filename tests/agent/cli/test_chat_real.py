"""A conversation with a real model ends in a file that passes its tests."""

import pytest
from typer.testing import CliRunner

from agent.cli.app import app

TALK = """\
Write total(xs), the sum of the numbers in xs. total([1, 2]) is 3.
Skip negative numbers, so total([1, -1]) is 1.
Rename it to add_up.
Is a loop used here?
Also skip None, so add_up([2, None]) is 2.
/tests assert add_up([]) == 0
/write mine.py
/quit
"""


@pytest.mark.real
@pytest.mark.timeout(1800)
def test_five_turns_end_in_a_file_that_passes_its_tests(real_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    options = [
        "--model",
        real_model,
        "--prompt-style",
        "dubito",
        "--sandbox",
        "process",
        "--budget",
        "programs=8,seconds=900",
    ]
    result = CliRunner().invoke(app, ["chat", *options], input=TALK)
    assert result.exit_code == 0, result.output
    assert "✓ the program passes 1 test" in result.output and "nothing checked them" in result.output, result.output
    names = {}
    exec((tmp_path / "mine.py").read_text(), names)
    add_up = names["add_up"]
    assert (add_up([1, 2]), add_up([1, -1]), add_up([2, None]), add_up([])) == (3, 1, 2, 0)
