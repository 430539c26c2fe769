"""Checkpoints: what is written is JSON, what is read is the same records, and anything else is refused."""

import json
from dataclasses import replace

import pytest
from fakes import ScriptedSandbox, outputs
from text_model import byte_model

from agent.decoding import POLICIES, Candidate
from agent.errors import InvalidRequestError
from agent.profile import ReliabilityCurve
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.program.task import read_task
from agent.records import (
    Answer,
    Attempt,
    Breakage,
    CandidateQuestion,
    Cost,
    Difference,
    DraftProgram,
    Edge,
    EdgeKind,
    Fork,
    OutputQuestion,
    PersonExample,
    PersonReply,
    Prompt,
    RunOutcome,
    Spent,
    Undecided,
    Unfinished,
)
from agent.search.frontier import SearchConfig
from agent.workflow.checkpoints import RecordSerializer
from agent.workflow.context import Context
from agent.workflow.record_json import ForeignCheckpointError
from agent.workflow.run import run_task
from agent.workflow.state import AgentState
from agent.workflow.threads import open_memory_store
from sandbox.base import Verdict

FORK = Fork(1, 0.7, -0.1, (Candidate(3, -1.5, float("-inf"), "\ud800 x"),), 2)
ATTEMPT = Attempt(
    0, (1, 2), (-0.1, -0.2), (FORK,), "end token", "x", "???", ((0, 1),), Verdict.FAILED, 1,
    (Failure(FailureKind.RETURNED, 0, "f(1)", "2", "3"),),
    Edge(EdgeKind.BRANCH, 0, 0.0, -1.5, token=3), Cost(2, seconds=0.1),
    behaviour=outputs("1", "raises KeyError"), blamed=(1,),
)  # fmt: skip
STATE = AgentState(
    read_task('def f(x):\n    """Add.\n    >>> f(1)\n    2\n    """'),
    SearchConfig(weights={"path": 1.0}, reliability=ReliabilityCurve({"a": 1.0}, 0.0, (0.0, 1.0), (0.1, 0.9), 1)),
    {"model": "m", "threshold": None},
    (Prompt("text", (1, 2), (3,)),),
    Unfinished(
        0, Edge(EdgeKind.REPAIR, 0, -4.0, -4.0), Cost(1), (1,), (-0.5,), (FORK,), None, DraftProgram("x", "x", ())
    ),
    (ATTEMPT,),
    ("(1,)",),
    (0,),
    (PersonExample(0, "f(1)", *outputs("2")),),
    (PersonReply(OutputQuestion("f(1)", outputs("2")), 0), PersonReply(OutputQuestion("f(2)", outputs("2")), "3")),
    (Example("assert f(1) == 2", ("f(1)",), "_0 == 2"),),
    "f",
    Cost(3),
    7,
    Answer(
        0,
        Breakage(("E",), 1, 2),
        ended_by=Spent("seconds", 1.5, 1),
        rival=1,
        differs=Difference("(1,)", *outputs("2", "3")),
        undecided=(Undecided(-0.1, 1, "y"),),
    ),
    RunOutcome.ACCEPTED,
)


@pytest.mark.parametrize(
    "value",
    [
        STATE,
        AgentState(STATE.task),
        CandidateQuestion("x", FORK.candidates),
        OutputQuestion("f(1)", outputs("1", "2")),
        None,
    ],
    ids=["full", "fresh", "candidates", "outputs", "none"],
)
def test_what_is_written_is_json_and_what_is_read_is_the_same(value):
    form, text = RecordSerializer().dumps_typed(value)
    json.loads(text)
    back = RecordSerializer().loads_typed((form, text))
    assert back == value and repr(back) == repr(value), "types are the same, too"


def test_a_value_that_is_no_record_has_no_place_in_a_checkpoint():
    with pytest.raises(TypeError, match="a Context has no place in a checkpoint"):
        RecordSerializer().dumps_typed({"context": Context(None, POLICIES["greedy"], None)})


@pytest.mark.parametrize(
    "data",
    [
        ("msgpack", b"\x80"), ("dubito", b'{"record":"Attempt","tokens":[]}'), ("dubito", b'{"record":"os.system"}'),
        ("dubito", b'{"record":"Cost","tokens":1,"words":2}'), ("dubito", b'{"record":"Cost"'), ("dubito", b"\xff"),
    ],
    ids=range(6),
)  # fmt: skip
def test_what_another_version_wrote_is_refused(data):
    with pytest.raises(ForeignCheckpointError):
        RecordSerializer().loads_typed(data)


def test_a_thread_of_another_version_ends_in_a_sentence():
    saver = open_memory_store()
    context = Context(byte_model(sharpness=8.0), POLICIES["greedy"], ScriptedSandbox(value=2), max_tokens=5)
    run_task(context, STATE.task, checkpointer=saver, thread="t")
    for key, (form, text) in saver.blobs.items():
        saver.blobs[key] = form, text.replace(b'"max_', b'"most_').replace(b'"votes"', b'"voices"')
    with pytest.raises(
        InvalidRequestError, match="the thread 't' was written by another version of dubito; choose a new thread"
    ):
        run_task(context, STATE.task, checkpointer=saver, thread="t")


def test_an_error_beside_a_checkpoint_is_kept_as_text():
    form, text = RecordSerializer().dumps_typed(ValueError("no"))
    assert RecordSerializer().loads_typed((form, text)) == "ValueError('no')"
    assert replace(STATE, events=8) != STATE
