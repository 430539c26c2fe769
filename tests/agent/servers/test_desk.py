"""The desk does one job after the other on one thread, and lets go of those that nobody wants."""

import asyncio
import threading
from threading import Event

import pytest

from agent.servers.desk import Desk
from agent.servers.model_thread import WithdrawnError


def test_jobs_are_done_in_their_order_on_one_thread_with_tools_that_are_loaded_once():
    loaded, done = [], []

    def load():
        loaded.append(threading.current_thread())
        return "tools"

    async def run():
        desk = Desk(load)
        assert not desk.is_ready
        jobs = [desk.run(lambda tools, n=n: done.append((n, tools, threading.current_thread())), Event()) for n in "ab"]
        await asyncio.gather(*jobs)
        assert desk.is_ready
        await desk.close()

    asyncio.run(run())
    (thread,) = loaded
    assert done == [("a", "tools", thread), ("b", "tools", thread)] and thread is not threading.main_thread()


def test_tools_that_cannot_be_loaded_are_tried_again_for_the_next_job():
    failures = [OSError("no disk")]

    def load():
        if failures:
            raise failures.pop()
        return 3

    async def run():
        desk = Desk(load)
        with pytest.raises(OSError, match="no disk"):
            await desk.run(lambda tools: tools, Event())
        assert await desk.run(lambda tools: tools, Event()) == 3
        await desk.close()

    asyncio.run(run())


def test_a_job_that_waits_is_withdrawn_and_one_that_is_done_is_told_to_stop():
    async def run():
        desk = Desk(lambda: None)
        begun, first, second = Event(), Event(), Event()

        def work(tools):
            begun.set()
            return first.wait(30)

        working = asyncio.ensure_future(desk.run(work, first))
        waiting = asyncio.ensure_future(desk.run(lambda tools: pytest.fail("it was withdrawn"), second))
        await asyncio.to_thread(begun.wait)
        desk.withdraw(second)
        with pytest.raises(WithdrawnError):
            await waiting
        desk.withdraw(first)
        assert await working is True
        await desk.close()

    asyncio.run(run())


def test_a_caller_that_is_cancelled_stops_its_job_and_the_next_one_is_done():
    async def run():
        desk = Desk(lambda: None)
        begun, stop = Event(), Event()

        def work(tools):
            begun.set()
            stop.wait(30)

        working = asyncio.ensure_future(desk.run(work, stop))
        await asyncio.to_thread(begun.wait)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert stop.is_set()
        assert await desk.run(lambda tools: "next", Event()) == "next"
        await desk.close()

    asyncio.run(run())


def test_the_end_waits_for_no_job_that_heeds_nothing(monkeypatch):
    monkeypatch.setattr("agent.servers.desk._LAST_SECONDS", 0.01)

    async def run():
        desk, begun, let_go = Desk(lambda: None), Event(), Event()

        def work(tools):
            begun.set()
            let_go.wait(30)

        working = asyncio.ensure_future(desk.run(work, Event()))
        await asyncio.to_thread(begun.wait)
        await desk.close()
        assert not working.done()
        let_go.set()
        await working

    asyncio.run(run())
