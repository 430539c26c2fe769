"""The commands that need benchmarks. The agent's command line adds them; no other module looks up to here."""

from __future__ import annotations

from collections.abc import Callable

import typer

from benchmarks.base import Problem
from benchmarks.cli.calibrate_search import calibrate_search
from benchmarks.cli.calibrate_threshold import calibrate_threshold
from benchmarks.cli.check import bench_check
from benchmarks.cli.exercises import exercises
from benchmarks.cli.experiment import bench_experiment
from benchmarks.cli.results import bench_compare, bench_curve, bench_plot, bench_reliability
from benchmarks.cli.run import bench_fill, bench_pauses, bench_run
from benchmarks.cli.run_options import hidden_verdicts, read_problem
from benchmarks.cli.sample import bench_sample
from benchmarks.cli.speed import bench_speed

__all__ = ["Problem", "add_benchmark_commands", "hidden_verdicts", "read_problem"]


def add_benchmark_commands(app: typer.Typer) -> None:
    """Add `bench`, `calibrate` and `exercises` to a command line."""
    bench = typer.Typer(name="bench", help="Run benchmarks, and judge and compare runs.", no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "run": bench_run, "experiment": bench_experiment, "compare": bench_compare, "plot": bench_plot,
        "curve": bench_curve, "reliability": bench_reliability, "check": bench_check, "sample": bench_sample,
        "fill": bench_fill, "pauses": bench_pauses, "speed": bench_speed,
    }  # fmt: skip
    for name, command in commands.items():
        bench.command(name)(command)
    calibrate = typer.Typer(name="calibrate", help="Learn from problems that are kept for it.", no_args_is_help=True)
    calibrate.command("threshold")(calibrate_threshold)
    calibrate.command("search")(calibrate_search)
    for group in (bench, exercises, calibrate):
        app.add_typer(group)
