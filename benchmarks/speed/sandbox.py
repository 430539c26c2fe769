"""Measure how fast the sandbox runs programs and judges data sets, against cold containers and evalplus.

Needs a Docker engine. Prints one line a measurement; takes about a minute, or several with --evalplus.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks import Benchmark, DatasetError, open_benchmark
from benchmarks.evalplus_names import DATASETS
from benchmarks.judging.checker import judge_program
from sandbox import Sandbox, open_sandbox
from sandbox.docker.client import connect
from sandbox.docker.container import container_options
from sandbox.docker.image import image_tag

_TRIVIAL = "x = 1\n"
_COLD_COMMAND = ["python3", "-I", "-S", "-c", _TRIVIAL]
_PROGRAMS, _PROBES, _COLD_RUNS = 1_000, 300, 8
_EXAMPLE = "example: python -m benchmarks.speed.sandbox --evalplus"


def main() -> None:
    """Measure everything and print one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.sandbox", description=__doc__, epilog=_EXAMPLE)
    parser.add_argument("--evalplus", action="store_true", help="also time evalplus' own evaluate (default: no)")
    with_evalplus = parser.parse_args().evalplus
    workers = os.cpu_count() or 1
    start = time.perf_counter()
    with closing(open_sandbox("docker", workers=workers, memory_mib=3072)) as pool:
        _print(f"start of a pool of {workers}", f"{time.perf_counter() - start:.2f} s")
        rate = _runs_per_second(lambda: pool.run(_TRIVIAL), _PROGRAMS, 2 * workers)
        _print("trivial programs", f"{rate:.0f} per second")
        for name, run_cold in _cold_runs():
            cold_rate = _runs_per_second(run_cold, _COLD_RUNS, workers)
            _print(name, f"{cold_rate:.1f} per second: the pool is {rate / cold_rate:.0f} times faster")
        latency = _latency(pool)
        percentiles = f"p50 {1000 * latency.p50:.1f} ms, p99 {1000 * latency.p99:.1f} ms"
        _print("latency of a trivial program, idle pool", percentiles)
        for name in DATASETS:
            _time_judging(name, pool, workers, with_evalplus=with_evalplus)
    _print("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


class _Latency(NamedTuple):
    """Percentiles of the time that one program takes, in seconds."""

    p50: float
    p99: float


def _print(what: str, measured: str) -> None:
    sys.stdout.write(f"{what:<48}{measured}\n")
    sys.stdout.flush()


def _runs_per_second(run: Callable[[], object], count: int, threads: int) -> float:
    with ThreadPoolExecutor(threads) as executor:
        start = time.perf_counter()
        for future in [executor.submit(run) for _ in range(count)]:
            future.result()
        return count / (time.perf_counter() - start)


def _latency(pool: Sandbox) -> _Latency:
    seconds = []
    for _ in range(_PROBES):
        start = time.perf_counter()
        pool.run(_TRIVIAL)
        seconds.append(time.perf_counter() - start)
    percentiles = statistics.quantiles(seconds, n=100)
    return _Latency(percentiles[49], percentiles[98])


def _cold_runs() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what the pool is compared with, on the same engine: one container a program, and one exec a program."""
    client = connect()
    options = container_options() | {"command": _COLD_COMMAND, "stdin_open": False, "auto_remove": False}
    yield "cold `docker run`", lambda: client.containers.run(image_tag(), remove=True, **options)
    sleep = options | {"command": ["python3", "-c", "import time; time.sleep(3600)"]}
    warm = client.containers.run(image_tag(), detach=True, **sleep)
    try:
        yield "`docker exec` in a warm container", lambda: warm.exec_run(_COLD_COMMAND)
    finally:
        warm.remove(force=True)
        client.close()


def _time_judging(name: str, pool: Sandbox, workers: int, *, with_evalplus: bool) -> None:
    """Judge all canonical solutions of a data set, base and plus. The time includes computing the expected values."""
    benchmark = open_benchmark(name)
    try:
        problems = list(benchmark)
    except DatasetError as error:
        return _print(f"canonical solutions of {name}+", f"not measured: {error}")
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as executor:
        passed = list(executor.map(lambda each: judge_program(pool, each, each.reference_program).passed, problems))
    ours = time.perf_counter() - start
    _print(f"canonical solutions of {name}+", f"{sum(passed)}/{len(passed)} in {ours:.1f} s")
    if with_evalplus:
        theirs = _time_evalplus(benchmark, workers)
        _print("the same by evalplus.evaluate", f"{theirs:.1f} s, {theirs / ours:.1f} times as long")
    return None


def _time_evalplus(benchmark: Benchmark, workers: int) -> float:
    """Return the seconds that evalplus takes for the same programs; with an empty cache it computes its values, too."""
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.jsonl"
        lines = [json.dumps({"task_id": each.task_id, "solution": each.reference_program}) for each in benchmark]
        samples.write_text("\n".join(lines) + "\n", encoding="utf-8")
        name = DATASETS[benchmark.name]
        command = [sys.executable, "-m", "evalplus.evaluate", name, "--samples", str(samples)]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--parallel", str(workers)],
            check=True, env={**os.environ, "HOME": folder, "XDG_CACHE_HOME": folder}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
