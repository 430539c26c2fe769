"""A command whose options come from the settings where its command line leaves them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperCommand

from agent.cli.settings import SETTINGS, Setting, collect_settings, placing, putting_in_force
from agent.errors import DubitoError
from agent.servers.refusal import refusing_requests


class SettingsCommand(TyperCommand):
    """A command whose options come from the settings where the command line leaves them out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read a command line. `--help` ends here, whatever the settings are. Raises as `collect_settings` does."""
        if ctx.resilient_parsing:  # for completion
            return super().parse_args(ctx, args)
        settings, failure = dict[str, Setting](), None
        try:
            settings = collect_settings(str(self.name))
        except DubitoError as error:
            failure = error
        ctx.default_map = {name.replace("-", "_"): setting.value for name, setting in settings.items()}
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            name = self._name_of_setting(ctx, error.param)
            if name is None:
                raise
            with placing(settings[name].place):
                raise
        if failure is not None:
            raise failure
        ctx.meta["settings"] = self._check_values(ctx, settings)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Its errors may name the settings in force."""
        with putting_in_force(ctx.meta["settings"]):
            return super().invoke(ctx)

    def check_setting(self, ctx: Any, name: str, text: str) -> Any:
        """Return the value of a setting for this command; None where it takes no such option.

        Raises typer.BadParameter and DubitoError for what the command line would refuse, too.
        """
        parameter = self._find_parameter(name)
        if parameter is None:
            return None
        value = parameter.process_value(typer.Context(self, parent=ctx.find_root(), info_name=self.name), text)
        check = SETTINGS[name]
        if check is not None:
            check(value)
        return value

    def complete_setting(self, ctx: Any, name: str, incomplete: str) -> list[str]:
        """Return the values of a setting that begin as what was typed."""
        parameter = self._find_parameter(name)
        return [item.value for item in parameter.shell_complete(ctx, incomplete)] if parameter else []

    def _find_parameter(self, name: str) -> Any:
        return next((each for each in self.params if f"--{name}" in each.opts), None)

    def _name_of_setting(self, ctx: Any, parameter: Any) -> str | None:
        """Return the setting that a parameter's value comes from; None where it comes from elsewhere."""
        name = parameter.name.replace("_", "-") if parameter else ""
        is_set = name in SETTINGS and ctx.get_parameter_source(parameter.name).name == "DEFAULT_MAP"
        return name if is_set else None

    def _check_values(self, ctx: Any, settings: Mapping[str, Setting]) -> dict[str, str]:
        """Check each value by itself, wherever it comes from. Return the settings in force, with their places."""
        in_force = {}
        for name, check in SETTINGS.items():
            parameter = self._find_parameter(name)
            value = ctx.params.get(parameter.name) if parameter else None
            if value is None:
                continue
            if self._name_of_setting(ctx, parameter):
                in_force[name] = settings[name].place
                with placing(settings[name].place):
                    check(value) if check else None
            elif check and ctx.get_parameter_source(parameter.name).name == "COMMANDLINE":
                check(value)
        return in_force


class ServerCommand(SettingsCommand):
    """Such a command that a client starts: it hears of wrong settings and values in its own protocol."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read a command line. What is wrong is also the answer to each request of the client."""
        with refusing_requests():
            return super().parse_args(ctx, args)
