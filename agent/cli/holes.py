"""`dubito holes`: show a program with holes in place of what is not to be trusted. Heavy imports wait inside."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    DefaultModelOption,
    DeviceOption,
    JsonOption,
    PolicyOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    ThresholdOption,
    TokensOption,
    WeightsOption,
)
from agent.errors import InvalidRequestError
from agent.lm.names import choose_default_model
from agent.messages import quote
from agent.strategies import DEFAULT_POLICY
from agent.views.say import say, write_json

if TYPE_CHECKING:
    from agent.cli.agent_options import CheckedOptions
    from agent.views.holes import ProgramWithHoles

_FILE_HELP = "Let the model read this Python file. `-` reads it from stdin."
_TASK_HELP = "Let the model write a program for this problem of a benchmark, as in HumanEval/0."
_TAU_HELP = (
    "Keep code that costs at most -ln tau nats of surprisal; the rest becomes holes. Default: as calibrated, or 0.1; "
    "of a file, the least sure parts up to a fifth of it."
)
_LEAST_SURE = 0.2  # of the nodes of a file


def holes_of_program(
    file: Annotated[Path | None, typer.Argument(help=_FILE_HELP)] = None,
    task: Annotated[str | None, typer.Option(help=_TASK_HELP)] = None,
    model: DefaultModelOption = None,
    policy: PolicyOption = DEFAULT_POLICY,
    threshold: ThresholdOption = None,
    tau: Annotated[float | None, typer.Option(help=_TAU_HELP)] = None,
    holes: Annotated[int, typer.Option(min=1, max=8, help="Leave at most this many holes.")] = 2,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Show a program with holes in place of what the model is least sure of, and what is guaranteed of the rest.

    A guarantee needs `dubito calibrate holes`, and holds for programs that the model itself wrote.

    Example: dubito holes --task exercises/7
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from agent.cli.agent_options import AgentOptions

        if (file is None) == (task is None):
            came = "a file and --task" if task else "neither a file nor --task"
            raise InvalidRequestError(f"{came} came; wanted one of them, as in: dubito holes --task exercises/7")
        options = AgentOptions(
            model or choose_default_model(), policy, threshold, "once", None, False, None, None, 0.0, max_tokens,
            sandbox, seed, device, weights, prompt_style, tau, holes,
        )  # fmt: skip
        checked = options.check()
        shown = _read_file(file, checked) if file is not None else _write_program(str(task), checked, cleanup)
        if as_json:
            _write_record(shown, str(file or ""))
        else:
            _show(shown)


def _write_record(shown: ProgramWithHoles, file: str) -> None:
    """Write the program, its holes and their guarantee as one JSON object, and the holes as spans, too."""
    from agent.views.holes import describe_holes
    from agent.views.run_spans import list_hole_spans
    from agent.views.spans import describe_spans

    write_json({**describe_holes(shown).record, "spans": describe_spans(list_hole_spans(shown, file))["spans"]})


def _show(shown: ProgramWithHoles) -> None:
    """Print the program with its holes in inverse; where stdout is no terminal, as Python with `...` in their places.

    The holes and what is guaranteed go to stderr.
    """
    from rich.console import Console

    from agent.program.partial_text import write_partial
    from agent.views.holes import draw_program, say_holes

    terminal = Console(highlight=False, soft_wrap=True)
    if terminal.is_terminal:
        terminal.print(draw_program(shown))
    else:
        say(write_partial(shown.program, shown.holes).rstrip("\n"))
    for line in say_holes(shown):
        say(line, err=True)


def _read_file(file: Path, checked: CheckedOptions) -> ProgramWithHoles:
    """Let the model read a file, and mark its holes."""
    from agent.cli.inputs import read_source
    from agent.lm.open import open_lm
    from agent.lm.reading import read_through
    from agent.program.charges import charge_code
    from agent.program.hole_calibration import Guarantee
    from agent.program.surprises import check_python
    from agent.program.syntax import read_module
    from agent.views.alternatives import Alternative
    from agent.views.holes import ProgramWithHoles
    from uncertainty.prediction_set import HoleSets
    from uncertainty.tree import program_tree

    options, source = checked.options, read_source(file, "the program")
    check_python(source, str(file))
    if len(program_tree(source, ())) == 1:
        what = "too many statements side by side" if read_module(source).body else "no code"
        raise InvalidRequestError(f"{quote(file)} has {what}, so it has no parts to leave out; give another file")
    model = open_lm(options.model, device=options.device, weights=options.weights, prompt_style=options.prompt_style)
    tokens = list(read_through(model, source))
    tree = charge_code(source, [(token.start, token.surprisal) for token in tokens])
    sets = HoleSets(tree, options.holes)
    few = math.ceil(_LEAST_SURE * len(tree))
    partial = (
        sets.least_sure(source, few, options.holes)
        if options.tau is None
        else sets.partial(source, options.tau, options.holes)
    )
    missing = "the model only read this program, and a calibration is of programs that it wrote"
    alternatives = (Alternative(token.start, *each) for token in tokens for each in token.expected)
    return ProgramWithHoles(source, partial.holes, Guarantee(missing=missing), alternatives=tuple(alternatives))


def _write_program(task: str, checked: CheckedOptions, cleanup: ExitStack) -> ProgramWithHoles:
    """Let the model write the program of a problem, with its holes."""
    from agent.cli.solve import read_benchmark_task
    from agent.strategies import ALONE
    from agent.views.alternatives import list_alternatives
    from agent.views.holes import ProgramWithHoles

    request, _ = read_benchmark_task(task)
    agent = checked.open(cleanup, quiet=True)
    best = agent.solve(request, on_event=lambda event: None, session=ALONE).best
    return ProgramWithHoles(best.program, best.holes, best.guarantee, not best.passed, list_alternatives(best))
