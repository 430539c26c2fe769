"""The commands that need benchmarks, as groups for the command line of the agent. No other module looks up to here."""

from __future__ import annotations

from agent.cli.commands import Entry, lazy_group
from benchmarks.base import Problem
from benchmarks.cli.run_options import hidden_verdicts, read_problem

__all__ = ["Problem", "bench", "calibrate", "hidden_verdicts", "read_problem"]

bench = lazy_group(
    "bench",
    "Run benchmarks, and judge and compare runs.",
    {
        "run": Entry("benchmarks.cli.run:bench_run", "Run a policy and a strategy over a benchmark."),
        "submit": Entry("benchmarks.cli.submit:bench_submit", "Submit the shards of a run as jobs of Slurm."),
        "merge": Entry("benchmarks.cli.merge:bench_merge", "Join the files of a run's shards."),
        "experiment": Entry("benchmarks.cli.experiment:bench_experiment", "Run and compare the arms of an experiment."),
        "compare": Entry("benchmarks.cli.results:bench_compare", "Compare runs over the same problems."),
        "plot": Entry("benchmarks.cli.results:bench_plot", "Draw what runs solved against what they cost."),
        "curve": Entry("benchmarks.cli.results:bench_curve", "Show what is solved by how many tokens."),
        "budgets": Entry("benchmarks.cli.budgets:bench_budgets", "Show what searches solve within budgets."),
        "reliability": Entry("benchmarks.cli.results:bench_reliability", "Check stated probabilities."),
        "signals": Entry("benchmarks.cli.signals:bench_signals", "Measure what tells right programs from wrong ones."),
        "holes": Entry("benchmarks.cli.holes:bench_holes", "Compare ways to leave out what is not to be trusted."),
        "check": Entry("benchmarks.cli.check:bench_check", "Judge samples in evalplus' format, and print pass@k."),
        "export": Entry("benchmarks.cli.export:bench_export", "Write the programs of a run as evalplus' own files."),
        "evalplus": Entry("benchmarks.cli.evalplus:bench_evalplus", "Let evalplus judge the programs of a run, too."),
        "sample": Entry("benchmarks.cli.sample:bench_sample", "Draw and judge many samples of each problem."),
        "examples": Entry("benchmarks.cli.examples:bench_examples", "Read the examples of prompts, and check them."),
        "codegen": Entry("benchmarks.cli.codegen:bench_codegen", "Compare completions with evalplus' own."),
        "fill": Entry("benchmarks.cli.fill:bench_fill", "Let the model fill one hole in each canonical solution."),
        "mistakes": Entry(
            "benchmarks.cli.mistakes:bench_mistakes", "Put mistakes into programs, and see whether score finds them."
        ),
        "pauses": Entry("benchmarks.cli.fill:bench_pauses", "Try each candidate of each pause where greedy fails."),
        "fidelity": Entry("benchmarks.cli.fidelity:bench_fidelity", "Measure how near one model comes to another."),
        "real": Entry("benchmarks.cli.real:bench_real", "Run real models, and write the page of results."),
        "speed": Entry("benchmarks.cli.speed:bench_speed", "Time each policy against greedy."),
    },
)

calibrate = lazy_group(
    "calibrate",
    "Learn from problems that are kept for it.",
    {
        "threshold": Entry("benchmarks.cli.calibrate_threshold:calibrate_threshold", "Learn when to pause."),
        "search": Entry("benchmarks.cli.calibrate_search:calibrate_search", "Learn which branch to try next."),
        "holes": Entry("benchmarks.cli.calibrate_holes:calibrate_holes", "Learn which parts not to trust."),
        "answers": Entry("benchmarks.cli.calibrate_answers:calibrate_answers", "Learn the probability of being right."),
    },
)
