"""Settings: options that a person sets once, in the environment or in a file. A command line comes before both."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple

import typer

from agent.cli import choices
from agent.cli.components import check_model, check_sandbox
from agent.cli.settings_file import place_of_line, read_settings_file, settings_file
from agent.cli.thresholds import check_threshold_text
from agent.errors import DubitoError, InvalidRequestError
from agent.lm.hf.hub import WEIGHTS
from agent.messages import check_choice, check_tau, suggest
from agent.program.styles import AUTO, check_style
from agent.search.budget import budget_from
from agent.search.orders import ORDERS
from agent.servers.openai.addresses import check_host, check_token
from agent.strategies import find_strategy
from sandbox.base import SandboxError

# The options that may be set: those with a value that say how to work, and not on what. Each has the check of its
# values by themselves; None where its type says it all. A flag is none: a command line could not take it back.
SETTINGS: dict[str, Callable[[Any], object] | None] = {
    "model": lambda name: check_model(name, AUTO),
    "policy": choices.check_policy_name,
    "threshold": check_threshold_text,
    "strategy": find_strategy,
    "programs": None,
    "budget": budget_from,
    "order": lambda name: check_choice("order", name, ORDERS),
    "min-probability": lambda value: choices.check_probability("--min-probability", value),
    "accept": lambda name: check_choice("claim to accept", name, choices.ACCEPTED_CLAIMS),
    "max-tokens": None,
    "tau": check_tau,
    "holes": None,
    "fillings": None,
    "sandbox": check_sandbox,
    "seed": None,
    "device": choices.check_device,
    "weights": lambda name: check_choice("weights", name, WEIGHTS),
    "prompt-style": check_style,
    "host": check_host,
    "port": None,
    "token": check_token,
}
TAKING_SETTINGS = (  # by the table of agent.cli.app
    "solve",
    "chat",
    "complete",
    "fill",
    "holes",
    "score",
    "acp",
    "mcp",
    "serve",
    "lsp",
)
SECRETS = frozenset({"token"})  # settings whose values are not shown
_NONE: Mapping[str, str] = MappingProxyType({})
_in_force = ContextVar("settings in force", default=_NONE)  # their places, by their names


class Setting(NamedTuple):
    """The value of an option, as it would be typed, and where it is set."""

    value: str
    place: str


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"DUBITO_{name.upper().replace('-', '_')}"


def split_key(key: str) -> tuple[str, str]:
    """Split a key such as "solve.policy" into a command and a name; the command is empty where it is for all.

    Raises InvalidRequestError for a command or a name that is none.
    """
    command, _, name = key.rpartition(".")
    if command and command not in TAKING_SETTINGS:
        nearest = suggest(command, TAKING_SETTINGS)
        raise InvalidRequestError(
            f"{command} takes no settings{nearest or '; choose from ' + ', '.join(TAKING_SETTINGS)}"
        )
    if name not in SETTINGS:
        nearest = suggest(name, SETTINGS)
        raise InvalidRequestError(f"there is no setting {name}{nearest or '; choose from ' + ', '.join(SETTINGS)}")
    return command, name


def list_variables() -> dict[str, Setting]:
    """Return the settings of the environment, also the empty ones, which hide those of the file."""
    variables = {name: variable_of(name) for name in SETTINGS}
    return {name: Setting(os.environ[each], each) for name, each in variables.items() if each in os.environ}


def read_file_settings() -> dict[str, Setting]:
    """Return what the file sets, by keys such as "solve.policy", whether it can be set or not.

    Raises InvalidRequestError for a file that is no TOML; FileAccessError.
    """
    file = settings_file()
    return {
        key: Setting(_format_value(value), place_of_line(file, line))
        for key, (value, line) in read_settings_file(file).items()
    }


def collect_settings(command: str) -> dict[str, Setting]:
    """Return what is set for a command: in the environment, else in its table of the file, else at the file's top.

    Raises InvalidRequestError for a file that is no TOML, or sets what cannot be set; FileAccessError.
    """
    tables = defaultdict[str, dict[str, Setting]](dict)
    for key, setting in read_file_settings().items():
        with placing(setting.place):
            table, name = split_key(key)
        tables[table][name] = setting
    merged = tables[""] | tables[command] | list_variables()
    return {name: setting for name, setting in merged.items() if setting.value}  # an empty value sets nothing


def _format_value(value: Any) -> str:
    """Return a scalar of TOML as a person would type it behind an option."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def placing(place: str) -> Iterator[None]:
    """Put the place of a setting before the error that it causes."""
    try:
        yield
    except DubitoError as error:
        raise type(error)(f"{place}: {error}") from error
    except typer.BadParameter as error:
        raise InvalidRequestError(f"{place}: {error.format_message()}") from error


@contextmanager
def naming_settings() -> Iterator[None]:
    """Add to an error of options that do not go together which of them are settings, and where these are."""
    try:
        yield
    except (DubitoError, SandboxError) as error:
        places = ", ".join(f"{name} is set by {place}" for name, place in _in_force.get().items())
        if not places:
            raise
        empty = f"{variable_of(next(iter(_in_force.get())))}="
        raise type(error)(f"{error} ({places}; an empty variable, as in {empty}, leaves a setting out)") from error


@contextmanager
def putting_in_force(places: Mapping[str, str]) -> Iterator[None]:
    """Let `naming_settings` name these settings meanwhile. places: of the settings, by their names."""
    token = _in_force.set(places)
    try:
        yield
    finally:
        _in_force.reset(token)
