"""The host's side of a fork server, without any process: a channel answers from a script."""

import pytest
from fakes_channel import ScriptedChannel

from sandbox import Limits, SandboxError, Verdict
from sandbox.channel import Closed
from sandbox.forkserver import ForkServerSandbox


def sandbox_over(*channels):
    waiting = list(channels)
    return ForkServerSandbox(lambda: waiting.pop(0))


def test_one_channel_serves_many_programs():
    sandbox = sandbox_over(ScriptedChannel("one", "two"))
    assert [sandbox.run("").stdout, sandbox.run("").stdout] == ["one", "two"]


def test_a_server_found_dead_is_started_anew_and_the_program_run_again():
    dead, alive = ScriptedChannel("die"), ScriptedChannel("answer")
    assert sandbox_over(dead, alive).run("").passed
    assert not dead.open


def test_a_program_on_which_fresh_servers_end_while_others_run_has_failed():
    sandbox = sandbox_over(ScriptedChannel("die"), ScriptedChannel("die"), ScriptedChannel("answer", "next"))
    execution = sandbox.run("")
    assert execution.verdict is Verdict.FAILED
    assert execution.stderr == "program.py: the sandbox ended 2 times while it ran this program: failed\n"
    assert sandbox.run("").stdout == "next"


def test_servers_that_run_no_other_program_either_are_an_error_and_no_verdict():
    with pytest.raises(SandboxError, match="runs no other program"):
        sandbox_over(*(ScriptedChannel("die") for _ in range(3))).run("")


def test_a_server_that_ended_while_it_was_idle_does_not_speak_against_the_program():
    idle = ScriptedChannel("first", "die")
    sandbox = sandbox_over(idle, ScriptedChannel("die"), ScriptedChannel("answer"))
    sandbox.run("")
    assert sandbox.run("").stdout == "answer"


def test_no_text_of_a_server_that_ended_on_a_program_is_passed_on():
    class Speaking(ScriptedChannel):
        def send(self, data, deadline):
            raise Closed("SECRET input of a hidden test")

    failed = sandbox_over(Speaking(), Speaking(), ScriptedChannel("answer")).run("")
    assert "SECRET" not in failed.stderr + failed.stdout


def test_a_worn_server_is_replaced_before_the_next_program():
    worn, fresh = ScriptedChannel("worn"), ScriptedChannel("next")
    sandbox = sandbox_over(worn, fresh)
    assert sandbox.run("").passed and sandbox.worn
    assert sandbox.run("").stdout == "next"
    assert not worn.open


def test_a_server_whose_counters_a_program_moved_is_replaced_before_the_next_program_runs():
    moved, fresh = ScriptedChannel("answer", "another"), ScriptedChannel("next")
    sandbox = sandbox_over(moved, fresh)
    assert sandbox.run("").passed
    assert sandbox.run("").stdout == "next"
    assert not moved.open and sandbox.replaced == 1


def test_every_program_of_a_fresh_sandbox_gets_a_server_of_its_own():
    channels = [ScriptedChannel(f"{number}") for number in range(3)]
    waiting = list(channels)
    sandbox = ForkServerSandbox(lambda: waiting.pop(0), fresh=True)
    assert [sandbox.run("").stdout for _ in channels] == ["0", "1", "2"]
    assert [channel.open for channel in channels] == [False, False, True]


def test_a_program_that_the_machine_starved_is_run_again(monkeypatch):
    monkeypatch.setattr("sandbox.forkserver.RECOVERY_SECONDS", 0.0)
    assert sandbox_over(ScriptedChannel("starved", "answer")).run("").stdout == "answer"


def test_a_machine_that_starves_a_program_twice_is_an_error_and_no_verdict(monkeypatch):
    monkeypatch.setattr("sandbox.forkserver.RECOVERY_SECONDS", 0.0)
    with pytest.raises(SandboxError, match="the machine ran out of memory"):
        sandbox_over(ScriptedChannel("starved", "starved")).run("")


@pytest.mark.parametrize("act", ["stale", "babble"])
def test_an_answer_to_another_request_is_never_taken(act):
    with pytest.raises(SandboxError):
        sandbox_over(*(ScriptedChannel(act) for _ in range(3))).run("")


def test_a_program_that_outlives_even_the_watchdog_is_timed_out_and_its_server_replaced():
    stuck, fresh = ScriptedChannel("hang"), ScriptedChannel("answer")
    sandbox = sandbox_over(stuck, fresh)
    assert sandbox.run("", limits=Limits(wall_seconds=0.1)).verdict is Verdict.TIMED_OUT_WALL
    assert not stuck.open
    assert sandbox.run("").passed


def test_a_conversation_broken_off_is_not_taken_up_again():
    interrupted, fresh = ScriptedChannel("interrupt"), ScriptedChannel("answer")
    sandbox = sandbox_over(interrupted, fresh)
    with pytest.raises(KeyboardInterrupt):
        sandbox.run("")
    assert not interrupted.open
    assert sandbox.run("").passed


def test_a_server_for_which_the_machine_has_no_room_is_an_error_of_the_sandbox():
    def no_room():
        raise OSError(24, "Too many open files")

    with pytest.raises(SandboxError, match=r"does not start: .*Too many open files"):
        ForkServerSandbox(no_room).run("")


def test_a_server_that_says_no_hello_is_an_error():
    mute = ScriptedChannel()
    mute.ready = b""
    with pytest.raises(SandboxError, match="does not start"):
        sandbox_over(mute).run("")
    assert not mute.open


def test_a_server_that_ends_before_its_hello_gets_a_second_try():
    gone = ScriptedChannel()

    def receive(count, deadline):
        raise Closed("killed")

    gone.receive = receive
    assert sandbox_over(gone, ScriptedChannel("answer")).run("").stdout == "answer"
    assert not gone.open


def test_a_closed_sandbox_starts_again_when_it_is_asked_to():
    sandbox = sandbox_over(ScriptedChannel("one"), ScriptedChannel("two"))
    sandbox.run("")
    sandbox.close()
    sandbox.close()
    assert sandbox.run("").stdout == "two"
