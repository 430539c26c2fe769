"""How fast the sandbox is, against cold containers and evalplus: `python -m benchmarks.speed.sandbox`."""

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

from benchmarks import Benchmark, DatasetError, open_benchmark
from benchmarks.judging.checker import judge
from sandbox import Sandbox, open_sandbox
from sandbox.docker.client import connect
from sandbox.docker.container import container_options
from sandbox.docker.image import image_tag

TRIVIAL = "x = 1\n"
COLD = ["python3", "-I", "-S", "-c", TRIVIAL]
PROGRAMS, PROBES, COLD_RUNS = 1_000, 300, 8
EVALPLUS = {"HumanEval": "humaneval", "Mbpp": "mbpp"}


def main() -> None:
    """Measure and print, one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.sandbox", description=__doc__)
    parser.add_argument("--evalplus", action="store_true", help="also time evalplus' own evaluate (minutes)")
    against = parser.parse_args().evalplus
    workers = os.cpu_count() or 1
    start = time.perf_counter()
    with closing(open_sandbox("docker", workers=workers, memory_mib=3072)) as pool:
        _say(f"start of a pool of {workers}", f"{time.perf_counter() - start:.2f} s")
        rate = _rate(lambda: pool.run(TRIVIAL), PROGRAMS, 2 * workers)
        _say("trivial programs", f"{rate:.0f} per second")
        for name, cold in _colds():
            slower = _rate(cold, COLD_RUNS, workers)
            _say(name, f"{slower:.1f} per second: the pool is {rate / slower:.0f} times faster")
        p50, p99 = _latencies(pool)
        _say("latency of a trivial program, idle pool", f"p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms")
        for name in EVALPLUS:
            _check(name, pool, workers, against=against)
    _say("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _say(what: str, measured: str) -> None:
    sys.stdout.write(f"{what:<48}{measured}\n")
    sys.stdout.flush()


def _rate(run: Callable[[], object], count: int, threads: int) -> float:
    """Runs per second, from several threads."""
    with ThreadPoolExecutor(threads) as executor:
        start = time.perf_counter()
        for done in [executor.submit(run) for _ in range(count)]:
            done.result()
        return count / (time.perf_counter() - start)


def _latencies(pool: Sandbox) -> tuple[float, float]:
    taken = []
    for _ in range(PROBES):
        start = time.perf_counter()
        pool.run(TRIVIAL)
        taken.append(time.perf_counter() - start)
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


def _colds() -> Iterator[tuple[str, Callable[[], object]]]:
    """What the pool is compared with, over the same engine: a container a program, and an exec a program."""
    client = connect()
    options = container_options() | {"command": COLD, "stdin_open": False, "auto_remove": False}
    yield "cold `docker run`", lambda: client.containers.run(image_tag(), remove=True, **options)
    idle = options | {"command": ["python3", "-c", "import time; time.sleep(3600)"]}
    warm = client.containers.run(image_tag(), detach=True, **idle)
    try:
        yield "`docker exec` in a warm container", lambda: warm.exec_run(COLD)
    finally:
        warm.remove(force=True)
        client.close()


def _check(name: str, pool: Sandbox, workers: int, *, against: bool) -> None:
    """Judge all canonical solutions of a benchmark, base and plus; their expected values are computed here too."""
    benchmark = open_benchmark(name)
    try:
        problems = list(benchmark)
    except DatasetError as error:
        return _say(f"canonical solutions of {name}+", f"not measured: {error}")
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as executor:
        verdicts = list(executor.map(lambda each: judge(pool, each, each.reference_program).passed, problems))
    ours = time.perf_counter() - start
    _say(f"canonical solutions of {name}+", f"{sum(verdicts)}/{len(verdicts)} in {ours:.1f} s")
    if against:
        theirs = _evalplus(benchmark, workers)
        _say("the same by evalplus.evaluate", f"{theirs:.1f} s, {theirs / ours:.1f} times as long")
    return None


def _evalplus(benchmark: Benchmark, workers: int) -> float:
    """Seconds that evalplus takes for the same programs, its ground truth computed anew as ours was."""
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.jsonl"
        lines = [json.dumps({"task_id": each.task_id, "solution": each.reference_program}) for each in benchmark]
        samples.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "evalplus.evaluate", EVALPLUS[benchmark.name], "--samples", str(samples)]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--parallel", str(workers)],
            check=True, env={**os.environ, "HOME": folder, "XDG_CACHE_HOME": folder}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
