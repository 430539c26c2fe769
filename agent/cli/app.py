"""The command line: the table of all commands, and the process around them. A command is imported when it is called."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import Annotated

import typer

from agent.cli.commands import Entry, ProgramGroup, lazy_group


def _print_version(wanted: bool) -> None:
    """Print one line and end, if it is wanted."""
    if wanted:
        from agent.cli.version import describe_version
        from agent.views.say import write_data

        write_data(describe_version())
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version, and those of main packages."
    ),
]


def _take_options(version: VersionOption = False) -> None:
    """Take the options before a command. Each of them does its work by itself."""


app = lazy_group(
    "dubito",
    "Generate code. Dubito pauses where its model is in doubt, looks ahead there, and runs what it wrote.\n\n"
    "Example: dubito solve --task exercises/12",
    {
        "solve": Entry(
            "agent.cli.solve:solve_request",
            "Write a program and run it on the examples in the request.",
            takes_settings=True,
        ),
        "chat": Entry(
            "agent.cli.chat:chat", "Talk about a program: ask for one, have it changed, write it.", takes_settings=True
        ),
        "complete": Entry(
            "agent.cli.complete:complete_function", "Write one function of a file in its place.", takes_settings=True
        ),
        "fill": Entry(
            "agent.cli.fill:fill_file", "Fill the holes of a file, and run it on its examples.", takes_settings=True
        ),
        "holes": Entry(
            "agent.cli.holes:holes_of_program", "Show a program without what is not to be trusted.", takes_settings=True
        ),
        "score": Entry(
            "agent.cli.score:score_files", "Show where a model doubts your Python files.", takes_settings=True
        ),
        "threads": Entry("agent.cli.threads:threads", "List, show and remove the runs of `solve --thread`."),
        "config": Entry("agent.cli.config:config", "Set options once, for every command but the benchmarks'."),
        "editor": Entry("agent.cli.editor:editor", "Let VS Code, Neovim or Zed run Dubito."),
        "acp": Entry(
            "agent.cli.acp:acp", "Be an agent in the panel of an editor (Zed, JetBrains, Neovim).", is_server=True
        ),
        "mcp": Entry("agent.cli.mcp:mcp", "Give assistants tools: doubts, check, solve.", is_server=True),
        "serve": Entry(
            "agent.cli.serve:serve_model", "Serve the model to other programs, as OpenAI does.", takes_settings=True
        ),
        "lsp": Entry(
            "agent.cli.lsp:serve_editor", "Be a language server, which shows doubts in an editor.", is_server=True
        ),
        "doctor": Entry("agent.cli.doctor:doctor", "Check that packages, model, sandbox and device are available."),
        "models": Entry("agent.cli.models:models", "Get real code models by short name."),
        "sandbox": Entry("agent.cli.sandbox:sandbox", "Run any program in a sandbox."),
        "bench": Entry("benchmarks.cli:bench", "Run benchmarks, and judge and compare runs."),
        "report": Entry("benchmarks.cli.report:report_runs", "Make a table and a page of runs to look through."),
        "calibrate": Entry("benchmarks.cli:calibrate", "Learn from problems that are kept for it."),
        "exercises": Entry("benchmarks.cli.exercises:exercises", "Show and export the project's own exercises."),
        "man": Entry("agent.cli.man:man", "Print the manual page, as in: dubito man | man -l -"),
    },
    ProgramGroup,
    options=_take_options,
    add_completion=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _terminal_widths() -> set[int]:
    """Return the widths of the terminals that this process writes to: one, or none."""
    widths = set()
    for descriptor in (1, 2):
        with suppress(OSError):
            widths.add(os.get_terminal_size(descriptor).columns)
    return widths


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("LANGSMITH_TRACING", "false")  # langgraph brings a client that would send runs elsewhere
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # threads that spin longer starve a second run (docs/LOG.md)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    width = shutil.get_terminal_size().columns
    # No positive number: rich would draw nothing. The terminal's own width: rich would not see that it changes.
    if os.environ.get("COLUMNS") != str(width) or width in _terminal_widths():
        os.environ.pop("COLUMNS", None)
    if "_DUBITO_COMPLETE" in os.environ:
        os.environ["COLUMNS"] = "10000"  # typer breaks long lines, and fish offers each line of a description
    from agent.cli.streams import guard_streams

    with guard_streams():
        app()
