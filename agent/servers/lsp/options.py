"""Read the client's initializationOptions. What is wrong in them costs no server: it is said, and left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from agent.messages import join_names, quote
from agent.servers.lsp.model_work import Settings

_KINDS: dict[str, type] = {"model": str, "sandbox": str, "most": int}
_MOST = 100  # spans of a file


class ReadOptions(NamedTuple):
    """Settings, and a sentence for each option that was left out."""

    settings: Settings
    complaints: tuple[str, ...]


def read_options(options: Any, settings: Settings) -> ReadOptions:
    """Return the settings with the client's options in their places. options: plain data of JSON."""
    if options is None:
        return ReadOptions(settings, ())
    if not isinstance(options, dict):
        return ReadOptions(settings, (f"initializationOptions are {quote(options)}; wanted an object",))
    complaints = list[str]()
    for name, value in options.items():
        if sentence := _find_mistake(name, value):
            complaints.append(f"{sentence}; it is left out")
        elif value is not None:
            settings = replace(settings, **{name: value})
    return ReadOptions(settings, tuple(complaints))


def _find_mistake(name: str, value: Any) -> str:
    """Return what is wrong with an option; an empty text where nothing is."""
    if name not in _KINDS:
        return f"initializationOptions have {quote(name)}; wanted {join_names(_KINDS)}"
    if value is None:
        return ""
    if not isinstance(value, _KINDS[name]) or isinstance(value, bool):
        return f"the option {name} is {quote(value)}; wanted {'a number' if _KINDS[name] is int else 'a text'}"
    if isinstance(value, int) and not 1 <= value <= _MOST:
        return f"the option {name} is {value}; wanted 1 to {_MOST}"
    return ""
