"""`dubito lsp` is refused in one sentence where no editor starts it, or something is missing."""

import pytest
from typer.testing import CliRunner

from agent.cli.app import app


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("agent.cli.serving.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["lsp"])
    assert result.exit_code == 2 and "dubito lsp needs pygls; install what it needs with: pip" in result.stderr


def test_what_is_no_editor_hears_who_starts_it():
    result = CliRunner().invoke(app, ["lsp", "--model", "models/tiny"])
    assert result.exit_code == 2 and "an editor starts `dubito lsp` and talks to it over stdin" in result.stderr


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
