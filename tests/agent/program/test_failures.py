"""Failures: each kind has its sentence, and a record of one gives it back."""

import json

import pytest

from agent.files.plain import make_plain
from agent.program.failures import Failure, FailureKind, describe_failure, failure_of


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_a_sentence_and_survives_json(kind):
    failure = Failure(kind, 2, "f(1)", "{got}", "3")
    record = json.loads(json.dumps(make_plain(failure)))
    assert record["sentence"] == describe_failure(failure)
    assert failure_of(record) == failure


def test_a_sentence_says_what_came_and_what_was_wanted():
    assert describe_failure(Failure(FailureKind.RETURNED, 0, "f(1)", "2", "3")) == "f(1) returned 2, wanted 3"
    assert describe_failure(Failure(FailureKind.RAISED, 0, "f(1)", "KeyError: 1")) == "f(1) raised KeyError: 1"
    assert describe_failure(Failure(FailureKind.FAILED, got="KeyError: 1")) == "the program failed: KeyError: 1"
    silent = Failure(FailureKind.NOT_HELD, 0, ">>> a = A()\n>>> a.add(5)", "a.add(5) returned True")
    assert describe_failure(silent).endswith(
        "a.add(5) returned True, wanted None, because the prompt shows no output below it"
    )
    assert describe_failure(Failure(FailureKind.OUT_OF_TIME)) == "the program ran out of time"
