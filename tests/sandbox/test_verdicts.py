import json
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Raised, Returned, Unplain, Verdict
from sandbox.guest import wire
from sandbox.verdicts import Report, decide, execution, read_report

TOKEN = b"t" * 16
ONE = (Returned(1),)


def said(*what, token=TOKEN):
    return wire.frame(wire.pack({}, token, json.dumps(what).encode()))


def test_a_report_holds_the_outcomes_in_order_and_the_last_word():
    results = said("returned", "[1]") + said("raised", "KeyError", "'k'") + said("unplain", "Liar") + said("done")
    assert read_report(results, TOKEN) == Report((Returned([1]), Raised("KeyError", "'k'"), Unplain("Liar")), "done")


def test_a_message_without_the_token_ends_the_report():
    results = said("returned", "1") + said("returned", "2", token=b"f" * 16) + said("done")
    assert read_report(results, TOKEN) == Report(ONE, "garbled")


def test_a_message_after_the_last_word_garbles_the_report():
    assert read_report(said("done") + said("done"), TOKEN).last == "garbled"


def test_a_torn_message_garbles_the_report_but_keeps_what_came_before():
    assert read_report(said("returned", "1") + said("done")[:-1], TOKEN) == Report(ONE, "garbled")


def test_a_returned_value_that_is_no_text_raises_nothing():
    assert read_report(said("returned", 5), TOKEN) == Report((Returned(5),), None)
    assert read_report(said("returned", [{}]), TOKEN) == Report((), "garbled")


@given(st.binary())
def test_reading_a_report_never_raises(data):
    read_report(data, TOKEN)


FORGED = st.recursive(st.none() | st.text() | st.integers() | st.floats(), lambda inner: st.lists(inner))


@given(st.sampled_from(["returned", "raised", "unplain", "done", "refused", "memory"]) | st.text(), st.lists(FORGED))
def test_reading_a_forged_message_never_raises(kind, rest):
    read_report(said(kind, *rest), TOKEN)


@given(FORGED)
def test_reading_a_message_of_any_form_never_raises(what):
    read_report(wire.frame(wire.pack({}, TOKEN, json.dumps(what).encode())), TOKEN)


@pytest.mark.parametrize(
    ("struck", "code", "kills", "report", "verdict"),
    [
        (None, 0, 0, Report(ONE, "done"), Verdict.PASSED),
        (None, 0, 0, Report((), "done"), Verdict.FAILED),
        (None, 0, 0, Report(ONE * 2, "done"), Verdict.FAILED),
        (None, 0, 0, Report(ONE, None), Verdict.FAILED),
        (None, 0, 0, Report(ONE, "garbled"), Verdict.FAILED),
        (None, 3, 0, Report(ONE, "done"), Verdict.FAILED),
        (None, 1, 0, Report((), "refused"), Verdict.SYNTAX_ERROR),
        (None, 1, 0, Report((), "memory"), Verdict.OUT_OF_MEMORY),
        (None, -signal.SIGKILL, 1, Report((), None), Verdict.OUT_OF_MEMORY),
        (None, 0, 1, Report(ONE, "done"), Verdict.OUT_OF_MEMORY),
        (None, -signal.SIGKILL, 0, Report((), None), Verdict.FAILED),
        (None, -signal.SIGSEGV, 0, Report(ONE, "done"), Verdict.FAILED),
        (None, -signal.SIGXCPU, 0, Report((), None), Verdict.TIMED_OUT_CPU),
        (None, -signal.SIGSYS, 0, Report((), None), Verdict.FORBIDDEN),
        ("cpu", 0, 0, Report(ONE, "done"), Verdict.TIMED_OUT_CPU),
        ("wall", None, 0, Report(ONE, None), Verdict.TIMED_OUT_WALL),
        ("output", None, 0, Report(ONE, None), Verdict.OUTPUT_LIMIT),
    ],
)
def test_the_verdict_follows_enforcement_then_death_then_words(struck, code, kills, report, verdict):
    assert decide(struck, code, kills, report, wanted=1) is verdict


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (40, "signal 40")])
def test_a_program_killed_by_any_signal_is_told_by_which(number, name):
    measured = {"cpu_seconds": 0.0, "wall_seconds": 0.0, "peak_memory_mib": 0.0, "python": "3", "truncated": False}
    header = {"status": number, "struck": None, "memory_kills": 0, **measured}
    assert execution(header, [b"", b"", b""], TOKEN, 0).stderr == f"program.py: killed by {name}: failed\n"
