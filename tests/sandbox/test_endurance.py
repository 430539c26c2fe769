"""Long runs and lost engines leave nothing behind and lose no result. Takes minutes: `make test-slow`."""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from sandbox import Call, Expression, Limits, Returned, open_sandbox
from sandbox.docker.client import connect, is_answering, sweep
from sandbox.docker.container import owner
from sandbox.docker.engine import forget_stale
from sandbox.docker.image import ensure_image
from sandbox.docker.sandbox import DockerSandbox
from sandbox.pool import SandboxPool

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.timeout(1200)]
LEAVING = """
import os, threading, time
open(f"/tmp/run/{os.getpid()}", "w").write("left")
if os.fork() == 0:
    time.sleep(60)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
def double(x):
    return 2 * x
"""
API = (
    docker.constants.MINIMUM_DOCKER_API_VERSION
)  # asked for by name: else a client asks the engine, which is not there
ROOMY = Limits(wall_seconds=60.0)


@pytest.fixture
def client():
    with closing(connect()) as client:
        yield client


def own_containers(client):
    return client.containers.list(filters={"label": f"dubito.owner={owner(os.getpid())}"}, ignore_removed=True)


def held_by_this_process():
    """Descriptors, threads, and resident MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), pages * resource.getpagesize() / 2**20


def held_by(container):
    """The commands of a container's processes, and its MiB without what the kernel may drop."""
    memory = container.stats(stream=False)["memory_stats"]
    cache = memory["stats"].get("inactive_file", memory["stats"].get("total_inactive_file", 0))
    return sorted(row[-1] for row in container.top()["Processes"]), (memory["usage"] - cache) / 2**20


def test_programs_that_leave_files_processes_and_threads_leave_no_container_behind(client):
    """Each of them wears its container, so that a hundred are started."""
    with closing(SandboxPool([DockerSandbox(), DockerSandbox()])) as pool, ThreadPoolExecutor(4) as threads:
        runs = threads.map(
            lambda number: pool.run(LEAVING, calls=[Call("double", (number,))], limits=ROOMY), range(100)
        )
        assert [run.outcomes for run in runs] == [(Returned(2 * number),) for number in range(100)]
        (seen,) = pool.run("import os", calls=[Expression("os.listdir('/tmp'), os.listdir('/tmp/run')")]).outcomes
        assert seen == Returned((["run"], []))
    assert not own_containers(client)


def test_ten_thousand_programs_leave_nothing_behind(client):
    """Two servers see them all."""
    pool = SandboxPool([DockerSandbox(), DockerSandbox()], most_runs=10**9)

    def one(number):
        program = "def double(x):\n    return 2 * x\n"
        (outcome,) = pool.run(program, calls=[Call("double", (number,))], limits=ROOMY).outcomes
        assert outcome == Returned(2 * number)

    with closing(pool), ThreadPoolExecutor(4) as threads:
        list(threads.map(one, range(1_000)))
        containers = own_containers(client)
        inside = [held_by(container) for container in containers]
        before = held_by_this_process()
        list(threads.map(one, range(1_000, 10_000)))
        after = held_by_this_process()
        assert after[:2] == before[:2] and after[2] < before[2] + 16
        for container, (processes, memory) in zip(containers, inside, strict=True):
            still = held_by(container)  # fails where the container was lost and another took its place
            assert still[0] == processes and still[1] < memory + 16
        for _ in containers:
            (seen,) = pool.run("import os", calls=[Expression("os.listdir('/tmp'), os.listdir('/tmp/run')")]).outcomes
            assert seen == Returned((["run"], []))
    assert not own_containers(client)


class Engine:
    """A Docker engine of the test's own, which may be killed."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.url = f"unix://{folder}/docker.sock"

    def start(self):
        forget_stale(self.folder / "docker.pid", "dockerd")
        forget_stale(self.folder / "exec/containerd/containerd.pid", "containerd")
        folders = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "docker.pid"}
        options = [f"{name}={self.folder / folder}" for name, folder in folders.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", f"--host={self.url}", "--bridge=none", "--iptables=false", *options],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        with closing(docker.DockerClient(self.url, version=API)) as client:
            while not is_answering(client):
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "the engine does not answer"
                time.sleep(0.2)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)


@contextmanager
def own_engine():
    folder = Path(tempfile.mkdtemp(prefix="dubito-", dir="/tmp"))  # short: the path of a socket has 108 characters
    engine = Engine(folder)
    try:
        engine.start()
        yield engine
        engine.end(signal.SIGTERM)
    finally:
        subprocess.run(["umount", "--lazy", str(folder / "data")], check=False)  # dockerd leaves this one mounted
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dockerd"), reason="needs root and dockerd (which dockerd failed)"
)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_engine_that_ends_in_mid_run_costs_no_result(client, monkeypatch, how):
    image = b"".join(client.images.get(ensure_image(client, print)).save(named=True))
    with own_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        with closing(docker.from_env()) as own:
            own.images.load(image)

        def one(number):
            program = f"import time\ntime.sleep(0.2)\nprint({number})"
            return pool.run(program, limits=ROOMY).stdout

        with closing(open_sandbox("docker", workers=2)) as pool, ThreadPoolExecutor(4) as threads:
            stream = threads.map(one, range(40))
            time.sleep(1)
            engine.end(how)
            time.sleep(1)
            try:
                engine.start()
            except BaseException:
                threads.shutdown(cancel_futures=True)  # else each of them waits for the engine
                raise
            assert list(stream) == [f"{number}\n" for number in range(40)]
        with closing(connect()) as fresh:
            sweep(fresh, everything=True)
            assert not fresh.containers.list(all=True)
