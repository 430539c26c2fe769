import json
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Raised, Returned, Unplain, Verdict
from sandbox.guest import message, wire
from sandbox.verdicts import ChildReport, build_execution, choose_verdict, read_report

TOKEN = b"t" * 16
ONE = (Returned(1),)


def sent(kind, *what, token=TOKEN):
    """A message as the child writes it; a returned value is its own encoding."""
    body = b"".join(text.encode() for text in what) if kind == message.RETURNED else json.dumps(what).encode()
    return wire.frame(message.sign(token, kind, body))


def test_a_report_holds_the_outcomes_in_order_and_the_last_word():
    results = (
        sent(message.RETURNED, "[1]")
        + sent(message.RAISED, "KeyError", "'k'")
        + sent(message.NOT_PLAIN, "Liar")
        + sent(message.DONE)
    )
    assert read_report(results, TOKEN) == ChildReport(
        (Returned([1]), Raised("KeyError", "'k'"), Unplain("Liar")), "done"
    )


def test_a_message_without_the_token_ends_the_report():
    results = sent(message.RETURNED, "1") + sent(message.RETURNED, "2", token=b"f" * 16) + sent(message.DONE)
    assert read_report(results, TOKEN) == ChildReport(ONE, "garbled")


def test_a_message_after_the_last_word_garbles_the_report():
    assert read_report(sent(message.DONE) + sent(message.DONE), TOKEN).last == "garbled"


def test_a_torn_message_garbles_the_report_but_keeps_what_came_before():
    assert read_report(sent(message.RETURNED, "1") + sent(message.DONE)[:-1], TOKEN) == ChildReport(ONE, "garbled")


def test_a_returned_value_that_is_no_text_raises_nothing():
    assert read_report(sent(message.RETURNED, "[{}]"), TOKEN) == ChildReport((), "garbled")
    assert (
        read_report(sent(message.RETURNED, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")), TOKEN).last
        == "garbled"
    )


@given(st.binary())
def test_reading_a_report_never_raises(data):
    read_report(data, TOKEN)


FORGED = st.recursive(st.none() | st.text() | st.integers() | st.floats(), lambda inner: st.lists(inner))


KINDS = [message.RETURNED, message.RAISED, message.NOT_PLAIN, message.DONE, message.REFUSED, message.MEMORY]


@given(st.sampled_from(KINDS) | st.binary(min_size=1, max_size=1), FORGED)
def test_reading_a_forged_message_never_raises(kind, what):
    read_report(wire.frame(message.sign(TOKEN, kind, json.dumps(what).encode())), TOKEN)


@given(st.sampled_from(KINDS), st.binary())
def test_reading_a_message_of_any_form_never_raises(kind, body):
    read_report(wire.frame(message.sign(TOKEN, kind, body)), TOKEN)


@given(st.binary(max_size=message._TOKEN_BYTES))
def test_a_message_that_ends_within_its_token_says_nothing(payload):
    assert read_report(wire.frame(payload), TOKEN) == ChildReport((), "garbled")


@pytest.mark.parametrize(
    ("struck", "code", "kills", "report", "verdict"),
    [
        (None, 0, 0, ChildReport(ONE, "done"), Verdict.PASSED),
        (None, 0, 0, ChildReport((), "done"), Verdict.FAILED),
        (None, 0, 0, ChildReport(ONE * 2, "done"), Verdict.FAILED),
        (None, 0, 0, ChildReport(ONE, None), Verdict.FAILED),
        (None, 0, 0, ChildReport(ONE, "garbled"), Verdict.FAILED),
        (None, 3, 0, ChildReport(ONE, "done"), Verdict.FAILED),
        (None, 1, 0, ChildReport((), "refused"), Verdict.SYNTAX_ERROR),
        (None, 1, 0, ChildReport((), "memory"), Verdict.OUT_OF_MEMORY),
        (None, -signal.SIGKILL, 1, ChildReport((), None), Verdict.OUT_OF_MEMORY),
        (None, 0, 1, ChildReport(ONE, "done"), Verdict.OUT_OF_MEMORY),
        (None, -signal.SIGKILL, 0, ChildReport((), None), Verdict.FAILED),
        (None, -signal.SIGSEGV, 0, ChildReport(ONE, "done"), Verdict.FAILED),
        (None, -signal.SIGXCPU, 0, ChildReport((), None), Verdict.TIMED_OUT_CPU),
        (None, -signal.SIGSYS, 0, ChildReport((), None), Verdict.FORBIDDEN),
        ("cpu", 0, 0, ChildReport(ONE, "done"), Verdict.TIMED_OUT_CPU),
        ("wall", None, 0, ChildReport(ONE, None), Verdict.TIMED_OUT_WALL),
        ("output", None, 0, ChildReport(ONE, None), Verdict.OUTPUT_LIMIT),
    ],
)
def test_the_verdict_follows_enforcement_then_death_then_words(struck, code, kills, report, verdict):
    assert choose_verdict(struck, code, kills, report, num_calls=1) is verdict


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (40, "signal 40")])
def test_a_program_killed_by_a_signal_names_it_in_its_stderr(number, name):
    measured = {"cpu_seconds": 0.0, "wall_seconds": 0.0, "peak_memory_mib": 0.0, "python": "3", "truncated": False}
    header = {"status": number, "struck": None, "memory_kills": 0, **measured}
    assert build_execution(header, [b"", b"", b""], TOKEN, 0).stderr == f"program.py: killed by {name}: failed\n"
