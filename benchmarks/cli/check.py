"""`dubito bench check`: judge samples that anybody wrote. Heavy imports wait inside."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import FreshOption, JsonOption, MemoryOption, SandboxOption
from agent.errors import InvalidRequestError
from agent.views.report import Report
from agent.views.say import say, show
from benchmarks.cli.run_options import collect, open_box, read_problem

if TYPE_CHECKING:
    from benchmarks.judging.samples import JudgedSample, Sample, UnjudgedSample

_MOST_NAMED = 10  # records that are not judged, each with its line


SamplesArgument = Annotated[
    Path,
    typer.Argument(
        help="JSON lines, gzipped if the name ends in .gz, with a task_id and a whole solution or a completion; - "
        "reads stdin. Or evalplus' folder of programs, as in HumanEval_0/0.py."
    ),
]
OnlyDatasetOption = Annotated[
    str | None,
    typer.Option(help="Judge only samples of humaneval, humaneval-base, mbpp, exercises[/SPLIT]."),
]
CheckedTasksOption = Annotated[
    list[str] | None, typer.Option(help="Judge only samples of these problems, as HumanEval/0,HumanEval/7.")
]
JudgesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Judge this many programs at once, each in its own sandbox. Default: all cores."),
]


def bench_check(
    samples: SamplesArgument,
    dataset: OnlyDatasetOption = None,
    tasks: CheckedTasksOption = None,
    k: Annotated[str, typer.Option(help="Print pass@k for each of these k, as 1,10.")] = "1",
    workers: JudgesOption = None,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge samples in evalplus' format by the hidden tests, and print pass@k.

    The exit code is 0 if every record was judged, 1 if some were not, and 3 if the sandbox failed on some. stderr
    names these records by line, and no number counts them.

    Example: dubito bench check samples.jsonl --dataset humaneval --k 1,10
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from benchmarks.judging.report import build_report, describe_missing_modules, describe_too_few_samples
        from benchmarks.judging.sample_file import read_samples
        from benchmarks.judging.samples import UnjudgedSample

        ks = _numbers(k)
        wanted = [read_problem(task.strip()).task_id for task in ",".join(tasks or []).split(",") if task.strip()]
        file = read_samples(samples, dataset=dataset, tasks=wanted)
        _name_unjudged(samples, file.broken)
        if sentence := describe_too_few_samples(file.samples, ks):
            say(sentence, err=True)
        at_once = max(1, min(workers or len(os.sched_getaffinity(0)), len(file.samples)))
        verdicts = _judge(file.samples, at_once, sandbox, memory_mib, fresh, cleanup)
        _name_unjudged(samples, [each for each in verdicts if isinstance(each, UnjudgedSample)])
        report = build_report([*file.broken, *verdicts], ks)
        for sentence in describe_missing_modules(report.judged):
            say(sentence, err=True)
        failed = any(each.sandbox_failed for each in report.unjudged)
        code = ExitCode.MACHINE_FAILED if failed else ExitCode.NOT_PASSED if report.unjudged else ExitCode.OK
        show(Report({**report.record(), "exit_code": code}, report.table()), as_json=as_json)
        raise typer.Exit(code)


def _judge(
    samples: list[Sample], workers: int, sandbox: str | None, memory_mib: int | None, fresh: bool, cleanup: ExitStack
) -> list[JudgedSample | UnjudgedSample]:
    from benchmarks.judging.samples import JudgedSample, judge_samples

    box = open_box(sandbox, cleanup, memory_mib, workers, fresh=fresh)
    stream = cleanup.enter_context(closing(judge_samples(samples, box, workers=workers)))
    return collect(stream, len(samples), lambda each: each.verdict if isinstance(each, JudgedSample) else "not judged")


def _numbers(text: str) -> list[int]:
    numbers = [part.strip() for part in text.split(",")]
    if not all(number.isdecimal() and len(number) < 10 and int(number) for number in numbers):
        raise InvalidRequestError(f"--k {text[:40]!r} came; wanted whole numbers from 1 on, as in 1,10")
    return [int(number) for number in numbers]


def _name_unjudged(path: Path, unjudged: list[UnjudgedSample]) -> None:
    from agent.views.text import one_line

    for each in unjudged[:_MOST_NAMED]:
        say(one_line(f"{path}:{each.line}: {each.reason}"), err=True)
    if len(unjudged) > _MOST_NAMED:
        say(f"and {len(unjudged) - _MOST_NAMED} more records like these; --json lists all", err=True)
