"""Every hostile program gets its verdict, the next program passes, and nothing of the hostile one is left.

The sandboxes that promise a program are its `held`; no other ever runs it. docs/threat-model.md lists them all.
"""

import time
from dataclasses import astuple
from pathlib import Path

import pytest
from alike import alike
from hostile import FAMILIES, HOSTILE, table
from hostile.base import ROOMY

from sandbox import Call, Expression, Returned, Verdict
from sandbox.docker.client import connect

THREAT_MODEL = Path(__file__).parents[2] / "docs" / "threat-model.md"
DEADLINE_SECONDS = 10.0  # for what ends by itself: a server forks its next child, the kernel frees what was in flight

LOOK = """
import os, time

def lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()[1:]
    except OSError:
        return []

def names(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []

def above(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])

def strangers():
    known = [os.getpid()]
    while known[-1] > 1:
        known.append(above(known[-1]))
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid not in known]

def used():
    disk = os.statvfs("/tmp")
    return disk.f_blocks - disk.f_bfree

def left(seconds):
    deadline = time.monotonic() + seconds
    while used() and time.monotonic() < deadline:
        time.sleep(0.01)
    return {
        "container": container(),
        "processes": strangers(),
        "files": [name for name in names("/tmp") if name != "run"] + names("."),
        "blocks": used(),
        "shared memory": names("/dev/shm") + names("/dev/mqueue"),
        "System V": [line for kind in ("shm", "msg", "sem") for line in lines(f"/proc/sysvipc/{kind}")],
        "sockets": [line for kind in ("tcp", "tcp6", "udp", "udp6", "unix") for line in lines(f"/proc/net/{kind}")],
    }

def container():
    with open("/proc/sys/kernel/hostname") as file:
        return file.read().strip()

def double(x):
    return 2 * x
"""
NOTHING_LEFT = {"processes": [], "files": [], "blocks": 0, "shared memory": [], "System V": [], "sockets": []}
NORMAL = (Call("double", (21,)), Call("left", (DEADLINE_SECONDS,)))


def next_program(sandbox):
    """A normal program, which must pass, and what it sees of the one before it."""
    execution = sandbox.run(LOOK, calls=NORMAL, limits=ROOMY)
    assert execution.verdict is Verdict.PASSED, execution
    assert execution.outcomes[0] == Returned(42)
    return execution.outcomes[1].value


def same(outcomes, wanted):
    return alike([*map(astuple, outcomes)], [*map(astuple, wanted)]) and [*map(type, outcomes)] == [*map(type, wanted)]


class Outside:
    """What the engine sees of a container: its init and its server, which stay, and nothing else but a waiting run."""

    def __init__(self):
        self.engine = connect()
        self.seen = {}

    def same_server(self, name):
        """The container's server is the one that was there the last time."""
        now = self.init_and_server(name)
        then, self.seen = self.seen, {name: now}
        return then in ({}, self.seen)

    def another_container(self, name):
        """The container was not there the last time."""
        then, self.seen = self.seen, {name: self.init_and_server(name)}
        return name not in then

    def init_and_server(self, name):
        """Their process numbers, once all that is below them is one supervisor with one child."""
        container, deadline = self.engine.containers.get(name), time.monotonic() + DEADLINE_SECONDS
        while True:
            rows = container.top(ps_args="-eo pid,ppid")["Processes"]
            below = {parent: pid for pid, parent in rows}
            line = [pid for pid, parent in rows if parent not in below.values()]
            while line[-1] in below:
                line.append(below[line[-1]])
            if len(rows) == len(line) == 4:
                return line[:2]
            assert time.monotonic() < deadline, f"the container's processes, with their parents: {rows}"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def outside():
    outside = Outside()
    yield outside
    outside.engine.close()


def promised_by(kind):
    return [name for name, hostile in HOSTILE.items() if kind in hostile.held]


def gets_its_verdict(sandbox, name):
    hostile = HOSTILE[name]
    execution = sandbox.run(hostile.program, calls=hostile.calls, limits=hostile.limits)
    assert execution.verdict is hostile.verdict, execution
    assert hostile.outcomes is None or same(execution.outcomes, hostile.outcomes), execution


@pytest.mark.docker
@pytest.mark.parametrize("name", promised_by("docker"))
def test_a_hostile_program_gets_its_verdict_and_leaves_nothing_in_the_container(docker_sandbox, name, outside):
    gets_its_verdict(docker_sandbox, name)
    worn, replaced = docker_sandbox.worn, docker_sandbox.replaced
    state = next_program(docker_sandbox)
    container = state.pop("container")
    assert state == NOTHING_LEFT
    if worn or docker_sandbox.replaced > replaced:
        assert outside.another_container(container), "the program moved a counter, and the next one could read it"
    else:
        assert outside.same_server(container), "the server did not survive the program"


@pytest.mark.hostile
@pytest.mark.parametrize("name", promised_by("bubblewrap"))
def test_a_hostile_program_gets_its_verdict_and_leaves_no_process_and_no_file(warm, name):
    sandbox = warm("bubblewrap")
    gets_its_verdict(sandbox, name)
    state = next_program(sandbox)
    assert [state[what] for what in ("processes", "files", "blocks")] == [[], [], 0]


@pytest.mark.hostile
@pytest.mark.parametrize("name", promised_by("process"))
def test_a_hostile_program_gets_its_verdict_and_the_next_program_passes(warm, name):
    sandbox = warm("process")
    gets_its_verdict(sandbox, name)
    values = sandbox.run(LOOK, calls=[NORMAL[0], Expression("os.listdir('.')")], limits=ROOMY).outcomes
    assert values == (Returned(42), Returned([]))


def test_the_threat_model_lists_every_hostile_program_with_its_verdict():
    assert table() in THREAT_MODEL.read_text(), f"docs/threat-model.md has another table than this:\n{table()}"


def test_no_program_has_the_name_of_another():
    assert len(HOSTILE) == sum(map(len, FAMILIES.values()))
