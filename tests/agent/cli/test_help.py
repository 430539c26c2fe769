"""Help is quick, because it imports nothing heavy. Every command says what its options do, and shows an example."""

import json
import shlex
import subprocess
import sys

import pytest
from command_tree import COMMANDS
from typer.testing import CliRunner

from agent.cli.app import app

HEAVY = {
    "torch", "numpy", "transformers", "tokenizers", "langgraph", "rich", "jinja2", "docker", "evalplus", "matplotlib",
    "benchmarks.exercises", "agent.decoding.loop", "agent.lm.hf.model",
}  # fmt: skip


@pytest.mark.parametrize("line", ["", "solve", "chat", "fill", "bench", "bench run", "sandbox run"])
def test_help_imports_nothing_heavy(line):
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "before = set(sys.modules)\n"
        "from agent.cli.app import app\n"
        f"ended = CliRunner().invoke(app, {[*line.split(), '--help']})\n"
        "print(json.dumps([ended.exit_code, sorted(set(sys.modules) - before)]))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    exit_code, modules = json.loads(printed)
    assert exit_code == 0 and HEAVY & set(modules) == set()
    if not line:
        imported = [name for name in modules if name.startswith(("benchmarks", "agent.search", "agent.workflow"))]
        assert imported == [], "the help of all commands imports no command"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_an_example_and_says_what_each_option_does(name):
    command = COMMANDS[name]
    (example,) = [line.strip() for line in command.help.splitlines() if line.strip().startswith("Example: dubito ")]
    words = shlex.split(example.removeprefix("Example: dubito "))
    assert words[: len(name.split())] == name.split()
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options
    for parameter in command.params:
        assert parameter.help and parameter.help.endswith((".", ")")), parameter.name


def test_the_help_of_a_group_lists_its_commands():
    root, bench = (CliRunner().invoke(app, line).output for line in (["--help"], ["bench", "--help"]))
    assert all(f"  {name.split()[0]} " in root for name in COMMANDS)
    assert all(f"  {name.split()[1]} " in bench for name in COMMANDS if name.startswith("bench "))


def test_every_command_that_prints_a_table_has_json():
    tables = {name for name in COMMANDS if name.split()[0] in ("bench", "calibrate")} - {"bench plot"}  # a picture
    assert [name for name in sorted(tables | {"models list"}) if not has_option(COMMANDS[name], "--json")] == []


def has_option(command, option):
    return any(option in parameter.opts for parameter in command.params)
