"""`dubito bench examples`: measure how the examples of prompts are read. Heavy imports wait inside."""

from __future__ import annotations

from contextlib import ExitStack

from agent.cli.exits import report_errors
from agent.cli.options import BenchmarkArgument, JsonOption, LimitOption, SandboxOption
from agent.views.report import Report
from agent.views.say import show
from benchmarks.cli.run_options import collect, open_box, read_problems


def bench_examples(
    benchmark: BenchmarkArgument = "HumanEval",
    limit: LimitOption = None,
    sandbox: SandboxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the examples that each prompt shows, and run the canonical solution on them.

    Print how many are read, each that the canonical solution fails, and each line that looks like one and is not read.

    Example: dubito bench examples exercises --limit 20
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from agent.cli.components import check_sandbox
        from benchmarks.experiments.prompt_examples import check_prompts, count_examples, examples_table

        check_sandbox(sandbox)
        problems = read_problems(benchmark, limit)
        stream = check_prompts(problems, open_box(sandbox, cleanup))
        prompts = collect(stream, len(problems), lambda each: "with examples" if each.examples else "without")
        counts = count_examples(prompts)
        show(Report(counts, examples_table(counts)), as_json=as_json)
