"""Groups of commands that import a command when it is called, and not before. Knows no command."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from agent.cli.exits import ExitCode, report_error


class Entry(NamedTuple):
    """A command or a group of them, and its line in the help of the group that holds it."""

    place: str  # module:name
    help: str


class LazyGroup(TyperGroup):
    """A group that imports the commands of its table one by one. Its own help imports none."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None for a name that is not in the table."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name].place.partition(":")
        target = getattr(import_module(module), name)
        if not isinstance(target, typer.Typer):
            function, target = target, plain_typer()
            target.command(cmd_name)(function)
        return get_command(target)

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


def plain_typer(**settings: Any) -> typer.Typer:
    """Return a typer.Typer whose help is plain text: drawing it with rich costs more time than all the rest."""
    return typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, **settings)


def lazy_group(
    name: str, help: str, table: Mapping[str, Entry], kind: type[LazyGroup] = LazyGroup, **settings: Any
) -> typer.Typer:
    """Return a group of commands. settings: further ones of typer.Typer."""
    group = plain_typer(name=name, help=help, cls=type(kind.__name__, (kind,), {"table": table}), **settings)
    group.callback()(lambda: None)
    return group
