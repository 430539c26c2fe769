"""What only the container gives. The flags are pinned without an engine; the rest needs one."""

import gc
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest
from hostile.tell import TELL

import sandbox
from sandbox import Call, Expression, Limits, SandboxUnavailable, Verdict
from sandbox.docker.channel import STREAM_HEADER, DockerChannel
from sandbox.docker.client import connect, sweep
from sandbox.docker.container import CONTAINER_LABELS, container_options, labels
from sandbox.docker.sandbox import DockerSandbox

COUNTED = [name for name in TELL if name.startswith("a number by") and "in vain" not in name]  # memory is no counter
ROOMY = Limits(cpu_seconds=20, wall_seconds=20)
ROOT = Path(sandbox.__file__).parent.parent  # where `import sandbox` works


def test_the_containers_flags_are_these_and_no_others():
    options = container_options(memory_mib=100)
    assert "guest.server" in options.pop("command")[-1]
    assert options == {
        "environment": {"PYTHONHASHSEED": "0"},
        "user": "0:0",
        "working_dir": "/tmp",
        "stdin_open": True,
        "auto_remove": True,
        "init": True,
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=64m,nr_inodes=4096"},
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges"],
        "sysctls": {
            "kernel.shmmni": "0",
            "kernel.msgmni": "0",
            "kernel.sem": "0 0 0 0",
            "fs.mqueue.queues_max": "0",
        },
        "pids_limit": 64,
        "mem_limit": "100m",
        "memswap_limit": "100m",
        "nano_cpus": 10**9,
        "log_config": {"type": "none"},
        "labels": labels(),
    }


@pytest.mark.docker
def test_each_program_has_a_user_id_of_its_own_and_it_is_not_root(docker_sandbox):
    users = [docker_sandbox.run("import os", calls=[Expression("os.getuid()")]).outcomes[0].value for _ in range(3)]
    assert len(set(users)) == 3
    assert min(users) > 1 << 20


@pytest.mark.docker
@pytest.mark.parametrize("name", COUNTED)
def test_a_program_that_moves_a_counter_is_followed_by_another_server(docker_sandbox, name):
    replaced = docker_sandbox.replaced
    assert docker_sandbox.run(TELL[name].program, limits=ROOMY).passed
    assert docker_sandbox.run("").passed
    assert docker_sandbox.replaced == replaced + 1


@pytest.mark.docker
def test_programs_that_move_no_counter_share_a_sandbox(docker_sandbox):
    docker_sandbox.run("")
    before = docker_sandbox.runs
    replaced = docker_sandbox.replaced
    for program in ("x = 1", "import json, unittest", "1 / 0", "try: import numpy\nexcept ImportError: pass"):
        docker_sandbox.run(program, limits=ROOMY)
    docker_sandbox.run("")
    assert (docker_sandbox.runs, docker_sandbox.replaced) == (before + 5, replaced)


@pytest.mark.docker
def test_files_anywhere_in_tmp_are_gone_when_the_next_program_runs(docker_sandbox):
    assert docker_sandbox.run("open('/tmp/note', 'w').write('x')").passed
    (seen,) = docker_sandbox.run("import os", calls=[Expression("os.listdir('/tmp')")]).outcomes
    assert seen.value == ["run"]


def containers(client):
    ours = {"label": [f"{key}={value}" for key, value in CONTAINER_LABELS.items()]}
    return client.containers.list(all=True, filters=ours, ignore_removed=True)


@pytest.fixture
def client():
    client = connect()
    yield client
    client.close()


@pytest.fixture
def fresh(docker_sandbox, client):
    """A sandbox of this test's own, and the container it started."""
    before = {container.id for container in containers(client)}
    with_own = DockerSandbox()
    assert with_own.run("").passed
    (own,) = [container for container in containers(client) if container.id not in before]
    yield with_own, own
    with_own.close()


LOOKED_UP = """
import os, time
NAMES = "tcp_sack ip_forward tcp_timestamps ip_default_ttl tcp_fin_timeout tcp_retries2".split()
def look(): return [os.path.exists(f"/proc/sys/net/ipv4/{name}") for name in NAMES[::2]]
def seen(): return [time.time() - os.stat(f"/proc/sys/net/ipv4/{name}").st_mtime > 0.3 for name in NAMES]
"""


@pytest.mark.docker
@pytest.mark.parametrize("fresh", [True, False])
def test_only_a_fresh_sandbox_forgets_which_names_were_looked_up(docker_sandbox, fresh):
    with closing(DockerSandbox(fresh=fresh)) as own:
        own.run(LOOKED_UP, calls=[Call("look")], limits=ROOMY)
        time.sleep(0.5)
        (seen,) = own.run(LOOKED_UP, calls=[Call("seen")], limits=ROOMY).outcomes
    assert seen.value == [not fresh and number % 2 == 0 for number in range(6)]


