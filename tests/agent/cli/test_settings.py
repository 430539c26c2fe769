"""Settings: a command line comes before the environment, that before the file, and benchmarks read none."""

import os

import pytest
from command_tree import COMMANDS
from typer.testing import CliRunner

from agent.cli import settings
from agent.cli.app import app
from agent.cli.settings import SETTINGS, variable_of
from agent.cli.settings_command import SettingsCommand
from agent.errors import DubitoError

# Four values of each setting that the command line takes, and one that it does not.
VALUES = {
    "model": (("models/tiny", "nobody/one", "nobody/two", "nobody/three"), "/nowhere/model"),
    "policy": (("uscd", "greedy", "power", "sample"), "adadce"),
    "threshold": (("1.5", "2", "learned", "std=0.1"), "-1"),
    "strategy": (("once", "tree", "beam", "best-of"), "bush"),
    "programs": (("1", "2", "3", "4"), "0"),
    "budget": (("tokens=9", "runs=3", "seconds=1.5", "forwards=4"), "weeks=3"),
    "order": (("blame", "probability", "learned", "blame"), "chaos"),
    "min-probability": (("0.5", "1", "0.25", "0.0"), "1.5"),
    "accept": (("any", "agreed", "verified", "any"), "all"),
    "max-tokens": (("5", "6", "7", "8"), "many"),
    "tau": (("0.5", "1", "0.25", "0.1"), "0"),
    "holes": (("1", "2", "3", "4"), "9"),
    "fillings": (("1", "2", "3", "4"), "21"),
    "sandbox": (("process", "docker", "gvisor", "bubblewrap"), "jail"),
    "seed": (("1", "2", "3", "4"), "x"),
    "device": (("cpu", "cuda", "cuda:1", "mps"), "gpu"),
    "weights": (("int8", "bf16", "fp16", "fp32"), "float7"),
    "prompt-style": (("qwen", "dubito", "completion", "auto"), "turns"),
    "host": (("localhost", "::1", "127.0.0.2", "127.0.0.1"), "no host"),
    "port": (("1", "2", "3", "4"), "65536"),
    "token": (("one", "two", "three", "four"), "with blanks"),
}
TAKING_FILES = ("complete", "fill", "score")
TAKING = [
    (name, command)
    for name in SETTINGS
    for command in settings.TAKING_SETTINGS
    if any(f"--{name}" in parameter.opts for parameter in COMMANDS[command].params)
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "dubito").mkdir()
    return tmp_path / "dubito" / "config.toml"


def parse(command, *arguments):
    """Return the value of each option of a command line. The command itself does not run."""
    arguments = ["file.py", *arguments] if command in TAKING_FILES else arguments
    return COMMANDS[command].make_context(command, list(arguments)).params


def say(*arguments):
    ended = CliRunner().invoke(app, list(arguments))
    assert ended.exit_code == 2, ended.output
    return ended.stderr


def test_the_settings_are_options_with_a_value_and_each_of_them_is_tried_here():
    assert VALUES.keys() == SETTINGS.keys() == {name for name, _ in TAKING}
    for name, command in TAKING:
        (parameter,) = [each for each in COMMANDS[command].params if f"--{name}" in each.opts]
        assert not parameter.is_flag and parameter.name == name.replace("-", "_")
    assert set(settings.TAKING_SETTINGS) == {
        name for name, each in COMMANDS.items() if isinstance(each, SettingsCommand)
    }


@pytest.mark.parametrize(("name", "command"), TAKING)
def test_the_command_line_comes_before_the_environment_and_that_before_the_file(name, command, file, monkeypatch):
    (top, table, variable, option), _ = VALUES[name]
    typed = {value: parse(command, f"--{name}={value}")[name.replace("-", "_")] for value in VALUES[name][0]}
    file.write_text(f'{name} = "{top}"\n')
    assert parse(command)[name.replace("-", "_")] == typed[top]
    above = f'{name} = "{top}"\n' if name != command else ""  # TOML has no place for both holes and [holes]
    file.write_text(f'{above}[{command}]\n{name} = "{table}"\n')
    assert parse(command)[name.replace("-", "_")] == typed[table]
    monkeypatch.setenv(variable_of(name), variable)
    assert parse(command)[name.replace("-", "_")] == typed[variable]
    assert parse(command, f"--{name}={option}")[name.replace("-", "_")] == typed[option]


@pytest.mark.parametrize(("name", "command"), TAKING)
def test_a_wrong_value_gets_the_sentence_of_the_command_line_with_its_place(name, command, file, monkeypatch):
    wrong = VALUES[name][1]
    arguments = [command, *(["file.py"] if command in TAKING_FILES else [])]
    typed = say(*arguments, f"--{name}={wrong}").removeprefix("dubito: ").split(" (try: ")[0].rstrip("\n.")
    file.write_text(f'\n# mine\n{name} = "{wrong}"\n')
    assert say(*arguments).rstrip(".\n") == f"dubito: {file}:3: {typed}"
    monkeypatch.setenv(variable_of(name), wrong)
    assert say(*arguments).rstrip(".\n") == f"dubito: {variable_of(name)}: {typed}"


def test_a_number_or_a_truth_value_of_the_file_is_read_as_it_would_be_typed(file):
    file.write_text("seed = 3\nthreshold = 1.5\nmin-probability = 1\n[chat]\npolicy = true\n")
    params = parse("solve")
    assert (params["seed"], params["threshold"], params["min_probability"]) == (3, "1.5", 1.0)
    assert f"{file}:5: unknown policy 'true'" in say("chat")


