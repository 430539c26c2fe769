"""`--help` is quick: it imports nothing heavy. Every command has help that says what it does, and an example."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from agent.cli.app import app

HEAVY = {
    "torch", "numpy", "transformers", "tokenizers", "langgraph", "rich", "jinja2", "docker", "evalplus", "matplotlib",
    "benchmarks.exercises", "agent.decoding.loop", "agent.lm.hf.model",
}  # fmt: skip


def commands(group, path=()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


EVERY = sorted(commands(get_command(app)))


@pytest.mark.parametrize("words", [[], ["solve"], ["chat"], ["bench"], ["bench", "run"], ["sandbox", "run"]], ids=str)
def test_help_imports_nothing_heavy(words):
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "before = set(sys.modules)\n"
        "from agent.cli.app import app\n"
        f"ended = CliRunner().invoke(app, {[*words, '--help']})\n"
        "print(json.dumps([ended.exit_code, sorted(set(sys.modules) - before)]))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    exit_code, modules = json.loads(printed)
    assert exit_code == 0
    assert HEAVY & set(modules) == set()
    if not words:
        imported = [name for name in modules if name.startswith(("benchmarks", "agent.search", "agent.workflow"))]
        assert imported == [], "the help of all commands imports no command"


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_an_example_and_a_sentence_for_every_option(words):
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0 and f"Example: dubito {' '.join(words)}" in shown.output, shown.output
    command = get_command(app)
    for word in words:
        command = command.get_command(None, word)
    silent = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert silent == []


def test_the_help_of_a_group_lists_its_commands():
    root = CliRunner().invoke(app, ["--help"]).output
    assert all(f"  {words[0]} " in root for words in EVERY)
    bench = CliRunner().invoke(app, ["bench", "--help"]).output
    assert all(f"  {words[1]} " in bench for words in EVERY if words[0] == "bench")