def test_podman_is_refused_in_one_sentence(monkeypatch):
    class Podman:
        closed = False

        def ping(self):
            return True

        def version(self):
            return {"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}

        def close(self):
            self.closed = True

    engine = Podman()
    monkeypatch.setattr(docker, "from_env", lambda timeout: engine)
    with pytest.raises(SandboxUnavailable, match="Podman"):
        connect()
    assert engine.closed


def test_no_engine_is_one_sentence_and_no_socket_disturbs_a_later_test(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxUnavailable, match="docker is not answering"):
        connect()
    gc.collect()  # docker-py forgot a socket: pytest would report it here


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_channel_speaks_over_whatever_socket_the_engine_gives(wrapped):
    ours, theirs = socket.socketpair()

    class Api:
        def create_host_config(self, **options):
            return dict(options)

        def create_container(self, image, host_config, **options):
            assert "/proc/stat" in host_config["MaskedPaths"]
            return {"Id": "0" * 64}

        def attach_socket(self, container, params):
            return SimpleNamespace(_sock=ours, close=ours.close) if wrapped else ours  # over TLS it is the socket

        def start(self, container):
            theirs.sendall(STREAM_HEADER.pack(1, 5) + b"hello")

        def remove_container(self, container, force):
            raise docker.errors.NotFound("gone")

    channel = DockerChannel(SimpleNamespace(api=Api()), "image", container_options())
    assert channel.receive(5, time.monotonic() + 5) == b"hello"
    channel.send(b"x", time.monotonic() + 5)
    assert theirs.recv(1) == b"x"
    channel.close()
    theirs.close()


@pytest.mark.docker
def test_a_killed_container_is_replaced_and_the_program_run_again(fresh):
    own, container = fresh
    container.kill()
    assert own.run("print('back')").stdout == "back\n"


@pytest.mark.docker
def test_a_container_killed_in_mid_run_costs_no_result(fresh):
    own, container = fresh
    threading.Timer(0.5, container.kill).start()
    execution = own.run("import time\ntime.sleep(1)\nprint('whole')", limits=ROOMY)
    assert (execution.verdict, execution.stdout) == (Verdict.PASSED, "whole\n")


@pytest.mark.docker
def test_no_container_is_left_after_close(fresh, client):
    own, container = fresh
    own.close()
    assert container.id not in {left.id for left in containers(client)}


HOST = """
import sys, time
from sandbox.docker.sandbox import DockerSandbox
sandbox = DockerSandbox()
print(sandbox.run("print('up')").stdout, end="", flush=True)
time.sleep(600)
"""


@pytest.mark.docker
def test_no_container_outlives_a_host_that_was_killed(docker_sandbox, client):
    before = {container.id for container in containers(client)}
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, cwd=ROOT) as host:
        assert host.stdout.readline() == b"up\n"
        (own,) = {container.id for container in containers(client)} - before
        host.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while own in {container.id for container in containers(client)}:
        assert time.monotonic() < deadline, "the container is still there after 60 s"
        time.sleep(0.1)


@pytest.mark.docker
def test_a_sweep_removes_what_has_lost_its_owner_and_nothing_else(fresh, client):
    own, container = fresh
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    orphaned = {**container_options(), "labels": labels() | {"dubito.owner": f"{ended.pid}:1"}}
    foreign = {**container_options(), "labels": labels() | {"dubito.host": "elsewhere", "dubito.owner": "1:1"}}
    image = container.attrs["Config"]["Image"]
    orphan, stranger = (client.containers.create(image, **options) for options in (orphaned, foreign))
    try:
        removed = sweep(client)
        assert orphan.short_id in removed
        assert not {container.short_id, stranger.short_id} & set(removed)
        assert own.run("").passed
    finally:
        stranger.remove(force=True)


@pytest.mark.docker
def test_a_pool_of_containers_runs_programs_at_once(docker_sandbox, client):
    before = {container.id for container in containers(client)}
    pool = sandbox.open_sandbox("docker", workers=2)
    program = "import time\ntime.sleep(0.05)\nprint('both')"
    with ThreadPoolExecutor(4) as threads:
        outputs = list(threads.map(lambda _: pool.run(program, limits=ROOMY).stdout, range(8)))
    assert outputs == ["both\n"] * 8
    assert len({container.id for container in containers(client)} - before) == 2
    pool.close()
    assert not {container.id for container in containers(client)} - before
