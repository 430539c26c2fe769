"""Every command over benchmarks says what it does and shows one example, whose options exist."""

import shlex

import pytest
from typer.main import get_command

from agent.cli.app import app


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = {
    " ".join(path): command
    for path, command in commands(get_command(app))
    if path[0] in ("bench", "calibrate", "exercises")
}


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
