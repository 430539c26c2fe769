"""`dubito fill`: fill the holes of a file. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import (
    DefaultModelOption,
    DeviceOption,
    SandboxOption,
    SeedOption,
    WeightsOption,
)
from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.files.edits import Edit, apply_edit, read_target
from agent.views.say import is_watched, say, show, write_data, write_json

if TYPE_CHECKING:
    from agent.program.holes import Hole
    from agent.workflow.filled import FilledFile

_FILE_HELP = "A Python file with `...` or the comment `# dubito: fill` where code is missing. `-` reads standard input."


def fill_file(
    file: Annotated[Path, typer.Argument(help=_FILE_HELP)],
    fillings: Annotated[int, typer.Option(min=1, max=20, help="Propose at most this many fillings for each hole.")] = 3,
    model: DefaultModelOption = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Write at most this many tokens a filling.")] = 128,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the best filling of each hole into the file, unless an example fails."),
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print the unified diff and no report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Fill the holes of a Python file, and run the filled file on the examples that it shows.

    A text behind the comment, as in `# dubito: fill with a binary search`, is a hint. Nothing is written without
    --write.

    Example: dubito fill search.py --write

    Exit codes: 0 each hole has a filling, and the best ones fail no example; 1 they do not; 2 the request is wrong;
    3 the machine or the sandbox failed.
    """
    how = _FillOptions(file, fillings, model, max_tokens, sandbox, seed, device, weights, write, diff, as_json)
    with report_errors(as_json), ExitStack() as cleanup:
        raise typer.Exit(_fill(how, cleanup))


@dataclass(frozen=True, slots=True)
class _FillOptions:
    """The options of `fill`: the file, how its holes are filled, and where the answer goes."""

    file: Path
    fillings: int
    model: str | None
    max_tokens: int
    sandbox: str | None
    seed: int
    device: str | None
    weights: str
    write: bool
    diff: bool
    as_json: bool


def _fill(how: _FillOptions, cleanup: ExitStack) -> ExitCode:
    from agent.cli import components
    from agent.cli.inputs import name_file, read_written
    from agent.files.changes import apply_changes, plain_text
    from agent.lm.names import choose_default_model
    from agent.program.holes import find_holes, list_changes
    from agent.views.fill import report_filled_file

    written = read_written(how.file, "the file to fill")
    _check_write(how)
    source = plain_text(written)
    holes, model = find_holes(source, name_file(how.file)), how.model or choose_default_model()
    components.check_model(model, how.weights)
    components.check_sandbox(how.sandbox)
    filled = _fill_holes(how, model, source, holes, cleanup)
    changed = apply_changes(written, list_changes(filled.fillings))
    edit = Edit(Path(name_file(how.file)), written.encode(), changed.encode())
    code = ExitCode.OK if filled.is_settled else ExitCode.NOT_PASSED
    if not how.as_json:
        _print(how, filled, edit)  # a file that cannot be written costs no filling
    kept = apply_edit(edit) if how.write and edit.changes and not filled.fails else None
    if how.as_json:
        report = report_filled_file(filled)
        write_json({**report.record, "diff": edit.diff, "written": kept is not None, "exit_code": code})
    elif how.write:
        say(_say_ending(edit, kept, filled), err=True)
    return code


def _say_ending(edit: Edit, kept: Path | None, filled: FilledFile) -> str:
    """Say what became of the file. kept: the backup of what was overwritten."""
    if kept:
        return f"wrote {edit.path}; what it held before is in {kept}"
    why = "; the filled file fails an example, so nothing was written" if filled.fails else ""
    return f"{edit.path} stays as it was{why}"


def _fill_holes(how: _FillOptions, model: str, source: str, holes: tuple[Hole, ...], cleanup: ExitStack) -> FilledFile:
    """Start the sandbox, load the model, and fill the holes."""
    from agent.cli.components import start_sandbox
    from agent.cli.settings import naming_settings
    from agent.decoding import POLICIES
    from agent.lm.names import needs_conversion
    from agent.lm.open import open_lm
    from agent.views.say import announce_loading
    from agent.workflow.context import Context
    from agent.workflow.fill import fill_holes

    with naming_settings():
        box = cleanup.enter_context(closing(start_sandbox(how.sandbox)))
        announce_loading(model, converts=needs_conversion(model), quiet=how.as_json)
        opened = open_lm(model, device=how.device, weights=how.weights)
    context = Context(opened, POLICIES["greedy"], box, max_tokens=how.max_tokens, seed=how.seed)
    return fill_holes(context, source, holes, how.fillings)


def _check_write(how: _FillOptions) -> None:
    """Raise InvalidRequestError or FileAccessError where --write came with what cannot be written."""
    if how.write and str(how.file) == STANDARD_STREAM:
        raise InvalidRequestError("--write came with stdin, which is no file; leave it out, or name a file")
    if how.write:
        read_target(how.file)


def _print(how: _FillOptions, filled: FilledFile, edit: Edit) -> None:
    """Print the program or the diff on stdout where it is data, and the report beside it."""
    from agent.views.fill import report_filled_file

    if not how.diff:
        show(report_filled_file(filled), as_json=False, err=how.write or not is_watched())
    if how.diff or (how.write and not filled.fails):
        write_data(edit.diff, nl=False)
    elif not is_watched() and edit.changes:
        write_data(edit.new.decode(), nl=False)
