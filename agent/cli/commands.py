"""Groups of commands that import a command when it is called, and not before. Knows no command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from agent.cli.exits import ExitCode, report_error
from agent.errors import InvalidRequestError
from agent.messages import join_names

_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_COMPLETION_OPTIONS = ("--install-completion", "--show-completion")  # typer's own


class Entry(NamedTuple):
    """A command or a group of them, and its line in the help of the group that holds it."""

    place: str  # module:name
    help: str
    takes_settings: bool = False  # options that the command line leaves out come from `dubito config`
    is_server: bool = False  # a client starts it, and hears what is wrong; it takes settings


class LazyGroup(TyperGroup):
    """A group that imports the commands of its table one by one. Its own help imports none, nor does completion."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, **settings: Any) -> None:
        lines = {name: TyperCommand(name, short_help=entry.help) for name, entry in self.table.items()}
        super().__init__(**{**settings, "commands": lines})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None for a name that is not in the table."""
        if cmd_name not in self.table:
            return None
        entry = self.table[cmd_name]
        module, _, name = entry.place.partition(":")
        target = getattr(import_module(module), name)
        if not isinstance(target, typer.Typer):
            function, target = target, plain_typer()
            target.command(cmd_name, cls=_class_of(entry))(function)
        command = get_command(target)
        if ctx is not None and ctx.resilient_parsing:
            _shorten_help(command)
        return command

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete the name of a command or an option."""
        ctx.command = TyperGroup(name=self.name, commands=dict(self.commands), params=self.params)
        return ctx.command.shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the help lines of the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.table.items()])


class ProgramGroup(LazyGroup):
    """The group of all commands. Whatever happens, the process ends with one of the exit codes."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run a command line, and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, "dubito", standalone_mode=False)
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - this is where the process ends
            code = report_error(error, as_json="--json" in arguments)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options that stand before the command. Raises InvalidRequestError for a shell without completion."""
        if args and args[0] in _COMPLETION_OPTIONS and not ctx.resilient_parsing:
            _check_shell()
        return super().parse_args(ctx, args)


def _class_of(entry: Entry) -> type[TyperCommand]:
    if not (entry.takes_settings or entry.is_server):
        return TyperCommand
    from agent.cli.settings_command import ServerCommand, SettingsCommand

    return ServerCommand if entry.is_server else SettingsCommand


def _shorten_help(command: Any) -> None:
    """Leave the first sentence of each option's help, for a shell, and no brackets: typer takes them for markup."""
    for parameter in command.params:
        parameter.help = (parameter.help or "").split(". ")[0].replace("[", "(").replace("]", ")")
    for each in getattr(command, "commands", {}).values():
        _shorten_help(each)


def _check_shell() -> None:
    """Raise InvalidRequestError unless the shell that started this process is one that typer completes for."""
    import shellingham

    try:
        shell = shellingham.detect_shell()[0]
    except shellingham.ShellDetectionFailure:
        shell = "no shell"
    if shell not in _SHELLS:
        raise InvalidRequestError(
            f"{shell} started this, and completion is for {join_names(_SHELLS)}; start it from one of them, or write "
            "its script with: _DUBITO_COMPLETE=source_bash dubito"
        )


def plain_typer(**settings: Any) -> typer.Typer:
    """Return a typer.Typer whose help is plain text: drawing it with rich costs more time than all the rest."""
    return typer.Typer(rich_markup_mode=None, **{"add_completion": False, "no_args_is_help": True, **settings})


def lazy_group(
    name: str,
    help: str,
    table: Mapping[str, Entry],
    kind: type[LazyGroup] = LazyGroup,
    *,
    options: Callable[..., None] | None = None,
    **settings: Any,
) -> typer.Typer:
    """Return a group of commands. options: a function whose parameters are the group's own options.

    settings: further ones of typer.Typer.
    """
    group = plain_typer(name=name, help=help, cls=type(kind.__name__, (kind,), {"table": table}), **settings)
    group.callback()(options or (lambda: None))
    return group
