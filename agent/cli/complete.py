"""`dubito complete`: write one function of a file in its place. It is `solve` with a file, which it writes."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.agent_options import AgentOptions
from agent.cli.choices import ACCEPTED_CLAIMS
from agent.cli.completion import complete_from
from agent.cli.exits import report_errors
from agent.cli.options import (
    AskOption,
    BudgetOption,
    DefaultModelOption,
    DeviceOption,
    PlainOption,
    PolicyOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    ThresholdOption,
    TokensOption,
    VerboseOption,
    WeightsOption,
)
from agent.cli.solve import SolveOptions, solve_with
from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM

_FILE_HELP = "The Python file. `-` reads standard input, for --diff."
_LINE_HELP = (
    "Write the function in which this line stands: a stub, or one whose body is written anew. By default, the one with "
    "a comment `# dubito: …` that says what is wanted, else the one that is still to be written."
)
_FUNCTION_HELP = "Name the function instead, as in f or Class.method."
_TESTS_HELP = "Also pass the assert statements in this file."
_ACCEPT_HELP = (
    "Write the function, and exit with 0, for these claims: verified (its doctests and tests pass), agreed (also "
    "where programs agree and nothing checks them), any."
)
_DIFF_HELP = "Print the unified diff, and write nothing."
_YES_HELP = "Write the file without a question."
_SOLVE_DEFAULTS = {
    "request": None, "task": None, "thread": None, "trace": None,
    "strategy": "adaptive", "programs": None, "order": None, "min_probability": 0.0,
}  # fmt: skip


def complete_function(
    file: Annotated[Path, typer.Argument(help=_FILE_HELP)],
    line: Annotated[int | None, typer.Option(min=1, help=_LINE_HELP)] = None,
    function: Annotated[str | None, typer.Option(help=_FUNCTION_HELP)] = None,
    tests: Annotated[Path | None, typer.Option(help=_TESTS_HELP)] = None,
    model: DefaultModelOption = None,
    policy: PolicyOption = None,
    threshold: ThresholdOption = None,
    ask: AskOption = False,
    budget: BudgetOption = None,
    accept: Annotated[str, typer.Option(help=_ACCEPT_HELP, autocompletion=complete_from(ACCEPTED_CLAIMS))] = "verified",
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    verbose: VerboseOption = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print the file and errors only.")] = False,
    plain: PlainOption = False,
    diff: Annotated[bool, typer.Option("--diff", help=_DIFF_HELP)] = False,
    yes: Annotated[bool, typer.Option("--yes", help=_YES_HELP)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Complete a function in its file, and run it on its doctests before it is written.

    All else in the file stays as it is. The change is shown, and asked first unless --yes came. It is short for
    `dubito solve --file FILE --function NAME --write FILE`.

    Example: dubito complete module.py --line 12

    Exit codes: 0 the function is written, or shown; 1 no program passed; 2 the request is wrong; 3 the machine or the
    sandbox failed; 4 and 5 the answer is agreed or unverified, and --accept names neither.
    """
    given = {**_SOLVE_DEFAULTS, **locals(), "write": None if diff else file}
    with report_errors(as_json), ExitStack() as cleanup:
        _check(given)
        raise typer.Exit(solve_with(AgentOptions.take(given), SolveOptions.take(given), cleanup))


def _check(given: dict[str, object]) -> None:
    if given["line"] is not None and given["function"] is not None:
        raise InvalidRequestError("--line and --function came; choose one of them")
    if str(given["file"]) == STANDARD_STREAM and not given["diff"]:
        raise InvalidRequestError("stdin is no file that could be changed; add --diff, or name a file")
