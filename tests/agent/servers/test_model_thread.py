"""The thread of the model runs one job at a time, the most urgent first; one that makes way goes on later."""

import asyncio
import threading

import pytest

from agent.servers.model_thread import ModelThread, Urgency, WithdrawnError


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


async def begin(thread, gate, name, urgency):
    task = asyncio.create_task(thread.run(gate.work(name), urgency))
    await asyncio.to_thread(gate.begun.wait)
    return task


def note(log, name):
    def work(stop):
        log.append(name)
        return name

    return work


def test_the_most_urgent_work_comes_first_and_of_equals_the_newest():
    async def run():
        thread, log = ModelThread(newest_first=True), []
        gate = Gate(log)
        first = await begin(thread, gate, "fill", Urgency.ASKED)
        kinds = (("a", Urgency.BACKGROUND), ("b", Urgency.BACKGROUND), ("c", Urgency.TYPING), ("d", Urgency.ASKED))
        others = [asyncio.create_task(thread.run(note(log, name), urgency)) for name, urgency in kinds]
        await asyncio.sleep(0)
        gate.open.set()
        assert await asyncio.gather(first, *others) == ["fill", "a", "b", "c", "d"]
        return log

    assert asyncio.run(run()) == ["begin fill", "end fill", "c", "d", "b", "a"], "filling makes no way"


def test_scoring_makes_way_and_goes_on_behind():
    async def run():
        thread, log = ModelThread(), []
        gate = Gate(log)
        scoring = await begin(thread, gate, "score", Urgency.BACKGROUND)
        assert await thread.run(note(log, "complete"), Urgency.TYPING) == "complete"
        gate.open.set()
        assert await scoring == "score"
        return log

    log = asyncio.run(run())
    assert log[:3] == ["begin score", "stop score", "complete"] and log[-1] == "end score"


def test_whoever_cancels_the_caller_stops_the_work_or_drops_it():
    async def run():
        thread, log = ModelThread(), []
        gate = Gate(log)
        running = await begin(thread, gate, "running", Urgency.ASKED)
        waiting = asyncio.create_task(thread.run(note(log, "waiting"), Urgency.ASKED))
        await asyncio.sleep(0)
        for task in (waiting, running):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await thread.run(note(log, "last"), Urgency.BACKGROUND)
        return log

    assert asyncio.run(run()) == ["begin running", "stop running", "last"]


def test_what_work_raises_reaches_its_caller_and_the_thread_lives():
    async def run():
        thread = ModelThread()
        with pytest.raises(ZeroDivisionError):
            await thread.run(lambda stop: 1 / 0, Urgency.BACKGROUND)
        with pytest.raises(RuntimeError, match="SystemExit: now"):
            await thread.run(lambda stop: exec("raise SystemExit('now')"), Urgency.BACKGROUND)
        return await thread.run(lambda stop: 5, Urgency.BACKGROUND)

    assert asyncio.run(run()) == 5


def test_of_equals_the_first_comes_first_unless_the_newest_is_wanted():
    async def run():
        thread, log = ModelThread(), []
        gate = Gate(log)
        first = await begin(thread, gate, "a", Urgency.ASKED)
        others = [asyncio.create_task(thread.run(note(log, name))) for name in "bcd"]
        await asyncio.sleep(0)
        assert (thread.is_running, thread.num_waiting) == (True, 3)
        gate.open.set()
        await asyncio.gather(first, *others)
        return log

    assert asyncio.run(run()) == ["begin a", "end a", "b", "c", "d"]


def test_a_thread_that_is_closed_stops_its_job_drops_the_others_and_takes_no_more():
    async def run():
        thread, log = ModelThread(), []
        gate = Gate(log)
        running = await begin(thread, gate, "running", Urgency.ASKED)
        waiting = asyncio.create_task(thread.run(note(log, "waiting")))
        await asyncio.sleep(0)
        thread.close()
        assert await running is None
        for job in (waiting, thread.run(note(log, "late"))):
            with pytest.raises(WithdrawnError):
                await job
        thread.join()
        return log

    assert asyncio.run(run()) == ["begin running", "stop running"]
