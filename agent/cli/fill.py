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
from agent.messages import quote
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
    write: Annotated[bool, typer.Option("--write", help="Write the best filling of each hole into the file.")] = False,
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

    @property
    def name(self) -> str:
        """The name of the file in messages and diffs."""
        return "stdin" if str(self.file) == STANDARD_STREAM else str(self.file)


def _fill(how: _FillOptions, cleanup: ExitStack) -> ExitCode:
    from agent.cli import components
    from agent.cli.inputs import read_source
    from agent.lm.names import choose_default_model
    from agent.program.holes import find_holes

    source = read_source(how.file, "the file to fill")
    data = _read_original(how, source) if how.write else b""
    holes, model = find_holes(source, how.name), how.model or choose_default_model()
    components.check_model(model, how.weights)
    components.check_sandbox(how.sandbox)
    filled = _fill_holes(how, model, source, holes, cleanup)
    if how.write and filled.program != source:
        _write(how, data, filled)
    _print(how, filled)
    return ExitCode.OK if filled.is_settled else ExitCode.NOT_PASSED


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


def _read_original(how: _FillOptions, source: str) -> bytes:
    """Return the bytes of the file that is to be written. Raises InvalidRequestError where it cannot be."""
    from agent.files.access import check_writable, read_bounded

    if str(how.file) == STANDARD_STREAM:
        raise InvalidRequestError("--write came with stdin, which is no file; leave it out, or name a file")
    data = read_bounded(how.file)
    if _encode(data, source) != data:
        raise InvalidRequestError(
            f"{quote(how.file)} mixes line ends, and --write would change lines outside of the holes; "
            "save it with one kind of line end"
        )
    check_writable(how.file, is_ours=data.startswith)
    return data


def _encode(original: bytes, text: str) -> bytes:
    """Return a text as bytes, with the line ends and the byte order mark of the original."""
    mark = b"\xef\xbb\xbf" if original.startswith(b"\xef\xbb\xbf") else b""
    ending = "\r\n" if b"\r\n" in original else "\n"
    return mark + text.replace("\n", ending).encode()


def _write(how: _FillOptions, data: bytes, filled: FilledFile) -> None:
    """Write the filled file whole. Raises InvalidRequestError where somebody changed it meanwhile."""
    from agent.files.access import read_bounded, write_whole

    if read_bounded(how.file) != data:
        raise InvalidRequestError(
            f"{quote(how.file)} was changed while its holes were filled, so nothing was written; try again"
        )
    write_whole(how.file, _encode(data, filled.program), is_ours=data.startswith)


def _print(how: _FillOptions, filled: FilledFile) -> None:
    """Print the program or the diff on stdout where it is data, and the report beside it."""
    from agent.views.fill import report_filled_file, write_diff

    report, changed = report_filled_file(filled), filled.program != filled.source
    diff = write_diff(filled.source, filled.program, how.name)
    if how.as_json:
        code = ExitCode.OK if filled.is_settled else ExitCode.NOT_PASSED
        write_json({**report.record, "diff": diff, "written": how.write and changed, "exit_code": code})
        return
    if not how.diff:
        show(report, as_json=False, err=how.write or not is_watched())
    if how.diff or how.write:
        write_data(diff, nl=False)
    elif not is_watched() and changed:
        write_data(filled.program, nl=False)
    if how.write:
        say(f"wrote {how.name}" if changed else f"{how.name} stays as it was", err=True)
