"""The user's file of settings, in TOML. Changes one line of it at a time, so comments stay. Knows no setting."""

from __future__ import annotations

import io
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError
from agent.files.access import explain_errors, read_bounded, write_whole
from agent.messages import quote

_MOST_BYTES = 2**20
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w\"'.\- ]+?)\s*=")
_LINE = re.compile(  # a key, its value on one line, and what stands behind it
    r"""(\s*[\w"'.\- ]+?\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"']+)(\s*(?:\#.*)?)""", re.DOTALL
)


class Assignment(NamedTuple):
    """A value in the file, and the line on which it stands."""

    value: Any  # a scalar of TOML
    line: int  # from 1; 0 where it was not found


def settings_file() -> Path:
    """Return the path of the file of settings, whether it is there or not."""
    from platformdirs import user_config_path

    return user_config_path("dubito") / "config.toml"


def read_settings_file(file: Path) -> dict[str, Assignment]:
    """Return the values of a file by their keys, as "policy" and "solve.policy"; none where there is no file.

    Raises InvalidRequestError for what is no TOML, and for a value that is no scalar; FileAccessError.
    """
    return _parse(_read(file), file)


def assign(file: Path, key: str, literal: str) -> None:
    """Write a value under a key. literal: as TOML has it. Raises InvalidRequestError, FileAccessError, StorageError.

    The file is written whole or not at all, and keeps its comments.
    """
    try:
        value = tomllib.loads(f"x={literal}")["x"]
        literal.encode()
    except ValueError as error:
        raise InvalidRequestError(
            f"{quote(literal)} holds characters that no TOML may; choose another value"
        ) from error
    text = _read(file)
    wanted = {**{name: each.value for name, each in _parse(text, file).items()}, key: value}
    lines = _split_lines(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    keys, tables = _locate(lines)
    table, _, name = key.rpartition(".")
    if table in keys or key in tables:
        raise InvalidRequestError(
            f"{quote(file)} has {table or key} as {'a setting' if table else 'a table'} already, and TOML has no place "
            f"for both; set {table or key} for one command, as in solve.{table or key}"
        )
    line = f"{name} = {literal}\n"
    if key in keys:
        at = keys[key] - 1
        parts = _LINE.fullmatch(lines[at])
        lines[at] = f"{parts[1]}{literal}{parts[3]}" if parts else line
    elif table and table not in tables:
        lines += ["\n" if lines else "", f"[{table}]\n", line]
    else:
        inside = [number for other, number in keys.items() if other.rpartition(".")[0] == table]
        start = tables[table] if table else 0 if tables else len(lines)
        lines.insert(max([start, *inside]), line)
    _write(file, "".join(lines), wanted, f"{'under ' + table + ' ' if table else ''}{line.rstrip()}")


def unassign(file: Path, key: str) -> None:
    """Remove a key that the file holds. Raises as `assign` does."""
    text = _read(file)
    wanted = {name: each.value for name, each in _parse(text, file).items() if name != key}
    lines = _split_lines(text)
    line = _locate(lines)[0].get(key)
    _write(file, "".join(each for number, each in enumerate(lines, 1) if number != line), wanted, f"without {key}")


def _read(file: Path) -> str:
    with explain_errors(file, "read"):
        if not file.exists():
            return ""
    try:
        return read_bounded(file, _MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{quote(file)} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _parse(text: str, file: Path) -> dict[str, Assignment]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequestError(f"{quote(file)} is no TOML: {error}; mend that line, or remove the file") from error
    tables = {name: value for name, value in data.items() if isinstance(value, dict)}
    flat = {name: value for name, value in data.items() if name not in tables}
    flat |= {f"{table}.{name}": value for table, values in tables.items() for name, value in values.items()}
    keys, _ = _locate(_split_lines(text))
    for key, value in flat.items():
        if not isinstance(value, str | bool | int | float):
            kind = "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else "a date"
            raise InvalidRequestError(f"{place_of_line(file, keys.get(key, 0))}: {key} is {kind}; wanted one value")
    return {key: Assignment(value, keys.get(key, 0)) for key, value in flat.items()}


def place_of_line(file: Path, line: int) -> str:
    """Return a place for a message, as in "/home/me/.config/dubito/config.toml:3"."""
    return f"{quote(file)[1:-1]}:{line}" if line else quote(file)[1:-1]


def _split_lines(text: str) -> list[str]:
    """Return the lines of a text with their ends, as TOML knows them: Python knows more."""
    return list(io.StringIO(text, newline="\n"))


def _locate(lines: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the lines of keys and of the headers of tables, from 1."""
    keys: dict[str, int] = {}
    tables: dict[str, int] = {}
    table = ""
    for number, line in enumerate(lines, start=1):
        if header := _TABLE.fullmatch(line.rstrip("\r\n")):
            table = _plain(header[1])
            tables.setdefault(table, number)
        elif key := _KEY.match(line):
            keys.setdefault(f"{table}.{_plain(key[1])}".lstrip("."), number)
    return keys, tables


def _plain(key: str) -> str:
    """Return a key of TOML without quotes and blanks."""
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def _write(file: Path, text: str, wanted: dict[str, Any], change: str) -> None:
    """Write a text, if it holds what is wanted: a value over several lines, for one, is left to its author."""
    try:
        holds = {name: each.value for name, each in _parse(text, file).items()} == wanted
    except InvalidRequestError:
        holds = False
    if not holds:
        raise InvalidRequestError(f"{quote(file)} is written in a way that only you can change; wanted {change}")
    with explain_errors(file, "write"):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, text.encode(), is_ours=lambda head: True)
