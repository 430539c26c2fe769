"""A pool runs several programs at once and replaces worn workers. No process is needed."""

import threading
import time

import pytest
from fakes_channel import ScriptedChannel

from sandbox import SandboxError
from sandbox.channel import Closed
from sandbox.forkserver import ForkServerSandbox
from sandbox.pool import SandboxPool


class Counted:
    """Workers over channels that answer everything; remembers each channel it opened."""

    def __init__(self, act="ok", *, before=lambda: None):
        self.channels, self.act, self.before = [], act, before

    def worker(self):
        return ForkServerSandbox(self.open)

    def open(self):
        channel = ScriptedChannel(*[self.act] * 100)
        send = channel.send

        def sent(data, deadline):
            self.before()
            send(data, deadline)

        channel.send = sent
        self.channels.append(channel)
        return channel


def run_in_threads(pool, count):
    failures = []

    def run():
        try:
            assert pool.run("").passed
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failures and not any(thread.is_alive() for thread in threads)


def test_as_many_programs_run_at_once_as_there_are_workers():
    together = threading.Barrier(3, timeout=20)  # three must be inside at once, or this breaks
    counted = Counted(before=together.wait)
    pool = SandboxPool([counted.worker() for _ in range(3)])
    run_in_threads(pool, 3)
    pool.close()


def test_never_more_programs_run_than_there_are_workers():
    inside, most, lock = [0], [0], threading.Lock()

    def count():
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1

    pool = SandboxPool([Counted(before=count).worker() for _ in range(2)])
    run_in_threads(pool, 8)
    assert most[0] <= 2
    pool.close()


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_worker_is_started_anew_after_its_share_of_runs():
    counted = Counted()
    pool = SandboxPool([counted.worker()], most_runs=3)  # the first run is the start's own
    pool.run("")
    assert len(counted.channels) == 1
    pool.run("")
    wait_for(lambda: len(counted.channels) == 2)
    assert pool.run("").passed
    assert [channel.open for channel in counted.channels] == [False, True]
    pool.close()


def test_a_worn_worker_is_started_anew():
    counted = Counted("worn")
    pool = SandboxPool([counted.worker()])
    pool.run("")
    wait_for(lambda: len(counted.channels) >= 2)
    pool.close()


def test_a_worker_that_does_not_start_is_an_error_and_leaves_no_other_running():
    counted = Counted()

    def broken():
        raise SandboxError("the container does not start")

    with pytest.raises(SandboxError, match="does not start"):
        SandboxPool([counted.worker(), ForkServerSandbox(broken), counted.worker()])
    assert len(counted.channels) == 2 and not any(channel.open for channel in counted.channels)


def test_a_worker_for_which_the_machine_has_no_room_is_an_error_and_the_pool_closes():
    def no_room():
        raise OSError(11, "Resource temporarily unavailable")

    with pytest.raises(SandboxError, match="temporarily unavailable"):
        SandboxPool([Counted().worker(), ForkServerSandbox(no_room)])


def test_a_failing_sandbox_gives_its_worker_back():
    class Dying(ScriptedChannel):
        def send(self, data, deadline):
            raise Closed("killed")

    channels = [ScriptedChannel("ok"), Dying(), Dying(), Dying(), ScriptedChannel(*["ok"] * 5)]
    pool = SandboxPool([ForkServerSandbox(lambda: channels.pop(0))])
    with pytest.raises(IndexError):  # the scripted channel has nothing left to say: the sandbox itself failed
        pool.run("")
    with pytest.raises(SandboxError):
        pool.run("")
    assert pool.run("").passed


def test_a_closed_pool_starts_again_when_it_is_asked_to():
    counted = Counted()
    pool = SandboxPool([counted.worker(), counted.worker()])
    pool.close()
    assert not any(channel.open for channel in counted.channels)
    assert pool.run("").passed
