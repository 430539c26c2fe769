"""A shell completes commands, options and the values that are known; where it cannot, it says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import shellingham
from command_tree import COMMANDS
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.choices import POLICY_SCORES
from agent.program.styles import PROMPT_STYLES
from agent.strategies import STRATEGIES
from sandbox import SANDBOXES

ROOT = Path(__file__).parents[3]


def complete(words, shell="bash"):
    """Return what a shell is offered behind a line that ends where the cursor stands."""
    typed = {
        "_DUBITO_COMPLETE": f"complete_{shell}", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        "_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    ended = CliRunner().invoke(app, [], env=typed)
    assert ended.exit_code == 0, ended.output
    return [line for line in ended.stdout.split("\n") if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("dubito ", {name.split()[0] for name in COMMANDS}),
        ("dubito bench ", {name.split()[1] for name in COMMANDS if name.startswith("bench ")}),
        ("dubito ho", {"holes"}),
        ("dubito bench run --wor", {"--workers"}),
        ("dubito solve --policy ", set(POLICY_SCORES)),
        ("dubito bench run exercises --policy us", {"uscd", "uscd-adadec"}),
        ("dubito chat --strategy ", set(STRATEGIES)),
        ("dubito fill --sandbox ", set(SANDBOXES)),
        ("dubito sandbox run --sandbox ", set(SANDBOXES)),
        ("dubito solve --prompt-style ", {"auto", *PROMPT_STYLES}),
        ("dubito solve --accept ", {"verified", "agreed", "any"}),
        ("dubito solve --accept v", {"verified"}),
        ("dubito solve --model ", {"models/tiny"}),
        ("dubito models get qwen2.5-coder-0", {"qwen2.5-coder-0.5b"}),
        ("dubito bench run Hum", {"HumanEval", "HumanEval-base"}),
        ("dubito config set solve.pol", {"solve.policy"}),
        ("dubito config set chat.strategy ", set(STRATEGIES)),
        ("dubito config set policy us", {"uscd", "uscd-adadec"}),
        ("dubito config set budget tok", {"tokens="}),
        ("dubito solve --budget tokens=9,pro", {"tokens=9,programs="}),
    ],
)
def test_commands_options_and_values_are_completed(words, offered):
    assert set(complete(words)) == offered


def test_what_is_stored_completes_its_names(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    CliRunner().invoke(app, ["config", "set", "solve.seed", "1"])
    assert complete("dubito config unset ") == ["solve.seed"]
    (tmp_path / "dubito" / "config.toml").write_text("broken")
    assert complete("dubito config unset ") == [] == complete("dubito config set nosuch ")
    assert complete("dubito solve --accept v") == ["verified"], "no setting stands in the way"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_one_line_whatever_its_help_says(name, shell, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10000")  # as the program sets it for itself
    lines = complete(f"dubito {name} --", shell)
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}
    assert len(lines) == len(options) + 1, "and --help"
    assert all(any(option in line for line in lines) for option in options)


def test_bash_completes_after_completion_was_installed(tmp_path):
    (tmp_path / "dubito").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m agent "$@"\n')
    (tmp_path / "dubito").chmod(0o755)
    script = (
        "dubito --install-completion >/dev/null && source ~/.bashrc && complete -p dubito &&"
        "COMP_WORDS=(dubito solve --policy usc) COMP_CWORD=3 && _dubito_completion dubito && echo ${COMPREPLY[@]}"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines()[1:] == ["uscd uscd-adadec"], ran
    assert ran.stdout.splitlines()[0].endswith("dubito"), ran


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_a_shell_that_is_unknown_is_said(option, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(shellingham, "detect_shell", lambda: ("dash", "/bin/dash"))
    ended = CliRunner().invoke(app, [option])
    assert ended.exit_code == 2 and ended.stdout == ""
    assert "dash started this, and completion is for bash, zsh, fish" in ended.stderr
    assert list(tmp_path.iterdir()) == []

    def fail():
        raise shellingham.ShellDetectionFailure

    monkeypatch.setattr(shellingham, "detect_shell", fail)
    assert "no shell started this" in CliRunner().invoke(app, [option]).stderr
