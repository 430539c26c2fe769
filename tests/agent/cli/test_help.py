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


def run_alone(arguments, **environment):
    """Run a command line in a process of its own. Return its exit code and the modules that it imported."""
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "before = set(sys.modules)\n"
        "from agent.cli.app import app\n"
        f"ended = CliRunner().invoke(app, {arguments}, env={environment})\n"
        "print(json.dumps([ended.exit_code, sorted(set(sys.modules) - before)]))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    exit_code, modules = json.loads(printed)
    return exit_code, set(modules)


def commands_in(modules):
    return {name for name in modules if name.startswith(("benchmarks", "agent.search", "agent.workflow"))}


@pytest.mark.parametrize("line", ["", "solve", "chat", "fill", "bench", "bench run", "sandbox run"])
def test_help_imports_nothing_heavy(line):
    exit_code, modules = run_alone([*line.split(), "--help"])
    assert exit_code == 0 and HEAVY & modules == set()
    if not line:
        assert commands_in(modules) == set(), "the help of all commands imports no command"


@pytest.mark.parametrize(
    ("line", "code"),
    [("slove", 2), ("solve --modle x", 2), ("bench rn", 2), ("config", 0), ("threads list", 0), ("--version", 0)],
)
def test_what_is_answered_at_once_imports_nothing_heavy(line, code):
    exit_code, modules = run_alone(line.split(), XDG_STATE_HOME="/nowhere", XDG_CONFIG_HOME="/nowhere")
    assert (exit_code, (HEAVY - {"rich"}) & modules) == (code, set()), "of rich, a list of runs takes its texts"


@pytest.mark.parametrize("words", ["dubito ", "dubito solve --policy ", "dubito bench run --"])
def test_completion_imports_nothing_heavy(words):
    typed = {"_DUBITO_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    exit_code, modules = run_alone([], **typed)
    assert exit_code == 0 and HEAVY & modules == set()
    if words == "dubito ":
        assert commands_in(modules) == set(), "the names of commands are completed without importing one"


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
    tables |= {"models list", "threads list", "threads show", "config list"}
    assert [name for name in sorted(tables) if not has_option(COMMANDS[name], "--json")] == []


def has_option(command, option):
    return any(option in parameter.opts for parameter in command.params)
