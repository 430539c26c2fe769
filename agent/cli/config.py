"""`dubito config`: show and change settings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from agent.cli.commands import plain_typer
from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.cli.settings import (
    SETTINGS,
    TAKING_SETTINGS,
    Setting,
    list_variables,
    read_file_settings,
    split_key,
    variable_of,
)
from agent.cli.settings_command import SettingsCommand
from agent.cli.settings_file import assign, settings_file, unassign
from agent.errors import DubitoError, InvalidRequestError
from agent.messages import join_names, quote, suggest
from agent.views.report import Report
from agent.views.say import complain, say, show, write_data

_HELP = (
    f"Set options once, for every {join_names(TAKING_SETTINGS)}; alone, show what is set.\n\n"
    "An option comes from the command line, else from the environment, else from a file. The option --max-tokens is "
    "the variable DUBITO_MAX_TOKENS, and max-tokens in the file; in the file's table [solve] it is for solve alone. "
    f"Options that can be set: {', '.join(SETTINGS)}. No setting changes what a benchmark measures.\n\n"
    "Example: dubito config set policy uscd"
)


def _complete_name() -> list[str]:
    return [*SETTINGS, *(f"{command}.{name}" for command in TAKING_SETTINGS for name in SETTINGS)]


def _complete_assigned() -> list[str]:
    with suppress(DubitoError):  # the command itself will say what is wrong
        return list(read_file_settings())
    return []


def _complete_value(ctx: typer.Context, incomplete: str) -> list[str]:
    with suppress(DubitoError):
        command, name = split_key(ctx.params["name"])
        lists = [each.complete_setting(ctx, name, incomplete) for each in _find_commands(ctx, command)]
        return list(dict.fromkeys(value for values in lists for value in values))
    return []


SettingArgument = Annotated[
    str,
    typer.Argument(
        help="The option's name without its dashes, as in policy, or solve.policy for one command.",
        autocompletion=_complete_name,
    ),
]
AssignedArgument = Annotated[
    str, typer.Argument(help="A name that `dubito config list` shows.", autocompletion=_complete_assigned)
]
ValueArgument = Annotated[
    str, typer.Argument(help="What would stand behind the option.", autocompletion=_complete_value)
]
config = plain_typer(name="config", help=_HELP, no_args_is_help=False, invoke_without_command=True)


@config.callback()
def config_alone(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show what is set, where no command follows."""
    if ctx.invoked_subcommand is None:
        config_list(ctx, as_json=as_json)


@config.command("list")
def config_list(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show each setting, its value and its place, and what is wrong with it.

    Example: dubito config list
    """
    with report_errors(as_json):
        file, rows, problem, variables = settings_file(), list[_Row](), None, list_variables()
        try:
            rows = _list_rows(ctx, read_file_settings(), variables)
        except DubitoError as error:
            problem = str(error)
            complain(problem)
        rows += _list_rows(ctx, variables)
        record = {"file": str(file), "error": problem, "settings": [row.record() for row in rows]}
        show(Report(record, _write_rows(file, rows)), as_json=as_json)


@config.command("set")
def config_set(ctx: typer.Context, name: SettingArgument, value: ValueArgument) -> None:
    """Set an option in the file. The file keeps its comments.

    Example: dubito config set solve.accept agreed
    """
    with report_errors(as_json=False):
        typed, file = _check(ctx, name, value), settings_file()
        literal = repr(typed) if isinstance(typed, int | float) else json.dumps(value, ensure_ascii=False)
        assign(file, name, literal)
        say(f"{name} is {value} now, in {file}", err=True)
        option = split_key(name)[1]
        if option in list_variables():
            say(f"{variable_of(option)} is set in the environment, and comes before it", err=True)


@config.command("unset")
def config_unset(name: AssignedArgument) -> None:
    """Remove a setting from the file.

    Example: dubito config unset policy
    """
    with report_errors(as_json=False):
        file = settings_file()
        assigned = read_file_settings()
        if name not in assigned:
            raise InvalidRequestError(f"{quote(file)} does not set {quote(name)[1:-1]}{suggest(name, assigned)}")
        unassign(file, name)
        say(f"{name} is no longer set in {file}", err=True)


@config.command("path")
def config_path() -> None:
    """Print the path of the file, whether it is there or not.

    Example: dubito config path
    """
    with report_errors(as_json=False):
        write_data(str(settings_file()))


class _Row(NamedTuple):
    """A setting as it is shown. key: in the file, with the command that it is for."""

    key: str
    setting: Setting
    remark: str  # what is wrong with it, or comes before it; empty where nothing is

    def record(self) -> dict[str, Any]:
        """Return the setting as JSON has it."""
        command, _, name = self.key.rpartition(".")
        remark = self.remark or None
        return {"name": name, "command": command or None, **self.setting._asdict(), "remark": remark}


def _list_rows(ctx: typer.Context, settings: Mapping[str, Setting], hiding: Collection[str] = ()) -> list[_Row]:
    """Return settings with what is wrong with each. hiding: names whose variables come before them."""
    rows = []
    for key, setting in settings.items():
        name = key.rpartition(".")[2]
        fault = _find_fault(ctx, key, setting.value)
        if not fault and name in hiding:
            fault = f"{variable_of(name)} comes before it"
        rows.append(_Row(key, setting, fault))
    return rows


def _find_fault(ctx: typer.Context, key: str, value: str) -> str:
    """Return what is wrong with a setting; nothing where it is right."""
    try:
        if value:
            _check(ctx, key, value)
    except DubitoError as error:
        return str(error)
    except typer.BadParameter as error:
        return error.format_message()
    return "" if value else "sets nothing"


def _check(ctx: typer.Context, key: str, value: str) -> Any:
    """Return the value of a setting. Raises DubitoError and typer.BadParameter for what no command line would take."""
    command, name = split_key(key)
    values = [each.check_setting(ctx, name, value) for each in _find_commands(ctx, command)]
    typed = next((each for each in values if each is not None), None)
    if typed is None:
        raise InvalidRequestError(f"{command} has no option --{name}; set it as {name}, for the commands that have it")
    return typed


def _find_commands(ctx: typer.Context, command: str) -> list[SettingsCommand]:
    """Return a command that takes settings by its name, or all of them for an empty one."""
    root: Any = ctx.find_root().command
    return [root.get_command(ctx, each) for each in TAKING_SETTINGS if command in ("", each)]


def _write_rows(file: Path, rows: list[_Row]) -> str:
    """Return the text of `config list`: the settings of the file, then those of the environment."""
    if not rows:
        names = join_names(SETTINGS)
        return f"nothing is set in the environment, and nothing in\n{file}\nOptions that can be set: {names}"
    lines = []
    for title, from_variables in ((str(file), False), ("environment", True)):
        part = [row for row in rows if (row.setting.place == variable_of(row.key)) == from_variables]
        lines += [title] if part else []
        for row in part:
            name = row.setting.place if from_variables else row.key
            lines.append(f"  {name} = {row.setting.value}{f'  ({row.remark})' if row.remark else ''}")
    return "\n".join(lines)
