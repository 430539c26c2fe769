"""`dubito bench submit`: submit the shards of a run as jobs. Heavy imports wait inside."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.commands import plain_typer
from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import JsonOption
from agent.errors import DeviceError, InvalidRequestError
from agent.messages import quote
from agent.views.say import say, show
from benchmarks.cli.processes import make_folder
from benchmarks.cli.run import bench_run

if TYPE_CHECKING:
    from agent.views.report import Report
    from benchmarks.engines.slurm import SubmittedShards

_CHOSEN_HERE = ("--out", "--shard", "--dry-run", "--json")  # options of `bench run` that this command sets

bench_submit = plain_typer()


@bench_submit.command(context_settings={"ignore_unknown_options": True})
def submit(
    words: Annotated[list[str], typer.Argument(help="The benchmark and all other options, as for `dubito bench run`.")],
    out: Annotated[Path, typer.Option(help="The folder of the run. The shards go into its folder `shards`.")],
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Submit to Slurm. Without it the shards run here, without a GPU.")
    ] = False,
    shards: Annotated[
        int, typer.Option(min=2, max=1000, help="Submit so many jobs, each with a part of the work.")
    ] = 2,
    partition: Annotated[str | None, typer.Option(help="The partition of Slurm. Default: Slurm's.")] = None,
    minutes: Annotated[
        int,
        typer.Option(min=1, help="Stop a job after this time. It is then submitted again and goes on, three times."),
    ] = 1440,
    gpus: Annotated[int | None, typer.Option(min=0, help="GPUs of each job. Default: Slurm's.")] = None,
    cpus: Annotated[int | None, typer.Option(min=1, help="CPU cores of each job. Default: Slurm's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Submit the shards of a `dubito bench run` as an array of jobs, and print how to merge them.

    A shard that was killed goes on when the same command is submitted again.

    Example: dubito bench submit HumanEval --slurm --shards 8 --gpus 1 --out runs/he
    """
    with report_errors(as_json, resumes="the run"):
        from benchmarks.engines import check_extra

        check_extra("submitit", "slurm")
        from benchmarks.engines.slurm import JobSize, check_slurm, submit_shards

        if slurm:
            check_slurm()
        commands = [_shard_command(words, out, number, shards) for number in range(1, shards + 1)]
        plan = _plan_shard(commands[0])
        make_folder(out / "jobs")
        submitted = submit_shards(commands, out / "jobs", JobSize(minutes, gpus, cpus, partition), slurm=slurm)
        show(_report(submitted, plan, out, shards), as_json=as_json)
        if not slurm:
            submitted.wait()
            say("all shards have ended", err=True)


def _shard_command(words: Sequence[str], out: Path, number: int, count: int) -> list[str]:
    """Return the words behind `dubito` that run one shard. Raises InvalidRequestError for an option that it sets."""
    if chosen := [word for word in words if word.partition("=")[0] in _CHOSEN_HERE]:
        raise InvalidRequestError(f"{quote(chosen[0])} came; `bench submit` sets it itself, so leave it out")
    return ["bench", "run", *words, "--out", f"{out / 'shards'}/", "--shard", f"{number}/{count}"]


def _plan_shard(command: Sequence[str]) -> dict[str, Any]:
    """Return the plan of a shard, as `bench run --dry-run` reports it. Raises its error."""
    run, written = plain_typer(), io.StringIO()
    run.command()(bench_run)
    with redirect_stdout(written), redirect_stderr(io.StringIO()), report_errors(as_json=True):
        code = typer.main.get_command(run).main(
            [*command[2:], "--dry-run", "--json"], prog_name="dubito bench run", standalone_mode=False
        )
    record: dict[str, Any] = json.loads(written.getvalue())
    if code:
        raise (InvalidRequestError if code == ExitCode.BAD_REQUEST else DeviceError)(record["error"])
    return record


def _report(submitted: SubmittedShards, plan: dict[str, Any], out: Path, shards: int) -> Report:
    """Report the id of the jobs, and the command that joins the files of each arm."""
    from agent.views.report import Report

    merges = [_merge_command(arm["arm"], out, shards) for arm in plan["arms"]]
    lines = [
        f"submitted {shards} jobs as {submitted.id}; their logs are in {submitted.folder}",
        "when they have ended:",
    ]
    return Report(
        {"id": submitted.id, "shards": shards, "logs": str(submitted.folder), "merge": merges},
        "\n".join([*lines, *(f"  {command}" for command in merges)]),
    )


def _merge_command(arm: str, out: Path, shards: int) -> str:
    parts = f"{shlex.quote(f'{out}/shards/{arm}')}.*-of-{shards}.jsonl"
    return f"dubito bench merge {parts} --out {shlex.quote(f'{out}/{arm}.jsonl')}"
