"""`dubito score`: let a model read files, and show what it would rather have written. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.completion import complete_from
from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import DefaultModelOption, DeviceOption, WeightsOption
from agent.errors import DubitoError, InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.messages import check_choice, join_names
from agent.program.spans import FileSpans, Severity
from agent.views.say import complain, is_watched, say, write_data, write_json

if TYPE_CHECKING:
    from agent.cli.scored_files import FileScorer
    from agent.lm.base import Model

_FORMATS = ("text", "vscode", "sarif", "json")
_FAILING: dict[str, tuple[Severity, ...]] = {
    "never": (),
    "warning": (Severity.ERROR, Severity.WARNING),
    "info": tuple(Severity),
}
_FILES_HELP = "Score these Python files, and those below a folder. `-` reads one from stdin."
_FORMAT_HELP = (
    "Print text for a person, vscode for a problem matcher (one line a span), sarif (2.1.0) for code scanners, or json."
)


def score_files(
    files: Annotated[list[Path], typer.Argument(help=_FILES_HELP)],
    most: Annotated[int, typer.Option(min=1, max=100, help="Show at most this many spans a file.")] = 10,
    format: Annotated[str, typer.Option(help=_FORMAT_HELP, autocompletion=complete_from(_FORMATS))] = "text",
    fail_on: Annotated[
        str,
        typer.Option(
            help=f"Exit with 1 where a span is at least so grave: {join_names(_FAILING)}.",
            autocompletion=complete_from(_FAILING),
        ),
    ] = "never",
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and score a file again when it is saved.")] = False,
    stdin_name: Annotated[str, typer.Option(help="Call the file that comes from stdin so.")] = "",
    model: DefaultModelOption = None,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
) -> None:
    """Show the few places of Python files at which a model would rather have written something else.

    The model reads a file once. Where another token is much likelier than what stands there, it writes on until it
    comes back to the code, and both ways are weighed by the code behind them. A span is a doubt and no proof.

    Example: dubito score src/*.py

    Exit codes: 0 done; 1 a span is as grave as --fail-on says; 2 a file cannot be scored, or the request is wrong;
    3 the machine failed.
    """
    how = _ScoreOptions(files, most, format, fail_on, watch, stdin_name, model, device, weights)
    with report_errors(as_json=format == "json"):
        raise typer.Exit(_score(how))


@dataclass(frozen=True, slots=True)
class _ScoreOptions:
    """The options of `score`."""

    files: list[Path]
    most: int
    format: str
    fail_on: str
    watch: bool
    stdin_name: str
    model: str | None
    device: str | None
    weights: str


def _score(how: _ScoreOptions) -> ExitCode:
    from agent.cli.components import check_model
    from agent.cli.scored_files import FileScorer, list_python_files
    from agent.lm.names import choose_default_model

    _check(how)
    model = how.model or choose_default_model()
    check_model(model, how.weights)
    scorer = FileScorer(lambda: _load(how, model), how.most, how.stdin_name)
    if how.watch:
        from agent.cli.score_watch import watch_files

        watch_files(scorer, how.files)
    return _score_once(how, scorer, list_python_files(how.files))


def _check(how: _ScoreOptions) -> None:
    """Raise InvalidRequestError for options that say nothing or do not go together."""
    check_choice("format", how.format, _FORMATS)
    check_choice("severity", how.fail_on, _FAILING)
    from_stdin = [str(file) for file in how.files].count(STANDARD_STREAM)
    if from_stdin > 1:
        raise InvalidRequestError("`-` came more than once, and stdin can be read once")
    if how.stdin_name and not from_stdin:
        raise InvalidRequestError("--stdin-name came without `-`; leave it out, or let a file come from stdin")
    if how.watch and (from_stdin or how.format not in ("text", "vscode") or how.fail_on != "never"):
        raise InvalidRequestError("--watch scores files until it is stopped, and prints vscode; leave out the rest")


def _load(how: _ScoreOptions, model: str) -> Model:
    from agent.cli.settings import naming_settings
    from agent.lm.names import needs_conversion
    from agent.lm.open import open_lm
    from agent.views.say import announce_loading

    with naming_settings():
        announce_loading(model, converts=needs_conversion(model))
        return open_lm(model, device=how.device, weights=how.weights)


def _score_once(how: _ScoreOptions, scorer: FileScorer, files: Iterable[Path]) -> ExitCode:
    """Score files, and print the spans of each when it is done, or all at the end."""
    scored, failures = list[FileSpans](), list[str]()
    for each in scorer.score_all(files):
        if isinstance(each, DubitoError):
            failures.append(str(each))
            complain(each)
        else:
            scored.append(each)
            _WRITERS.get(how.format, _write_nothing)(each)
    grave = _FAILING[how.fail_on]
    is_grave = any(span.severity in grave for each in scored for span in each.spans)
    code = ExitCode.BAD_REQUEST if failures else ExitCode.NOT_PASSED if is_grave else ExitCode.OK
    _write_end(how, scored, failures, code)
    return code


def _write_text(scored: FileSpans) -> None:
    from agent.views.spans import draw_spans

    if scored.spans:
        say(draw_spans(scored))


def _write_lines(scored: FileSpans) -> None:
    from agent.views.editor_lines import write_editor_lines

    for line in write_editor_lines(scored):
        write_data(line)


def _write_nothing(scored: FileSpans) -> None:
    """Print nothing yet."""


_WRITERS: dict[str, Callable[[FileSpans], None]] = {"text": _write_text, "vscode": _write_lines}


def _write_end(how: _ScoreOptions, scored: list[FileSpans], failures: list[str], code: ExitCode) -> None:
    """Print what comes after the last file: the whole of a JSON object, or a summary on stderr."""
    from agent.cli.components import describe_limits
    from agent.cli.version import find_version
    from agent.lm.names import choose_default_model
    from agent.views.sarif import write_sarif
    from agent.views.spans import describe_spans, summarise_spans

    if how.format == "sarif":
        write_json(write_sarif(scored, version=find_version("dubito") or "0", folder=Path.cwd()))
    elif how.format == "json":
        write_json({"files": [describe_spans(each) for each in scored], "errors": failures, "exit_code": code})
    elif scored:
        if how.format == "text" or is_watched(err=True):
            say(summarise_spans(scored), err=True)
        if how.model is None and describe_limits(choose_default_model()):
            say(describe_limits(choose_default_model()), err=True)
