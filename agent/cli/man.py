"""`dubito man`: the manual page in roff, made from the commands and their help. Imports every command, and no torch."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from agent.cli.exits import report_errors
from agent.views.say import write_data

EXIT_STATUS: Mapping[str, str] = {  # as docs/cli.md has it
    "0": "done; `solve`: verified, or a claim that `--accept` names; `fill`: each hole has a filling that fails no "
    "example",
    "1": "`solve`: abstained; `fill`: a hole has no filling, or its best one fails an example; `bench check`: some "
    "records could not be judged; `sandbox run`: the program failed; `score`: a span is as grave as "
    "`--fail-on` says",
    "2": "the request cannot be carried out as it was given",
    "3": "the machine lacks something (a sandbox, a device, disk space, an open stdout), the sandbox failed, or dubito "
    "has a bug",
    "4": "`solve`: agreed; `sandbox run`: syntax error",
    "5": "`solve`: unverified; `sandbox run`: timed out",
    "6 to 8": "`sandbox run` alone: out of memory, too much output, forbidden",
    "130": "interrupted",
}
ENVIRONMENT: Mapping[str, str] = {  # as docs/cli.md has it
    "`DUBITO_MODEL`, `DUBITO_POLICY`, …": "an option of a command that takes settings (see `dubito config --help`)",
    "`HUMANEVAL_OVERRIDE_PATH`, `MBPP_OVERRIDE_PATH`": "files of evalplus to read instead of a download",
    "`XDG_CONFIG_HOME`": "the folder of the file of settings",
    "`XDG_STATE_HOME`": "threads, sessions, tracebacks, the history of `chat`, and what files held before a change",
    "`XDG_DATA_HOME`": "the folder of profiles",
    "`DUBITO_MODELS`": "the folder of real models; by default `models` in the user's cache",
    "`DUBITO_DEBUG=1`": "print the traceback of a bug instead of saving it",
    "`DOCKER_HOST` and its companions": "the Docker engine to use",
}
FILES: Mapping[str, str] = {
    "~/.config/dubito/config.toml": "settings",
    "~/.local/state/dubito/threads.sqlite": "the runs of `solve --thread`",
    "~/.local/state/dubito/traceback.txt": "the traceback of the last bug",
    "~/.local/share/dubito/": "profiles: what was learned of models",
    "~/.cache/dubito/models/": "real models",
}
_ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def man(context: typer.Context) -> None:
    """Print the manual page, for a pager of manual pages.

    Example: dubito man | man -l -
    """
    with report_errors(as_json=False):
        write_data(write_manual(context.find_root()))


def write_manual(root: Any) -> str:
    """Return the manual page in roff, in ASCII. root: the context of the group of all commands."""
    from agent.cli.version import find_version

    lines = [
        f'.TH DUBITO 1 "" "dubito {find_version("dubito") or ""}" "User Commands"',
        *(".SH NAME", r"dubito \- generate code, and pause where the model is in doubt"),
        *(".SH SYNOPSIS", r"\fBdubito\fR \fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]"),
        *(".SH DESCRIPTION", *_write_text(root.command.help)),
        *(".SH OPTIONS", *_write_parameters(root.command, root)),
        *_item("-h, --help", "Show the help of dubito, or of the command before it."),
        ".SH COMMANDS",
        *_write_commands(root, "dubito"),
    ]
    tables = {"EXIT STATUS": EXIT_STATUS, "ENVIRONMENT": ENVIRONMENT, "FILES": FILES}
    for title, table in tables.items():
        lines += [f'.SH "{title}"', *(line for name, meaning in table.items() for line in _item(name, meaning))]
    return "\n".join(lines)


def _write_commands(context: Any, path: str) -> Iterator[str]:
    """Write a section for each command below a group."""
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        below = typer.Context(command, parent=context, info_name=name)
        if hasattr(command, "list_commands"):
            if command.invoke_without_command:
                yield from _write_command(command, below, f"{path} {name}")
            yield from _write_commands(below, f"{path} {name}")
        else:
            yield from _write_command(command, below, f"{path} {name}")


def _write_command(command: Any, context: Any, path: str) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escape(f'{path} {pieces}')}"
    yield from _write_text(command.help)
    yield from _write_parameters(command, context)


def _write_parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            yield from _item(*record)


def _item(name: str, meaning: str) -> Iterator[str]:
    """Write a paragraph with a name before it."""
    yield ".TP"
    yield rf"\fB{_escape(name.replace('`', ''))}\fR"
    yield _mark_code(" ".join(meaning.split()))


def _write_text(text: str) -> Iterator[str]:
    """Write the paragraphs of a help text."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        yield from [".PP"] if number else []  # a heading begins a paragraph by itself
        line = " ".join(paragraph.split())
        example = line.removeprefix("Example: ")
        yield _mark_code(line) if example == line else f"Example: \\fB{_escape(example)}\\fR"


def _mark_code(text: str) -> str:
    """Escape a text, and write in bold what stands between backticks."""
    parts = text.split("`")
    return _shield(
        "".join(rf"\fB{_escape(part)}\fR" if number % 2 else _escape(part) for number, part in enumerate(parts))
    )


def _escape(text: str) -> str:
    """Escape what roff would read as its own, and what is not ASCII."""
    escaped = "".join(_ESCAPES.get(character, character) for character in text)
    return "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)


def _shield(line: str) -> str:
    """Keep a line from being read as a request to roff."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
