"""The commands that need benchmarks. The command line of the agent adds them; no other module looks up to here."""

from __future__ import annotations

import typer

from benchmarks.base import Problem
from benchmarks.cli.calibrate_search import calibrate_search
from benchmarks.cli.calibrate_threshold import calibrate
from benchmarks.cli.exercises import exercises
from benchmarks.cli.results import bench_compare, bench_curve, bench_plot, bench_trust
from benchmarks.cli.run import bench, found_problem, hidden_verdicts
from benchmarks.cli.sample import bench_draw
from benchmarks.cli.speed import bench_speed

__all__ = ["Problem", "add_benchmark_commands", "found_problem", "hidden_verdicts"]


def add_benchmark_commands(app: typer.Typer) -> None:
    """Add `bench`, `calibrate` and `exercises` to a command line."""
    bench.command("compare")(bench_compare)
    bench.command("plot")(bench_plot)
    bench.command("curve")(bench_curve)
    bench.command("trust")(bench_trust)
    bench.command("draw")(bench_draw)
    bench.command("speed")(bench_speed)
    calibrate.command("search")(calibrate_search)
    for group in (bench, exercises, calibrate):
        app.add_typer(group)
