"""`dubito config`: show and change settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from agent.cli.commands import plain_typer
from agent.cli.exits import report_errors
from agent.cli.options import JsonOption
from agent.cli.settings import (
    COMMANDS,
    SETTINGS,
    Setting,
    format_value,
    list_variables,
    split_key,
    variable_of,
)
from agent.cli.settings_command import SettingsCommand
from agent.cli.settings_file import assign, place_of_line, read_settings_file, settings_file, unassign
from agent.errors import DubitoError, InvalidRequestError
from agent.messages import join_names, quote, suggest
from agent.views.report import Report
from agent.views.say import complain, say, show, write_data

_HELP = (
    "Set options once, for every solve, chat, fill and holes; alone, show what is set.\n\n"
    "An option comes from the command line, else from the environment, else from a file. The option --max-tokens is "
    "the variable DUBITO_MAX_TOKENS, and max-tokens in the file; in the file's table [solve] it is for solve alone. "
    f"Options that can be set: {', '.join(SETTINGS)}. No setting changes what a benchmark measures.\n\n"
    "Example: dubito config set policy uscd"
)


def _complete_name() -> list[str]:
    return [*SETTINGS, *(f"{command}.{name}" for command in COMMANDS for name in SETTINGS)]


def _complete_assigned() -> list[str]:
    with suppress(DubitoError):  # the command itself will say what is wrong
        return list(read_settings_file(settings_file()))
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
        file, rows, problem = settings_file(), list[_Row](), None
        try:
            rows = list(_read_rows(ctx, file))
        except DubitoError as error:
            problem = str(error)
            complain(problem)
        rows += [
            _Row(name, setting, _find_fault(ctx, name, setting.value)) for name, setting in list_variables().items()
        ]
        record = {"file": str(file), "error": problem, "settings": [row.record() for row in rows]}
        show(Report(record, _write_rows(file, rows)), as_json=as_json)


@config.command("set")
def config_set(ctx: typer.Context, name: SettingArgument, value: ValueArgument) -> None:
    """Set an option in the file. The file keeps its comments.

    Example: dubito config set solve.display plain
    """
    with report_errors(as_json=False):
        command, option = split_key(name)
        values = [each.check_setting(ctx, option, value) for each in _find_commands(ctx, command)]
        typed = next((each for each in values if each is not None), None)
        if typed is None:
            raise InvalidRequestError(
                f"{command} has no option --{option}; set it as {option}, for the commands with it"
            )
        file, is_number = settings_file(), isinstance(typed, int | float)
        assign(file, name, repr(typed) if is_number else json.dumps(value, ensure_ascii=False))
        say(f"{name} is {value} now, in {file}", err=True)
        if option in list_variables():
            say(f"{variable_of(option)} is set in the environment, and comes before it", err=True)


@config.command("unset")
def config_unset(name: AssignedArgument) -> None:
    """Remove a setting from the file.

    Example: dubito config unset policy
    """
    with report_errors(as_json=False):
        file = settings_file()
        assigned = read_settings_file(file)
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


def _read_rows(ctx: typer.Context, file: Path) -> Iterator[_Row]:
    """Return the settings of the file, also those that cannot be set. Raises InvalidRequestError, FileAccessError."""
    variables = list_variables()
    for key, assignment in read_settings_file(file).items():
        setting = Setting(format_value(assignment.value), place_of_line(file, assignment.line))
        fault = _find_fault(ctx, key, setting.value)
        if not fault and key.rpartition(".")[2] in variables:
            fault = f"{variable_of(key.rpartition('.')[2])} comes before it"
        yield _Row(key, setting, fault)


def _find_fault(ctx: typer.Context, key: str, value: str) -> str:
    """Return what a command line would say against a setting; nothing where it is right."""
    try:
        command, name = split_key(key)
        if not value:
            return "leaves the option as it is"
        for each in _find_commands(ctx, command):
            each.check_setting(ctx, name, value)
    except DubitoError as error:
        return str(error)
    except typer.BadParameter as error:
        return error.format_message()
    return ""


def _find_commands(ctx: typer.Context, command: str) -> list[SettingsCommand]:
    """Return a command that takes settings by its name, or all of them for an empty one."""
    root: Any = ctx.find_root().command
    return [root.get_command(ctx, each) for each in COMMANDS if command in ("", each)]


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
