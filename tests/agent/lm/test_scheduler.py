"""Tasks side by side: each gets its own answers, none waits for another, and an error in one spoils no other."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.lm.scheduler import Scheduler


class Doubler:
    """Answers each feed with its double, and remembers which feeds came together."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []

    def __call__(self, feeds):
        self.together.append(list(feeds))
        return [2 * feed for feed in feeds]


def double(scheduler, start, times):
    value = start
    for _ in range(times):
        value = scheduler.feed(value)
    return start, value


@given(lengths=some.lists(some.integers(0, 6), max_size=12), at_once=some.integers(1, 5))
def test_each_task_gets_the_answers_to_its_own_feeds(lengths, at_once):
    doubler = Doubler()
    scheduler = Scheduler(doubler, at_once)
    tasks = (lambda start=start, times=times: double(scheduler, start, times) for start, times in enumerate(lengths))
    ended = dict(scheduler.run(tasks))
    assert ended == {start: start * 2**times for start, times in enumerate(lengths)}
    assert sum(map(len, doubler.together)) == sum(lengths)
    assert max(map(len, doubler.together), default=0) <= at_once


def test_tasks_that_wait_share_one_forward_and_a_task_that_ended_makes_room():
    doubler = Doubler()
    scheduler = Scheduler(doubler, 2)
    lengths = {1: 1, 10: 3, 100: 1}
    list(scheduler.run(lambda start=start: double(scheduler, start, lengths[start]) for start in lengths))
    assert doubler.together == [[1, 10], [20, 100], [40]]


def test_results_come_as_tasks_end_and_no_task_starts_before_there_is_room():
    started = []
    scheduler = Scheduler(Doubler(), 2)

    def task(name, times):
        started.append(name)
        return double(scheduler, name, times)

    stream = scheduler.run(lambda name=name, times=times: task(name, times) for name, times in [(1, 5), (2, 1), (3, 1)])
    assert next(stream)[0] == 2 and started == [1, 2]
    assert [name for name, _ in stream] == [3, 1] and started == [1, 2, 3]


def test_a_slow_call_holds_up_nobody():
    doubler, ended = Doubler(), threading.Event()
    scheduler = Scheduler(doubler, 2)

    def slow():
        return scheduler.call(ended.wait, 60)

    def quick():
        value = double(scheduler, 1, 3)
        ended.set()
        return value

    assert list(scheduler.run([slow, quick])) == [(1, 8), True]


def test_a_task_is_charged_for_its_own_seconds_alone():
    now, scheduler = [0.0], Scheduler(lambda feeds: pass_time(6, feeds), 3)

    def pass_time(seconds, feeds=()):
        now[0] += seconds
        return feeds

    def task(seconds, feeds):
        pass_time(seconds)
        for _ in range(feeds):
            scheduler.feed(0)
        return seconds, scheduler.clock()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agent.lm.scheduler.time", SimpleNamespace(monotonic=lambda: now[0]))
        ended = dict(scheduler.run([lambda: task(1, 1), lambda: task(10, 2), lambda: task(100, 2)]))
    assert ended == {1: 1 + 6 / 3, 10: 10 + 6 / 3 + 6 / 2, 100: 100 + 6 / 3 + 6 / 2}
    assert sum(ended.values()) == now[0]


def test_what_a_slow_call_raises_reaches_its_task():
    scheduler = Scheduler(Doubler(), 2)

    def careful():
        try:
            return scheduler.call(int, "no number")
        except ValueError:
            return "handled"

    assert list(scheduler.run([careful])) == ["handled"]


def test_an_error_in_one_task_is_raised_when_those_that_have_begun_have_ended():
    started, ended, scheduler = [], [], Scheduler(Doubler(), 3)

    def task(name, times, error=None):
        started.append(name)
        double(scheduler, 1, times)
        if error:
            raise error
        return name

    def run():
        tasks = [(1, 5), (2, 1, RuntimeError("the first")), (3, 3, RuntimeError("the second")), (4, 1)]
        for name in scheduler.run(lambda each=each: task(*each) for each in tasks):
            ended.append(name)

    with pytest.raises(RuntimeError, match="the first"):
        run()
    assert (started, ended) == ([1, 2, 3], [1])
    assert list(scheduler.run([lambda: double(scheduler, 1, 1)])) == [(1, 2)], "it can be used again"


def test_an_error_of_the_model_ends_all():
    def broken(feeds):
        raise MemoryError

    scheduler = Scheduler(broken, 2)
    with pytest.raises(MemoryError):
        list(scheduler.run([lambda: scheduler.feed(1), lambda: scheduler.feed(2)]))


def test_a_consumer_that_stops_ends_the_tasks():
    cleaned = []
    scheduler = Scheduler(Doubler(), 2)

    def waiting():
        try:
            double(scheduler, 1, 100)
        finally:
            cleaned.append(True)

    stream = scheduler.run([lambda: double(scheduler, 1, 1), waiting])
    next(stream)
    stream.close()
    assert cleaned == [True]
