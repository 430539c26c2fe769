"""`dubito bench fidelity`: measure how near one model comes to another. Heavy imports wait inside."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, LimitOption, ModelOption, PromptStyleOption, WeightsOption
from agent.views.say import show
from benchmarks.cli.run_options import collect, read_problems

SolutionsOption = Annotated[
    list[str] | None, typer.Option(help="Read the solutions of these problems; may be repeated. Default: exercises.")
]
AgainstOption = Annotated[str | None, typer.Option(help="Compare with this model. Default: the same one.")]
AgainstWeightsOption = Annotated[str, typer.Option(help="Take the other model's weights as int8, bf16, fp16 or fp32.")]


def bench_fidelity(
    model: ModelOption = "models/tiny",
    weights: WeightsOption = "int8",
    against: AgainstOption = None,
    against_weights: AgainstWeightsOption = "auto",
    problems: SolutionsOption = None,
    limit: LimitOption = None,
    device: DeviceOption = None,
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Let two models read canonical solutions, and print their perplexities and where their first choices part.

    Both may be one model in two precisions: int8 and the checkpoint's own by default.

    Example: dubito bench fidelity --model models/tiny --weights bf16 --against-weights fp32 --limit 20
    """
    with report_errors(as_json):
        from agent.cli import components
        from agent.lm import open_lm
        from benchmarks.experiments.fidelity import compare_models, report_fidelity

        specs = ((model, weights), (against or model, against_weights))
        for name, kind in specs:
            components.check_model(name, kind, prompt_style)
        solutions = [each for name in problems or ["exercises"] for each in read_problems(name, limit)]
        first, second = (open_lm(name, device=device, weights=kind, prompt_style=prompt_style) for name, kind in specs)
        compared = collect(
            compare_models(first, second, solutions),
            len(solutions),
            lambda each: "parted" if each.parted else "the same",
        )
        names = (f"{first.name} in {first.dtype}", f"{second.name} in {second.dtype}")
        show(report_fidelity(compared, names), as_json=as_json)