def test_a_table_is_for_one_command_and_the_top_for_all_that_have_the_option(file):
    file.write_text('max-tokens = 7\nfillings = 2\n[solve]\npolicy = "uscd"\n')
    writing = [each for each in settings.TAKING_SETTINGS if each not in ("lsp", "score")]
    assert {parse(command)["max_tokens"] for command in writing} == {7}
    assert [parse(command)["policy"] for command in ("solve", "chat", "holes")] == ["uscd", None, "adadec"]
    assert parse("fill")["fillings"] == 2


def test_an_empty_variable_hides_the_setting_of_the_file(file, monkeypatch):
    file.write_text('budget = "tokens=5"\nstrategy = "tree"\n')
    monkeypatch.setenv("DUBITO_BUDGET", "")
    monkeypatch.setenv("DUBITO_STRATEGY", "")
    params = parse("solve")
    assert (params["budget"], params["strategy"]) == (None, "adaptive")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("policy = uscd\n", "is no TOML: Invalid value (at line 1, column 10)"),
        ("seed = 1\nseed = 2\n", "is no TOML: Cannot overwrite a value (at line 2, column 9)"),
        ('\npolcy = "uscd"\n', ":2: there is no setting polcy; did you mean policy?"),
        ("task = 'exercises/1'\n", ":1: there is no setting task"),
        ("ask = true\n", ":1: there is no setting ask"),
        ("max_tokens = 3\n", ":1: there is no setting max_tokens; did you mean max-tokens?"),
        ("[slove]\nseed = 1\n", ":2: slove takes no settings; did you mean solve?"),
        ("[bench]\nseed = 1\n", ":2: bench takes no settings"),
        ("[solve]\npolcy = 'uscd'\n", ":2: there is no setting polcy"),
        ("seed = [1, 2]\n", ":1: seed is a list; wanted one value"),
        ("seed = 2020-01-01\n", ":1: seed is a date; wanted one value"),
        ("[solve.deep]\nseed = 1\n", "solve.deep is a table; wanted one value"),
    ],
)
def test_a_file_that_sets_nothing_readable_is_refused_and_help_and_config_work(text, sentence, file):
    file.write_text(text)
    said = say("solve", "A sentence.")
    assert said.startswith("dubito: ") and said.count("\n") == 1
    assert str(file) in said and sentence in said
    for line in (
        ["--help"],
        ["solve", "--help"],
        ["fill", "-h"],
        ["config"],
        ["config", "path"],
        ["bench", "run", "-h"],
    ):
        ended = CliRunner().invoke(app, line)
        assert ended.exit_code == 0, (line, ended.output)
    shown = CliRunner().invoke(app, ["config"])
    assert sentence.removeprefix(":1: ").removeprefix(":2: ") in shown.output


def test_a_file_that_is_none_is_refused_in_one_sentence(file):
    file.write_bytes(b"# \xe9\n")
    assert "is not UTF-8 text (byte 2)" in say("solve", "x")
    file.unlink()
    file.mkdir()
    assert "is a folder; wanted a regular file" in say("solve", "x")
    file.rmdir()
    os.mkfifo(file)
    assert "is a pipe; wanted a regular file" in say("solve", "x")


def test_help_shows_the_default_that_the_file_sets(file):
    file.write_text('strategy = "tree"\n')
    assert "[default: tree]" in " ".join(CliRunner().invoke(app, ["solve", "--help"]).stdout.split())


def test_benchmarks_read_no_setting(file, monkeypatch):
    before = {name: COMMANDS[name].make_context(name, [], resilient_parsing=True).params for name in COMMANDS}
    file.write_text("".join(f'{name} = "{values[0]}"\n' for name, (values, _) in VALUES.items()))
    for name, (values, _) in VALUES.items():
        monkeypatch.setenv(variable_of(name), values[1])
    others = [name for name in COMMANDS if name not in settings.TAKING_SETTINGS]
    assert {"bench run", "bench experiment", "calibrate threshold", "report"} <= set(others)
    for name in others:
        assert COMMANDS[name].make_context(name, [], resilient_parsing=True).params == before[name], name
    parsed = COMMANDS["bench run"].make_context("bench run", ["exercises"]).params
    assert (parsed["model"], parsed["seed"]) == ("models/tiny", 0)


def test_an_error_of_options_that_do_not_go_together_names_the_settings_among_them(file, monkeypatch):
    file.write_text('\nbudget = "tokens=5"\n')
    monkeypatch.setenv("DUBITO_SEED", "3")
    said = say("solve", "A sentence.", "--strategy", "once")
    assert "--budget does not go with once" in said
    assert f"(budget is set by {file}:2, seed is set by DUBITO_SEED; an empty variable, as in DUBITO_BUDGET=" in said
    assert "is set by" not in say("solve", "A sentence.", "--policy", "adadce"), "the command line alone is wrong"
    assert "budget is set" not in say("solve", "x", "--strategy", "once", "--budget", "runs=1"), "it is not in force"


def test_settings_are_in_force_for_one_command_alone(file):
    file.write_text("seed = 3\n")
    say("solve", "x", "--strategy", "once", "--budget", "runs=1")
    with pytest.raises(DubitoError, match=r"^a plain error$"), settings.naming_settings():
        raise DubitoError("a plain error")
