"""`dubito lsp` is refused in one sentence where no editor starts it, or something is missing."""

import io
import sys

import pytest
from typer.testing import CliRunner

from agent.cli import lsp
from agent.cli.app import app


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lsp, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["lsp"])
    assert result.exit_code == 2 and "pip install 'dubito[lsp]'" in result.stderr


def test_a_terminal_is_no_editor(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(lsp.InvalidRequestError, match="an editor starts `dubito lsp`"):
        lsp._check("models/tiny", None, None, "auto")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "/nope/x"], "/nope/x"),
        (["--sandbox", "jail"], "unknown sandbox 'jail'"),
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["--weights", "int2"], "unknown weights 'int2'"),
        (["--most", "0"], "'--most'"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments, sentence):
    result = CliRunner().invoke(app, ["lsp", "--model", "models/tiny", *arguments])
    assert result.exit_code == 2 and sentence in result.stderr and result.stderr.count("\n") == 1, result.output
