"""`dubito bench codegen`: our completions beside those of evalplus' generator. Heavy imports wait inside."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import BenchmarkArgument, JsonOption, LimitOption
from agent.messages import check_choice
from agent.views.report import Report
from agent.views.say import show
from benchmarks.cli.run_options import BatchOption, TasksOption, collect, open_as_evalplus, read_batch, read_problems
from benchmarks.evalplus_names import DATASETS

_DTYPES = {"bf16": "bfloat16", "fp32": "float32"}
CodegenModelOption = Annotated[
    str | None, typer.Option(help="Compare completions of this chat model. By default, of the best one on the shelf.")
]
CodegenWeightsOption = Annotated[
    str, typer.Option(help="Load the model in bf16 or fp32. In bf16 near-ties may fall either way.")
]


def bench_codegen(
    benchmark: BenchmarkArgument = "HumanEval",
    limit: LimitOption = None,
    tasks: TasksOption = None,
    model: CodegenModelOption = None,
    weights: CodegenWeightsOption = "bf16",
    batch: BatchOption = "auto",
    max_tokens: Annotated[int, typer.Option(min=1, help="Write at most this many tokens. evalplus allows 768.")] = 768,
    as_json: JsonOption = False,
) -> None:
    """Complete each problem greedily in the style evalplus, let evalplus do the same, and print where they differ.

    Both load the model, each in its own way: evalplus with eager attention. It forgets the stops of earlier problems
    here; as it comes, it keeps them and cuts later answers short. A gap is that of our two likeliest tokens where the
    texts part; near 0 it is a matter of rounding.

    Example: dubito bench codegen HumanEval --model qwen2.5-coder-0.5b --limit 3
    """
    with report_errors(as_json):
        from agent.cli import components
        from agent.errors import InvalidRequestError
        from agent.lm.names import choose_default_model, find_model_folder
        from benchmarks.experiments import evalplus_codegen
        from benchmarks.experiments.side_by_side import count_tasks

        if benchmark not in DATASETS:
            raise InvalidRequestError(f"evalplus generates no code for {benchmark}; choose from {', '.join(DATASETS)}")
        model = model or choose_default_model()
        components.check_model(model, "auto", "evalplus")
        problems = read_problems(benchmark, limit, tasks)
        check_choice("weights", weights, _DTYPES)
        ours = open_as_evalplus(model, weights=weights)
        folder = str(find_model_folder(model))
        dtype = _DTYPES[weights]
        theirs = evalplus_codegen.open_evalplus(folder, DATASETS[benchmark], dtype=dtype, max_tokens=max_tokens)
        at_once = count_tasks(ours.lm, max_tokens, read_batch(batch))
        stream = evalplus_codegen.compare_completions(problems, ours, theirs, max_tokens=max_tokens, tasks=at_once)
        compared = collect(stream, len(problems), lambda each: "the same" if each.same else "another")
        counts, table = evalplus_codegen.count_completions(compared), evalplus_codegen.comparison_table(compared)
        show(Report(counts, table), as_json=as_json)
