"""The options that several commands share. Lists of choices come from the registries, or from `choices`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.choices import POLICY_SCORES
from agent.cli.completion import complete_budget, complete_from, complete_model
from agent.lm.hf.hub import WEIGHTS
from agent.messages import join_names
from agent.program.styles import AUTO, PROMPT_STYLES
from agent.search.orders import ORDERS
from agent.strategies import STRATEGIES
from sandbox import SANDBOXES

DEFAULT_SECONDS = 180  # of a search of `solve` and `chat`
_PAUSES_HELP = (
    "Pause where the score reaches this threshold: a number of nats, `learned` for the model's own, or the path of a "
    "profile that `dubito calibrate threshold` wrote. uscd also takes std=0.0035, a bound on the "
    "standard deviation of the probabilities. By default, the "
)
_PROMPT_STYLE_HELP = (
    f"Ask the model in this style: {join_names(PROMPT_STYLES)}; completion, for base models, gives it a text to "
    "continue. By default, auto takes the style of the shelf, and else decides by how the model ends its texts."
)
_TOKENS_HELP = "Write at most this many tokens a program."
_MODELS = (
    "a name that `dubito models list` shows, a folder, a GGUF file, or the id of a causal LM on the Hugging Face hub"
)
_MODEL_HELP = f"Load this model: the embedded models/tiny, {_MODELS}."
_DEFAULT_MODEL_HELP = (
    f"Load this model: {_MODELS}. By default, the best coder that `dubito models get` put here, else models/tiny."
)
_WEIGHTS_HELP = (
    "Take the model's weights as int8 (on CPUs, about twice as fast), bf16, fp16 or fp32. By default, auto takes int8 "
    "for a large model on a CPU if a trial finds hardly any difference, else the checkpoint's own."
)
_DEVICE_HELP = "Run the model on this device, as cpu, cuda or cuda:1. By default, cuda if there is one, else cpu."
SANDBOX_HELP = (
    f"Run programs in this sandbox: {join_names(SANDBOXES)}; process does not isolate. "
    "By default, docker, else bubblewrap."
)
_POLICY_HELP = (
    f"How to choose tokens: {join_names(POLICY_SCORES)}. By default, best-of samples, beam is greedy, "
    "solve and chat use adadec, and bench greedy."
)
_STRATEGY_HELP = f"How to spend the budget: {join_names(STRATEGIES)}."
_SEVERAL = "Several with commas: each is run with each."
_PROGRAMS_HELP = "Write at most this many programs (tree, adaptive: 20), samples (best-of: 5) or beams (beam: 3)."
_BUDGET_HELP = (
    "Bound a tree by programs=, tokens=, forwards=, runs= or seconds=, several with commas. "
    f"solve and chat end a search after {DEFAULT_SECONDS} seconds, unless this says another number."
)

_DATASETS = ("HumanEval", "Mbpp", "HumanEval-base", "exercises")

BenchmarkArgument = Annotated[
    str, typer.Argument(help=f"{join_names(_DATASETS)}[/SPLIT].", autocompletion=complete_from(_DATASETS))
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Take only this many problems. All by default.")]
ModelOption = Annotated[str, typer.Option(help=_MODEL_HELP, autocompletion=complete_model)]
DefaultModelOption = Annotated[str | None, typer.Option(help=_DEFAULT_MODEL_HELP, autocompletion=complete_model)]
PolicyOption = Annotated[str | None, typer.Option(help=_POLICY_HELP, autocompletion=complete_from(POLICY_SCORES))]
PoliciesOption = Annotated[
    str | None, typer.Option("--policy", help=f"{_POLICY_HELP} {_SEVERAL}", autocompletion=complete_from(POLICY_SCORES))
]
ThresholdOption = Annotated[
    str | None, typer.Option(help=f"{_PAUSES_HELP}learned or published threshold of the model, else the policy's own.")
]
BenchThresholdOption = Annotated[str | None, typer.Option(help=f"{_PAUSES_HELP}policy's own, for every model.")]
StrategyOption = Annotated[str, typer.Option(help=_STRATEGY_HELP, autocompletion=complete_from(STRATEGIES))]
StrategiesOption = Annotated[
    str, typer.Option("--strategy", help=f"{_STRATEGY_HELP} {_SEVERAL}", autocompletion=complete_from(STRATEGIES))
]
ProgramsOption = Annotated[int | None, typer.Option(min=1, help=_PROGRAMS_HELP)]
AskOption = Annotated[bool, typer.Option("--ask", help="Ask a person at pauses, and where programs differ.")]
VerboseOption = Annotated[
    int,
    typer.Option("-v", "--verbose", count=True, help="Show each pause and program; -vv, also failed programs in full."),
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="Print one line an event and redraw nothing, as for a screen reader.")
]
BudgetOption = Annotated[str | None, typer.Option(help=_BUDGET_HELP, autocompletion=complete_budget)]
OrderOption = Annotated[
    str | None,
    typer.Option(
        help=f"Which branch a tree tries next: {join_names(ORDERS)}. probability by default.",
        autocompletion=complete_from(ORDERS),
    ),
]
MinProbabilityOption = Annotated[
    float, typer.Option(help="Abstain where the answer is less likely to be right than this.")
]
TokensOption = Annotated[int, typer.Option(min=1, help=_TOKENS_HELP)]
SandboxOption = Annotated[str | None, typer.Option(help=SANDBOX_HELP, autocompletion=complete_from(SANDBOXES))]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Give every program a sandbox of its own: nothing passes between samples.")
]
MemoryOption = Annotated[
    int | None, typer.Option(min=64, help="Limit a Docker container's memory, in MiB. Mbpp/255 needs 3072.")
]
SeedOption = Annotated[int, typer.Option(help="Seed the samplers.")]
DeviceOption = Annotated[str | None, typer.Option(help=_DEVICE_HELP, autocompletion=complete_from(("cpu", "cuda")))]
WeightsOption = Annotated[str, typer.Option(help=_WEIGHTS_HELP, autocompletion=complete_from(WEIGHTS))]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, and no table.")]
PromptStyleOption = Annotated[
    str, typer.Option(help=_PROMPT_STYLE_HELP, autocompletion=complete_from((AUTO, *PROMPT_STYLES)))
]
