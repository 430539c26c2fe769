"""The worker does one piece of work at a time, the most urgent first; work that makes way goes on later."""

import asyncio
import threading

import pytest

from agent.servers.lsp.wire import MOST_MESSAGE_BYTES, BoundedInput
from agent.servers.lsp.worker import ModelThread, Urgency


class Gate:
    """Work that waits, until it is let through or told to stop, and notes what it did."""

    def __init__(self, log):
        self.log, self.begun, self.open = log, threading.Event(), threading.Event()

    def work(self, name):
        def wait(stop):
            self.log.append(f"begin {name}")
            self.begun.set()
            while not self.open.wait(0.001):
                if stop():
                    self.log.append(f"stop {name}")
                    return None
            self.log.append(f"end {name}")
            return name

        return wait


async def begin(worker, gate, name, urgency):
    task = asyncio.create_task(worker.run(gate.work(name), urgency))
    await asyncio.to_thread(gate.begun.wait)
    return task


def note(log, name):
    def work(stop):
        log.append(name)
        return name

    return work


def test_the_most_urgent_work_comes_first_and_of_equals_the_newest():
    async def run():
        worker, log = ModelThread(), []
        gate = Gate(log)
        first = await begin(worker, gate, "fill", Urgency.FILLING)
        kinds = (("a", Urgency.SCORING), ("b", Urgency.SCORING), ("c", Urgency.COMPLETING), ("d", Urgency.FILLING))
        others = [asyncio.create_task(worker.run(note(log, name), urgency)) for name, urgency in kinds]
        await asyncio.sleep(0)
        gate.open.set()
        assert await asyncio.gather(first, *others) == ["fill", "a", "b", "c", "d"]
        return log

    assert asyncio.run(run()) == ["begin fill", "end fill", "c", "d", "b", "a"], "filling makes no way"


def test_scoring_makes_way_and_goes_on_behind():
    async def run():
        worker, log = ModelThread(), []
        gate = Gate(log)
        scoring = await begin(worker, gate, "score", Urgency.SCORING)
        assert await worker.run(note(log, "complete"), Urgency.COMPLETING) == "complete"
        gate.open.set()
        assert await scoring == "score"
        return log

    log = asyncio.run(run())
    assert log[:3] == ["begin score", "stop score", "complete"] and log[-1] == "end score"


def test_whoever_cancels_the_caller_stops_the_work_or_drops_it():
    async def run():
        worker, log = ModelThread(), []
        gate = Gate(log)
        running = await begin(worker, gate, "running", Urgency.FILLING)
        waiting = asyncio.create_task(worker.run(note(log, "waiting"), Urgency.FILLING))
        await asyncio.sleep(0)
        for task in (waiting, running):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await worker.run(note(log, "last"), Urgency.SCORING)
        return log

    assert asyncio.run(run()) == ["begin running", "stop running", "last"]


def test_what_work_raises_reaches_its_caller_and_the_thread_lives():
    async def run():
        worker = ModelThread()
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda stop: 1 / 0, Urgency.SCORING)
        with pytest.raises(RuntimeError, match="SystemExit: now"):
            await worker.run(lambda stop: exec("raise SystemExit('now')"), Urgency.SCORING)
        return await worker.run(lambda stop: 5, Urgency.SCORING)

    assert asyncio.run(run()) == 5


class Zeros:
    """A stream of so many bytes, all of them zero, that notes the most it was asked for at once."""

    def __init__(self, size):
        self.left, self.most = size, 0

    def read(self, size):
        self.most, given = max(self.most, size), min(size, self.left)
        self.left -= given
        return bytes(given)

    readline = read


def test_a_message_that_is_too_long_is_skipped_in_pieces():
    stream = Zeros(MOST_MESSAGE_BYTES * 3)
    assert BoundedInput(stream).read(MOST_MESSAGE_BYTES * 2) == b"null"
    assert (stream.left, stream.most < MOST_MESSAGE_BYTES) == (MOST_MESSAGE_BYTES, True)
    assert BoundedInput(stream).read(10**30) == b"null" and stream.left == 0, "as far as there is something"
    assert len(BoundedInput(Zeros(10)).read(20)) == 10 and len(BoundedInput(Zeros(10**6)).readline()) < 10**4
