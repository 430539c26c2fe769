"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.choices import ORDERS, POLICIES, PROMPT_FORMATS, SANDBOXES
from agent.messages import listed
from agent.strategies import STRATEGIES

BenchmarkArgument = Annotated[str, typer.Argument(help="HumanEval, Mbpp, exercises, or exercises/SPLIT.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first so many problems.")]
ModelOption = Annotated[str, typer.Option(help="A folder or a hub id of any causal LM of transformers.")]
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        help="Pause at this much of the gate's score, or as `dubito calibrate threshold` wrote in this file; with uscd "
        "also std=0.0035, a bound on the standard deviation of the probabilities."
    ),
]
TokensOption = Annotated[int, typer.Option(min=1, help="The most tokens of one program.")]
SandboxOption = Annotated[str | None, typer.Option(help=f"{listed(SANDBOXES)} (no isolation).")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Give every program a sandbox of its own: nothing passes between samples.")
]
SeedOption = Annotated[int, typer.Option(help="Of the samplers.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda …; the best there is by default.")]
MemoryOption = Annotated[int | None, typer.Option(min=64, help="MiB of a Docker container; Mbpp/255 needs 3072.")]
DtypeOption = Annotated[str, typer.Option(help="float32, bfloat16 …; auto is the checkpoint's own.")]
PromptFormatOption = Annotated[
    str,
    typer.Option(
        help=f"{listed(PROMPT_FORMATS)}: auto looks at how the model ends its texts; completion suits base models."
    ),
]
PolicyOption = Annotated[
    str | None,
    typer.Option(help=f"How tokens are chosen: {listed(POLICIES)}. best-of samples by default, and beam is greedy."),
]
StrategyOption = Annotated[str, typer.Option(help=f"How the budget is spent: {listed(STRATEGIES)}.")]
ProgramsOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="The most programs of a tree (default 20), samples of best-of (default 5), or beams (default 3)."
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(help="Other bounds of a tree: tokens=, forwards=, runs=, seconds=, with commas. No bound by default."),
]
OrderOption = Annotated[
    str | None,
    typer.Option(help=f"Which branch a tree tries next: {listed(ORDERS)}. The default is probability."),
]
MinProbabilityOption = Annotated[float, typer.Option(help="Abstain where the answer is less probable to be right.")]
