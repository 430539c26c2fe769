"""A finished run and a hole-set give the same record of doubt as a scored file, at places of the file."""

from dataclasses import replace

import pytest

from agent.decoding.step import Candidate
from agent.program.failures import Failure, FailureKind
from agent.program.hole_calibration import Guarantee
from agent.program.modules.request import read_module_task
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, Fork, RunOutcome, Undecided
from agent.views.alternatives import Alternative
from agent.views.editor_lines import write_editor_lines
from agent.views.holes import ProgramWithHoles
from agent.views.run_spans import list_hole_spans, list_run_spans
from agent.workflow.run import Result
from sandbox.base import Verdict

PROGRAM = "def f(x):\n    y = x + 1\n    return y * 2\n"
FILE = "import math\n\n\ndef f(x):\n    ...\n\n\ndef g():\n    return f(1)\n"
AT = PROGRAM.index("x + 1")


def attempt(program=PROGRAM, **parts):
    fork = Fork(3, 1.0, -0.1, (Candidate(5, -1.2, 0.0, text=" - 1"),), 2, AT + 1)
    return Attempt(
        0, (1,), (-0.1,), (fork,), "end", program, program, ((AT, AT + 5),), **{"verdict": Verdict.PASSED, **parts}
    )


def result_of(best, *, task=None, outcome="accepted", **answer):
    return Result(task or Task("f"), RunOutcome(outcome), [best], Cost(), Answer(0, **answer), "visible")


def describe(scored):
    return [(span.code, span.severity, scored.source[span.start : span.end]) for span in scored.spans]


def test_a_hole_of_the_answer_is_a_span_that_says_what_else_was_considered():
    scored = list_run_spans(result_of(attempt()))
    assert describe(scored) == [("DUB201", "info", "x + 1")]
    assert scored.spans[0].evidence == "`x + 1` is in doubt; the model also considered x - 1 (0.30)"
    assert scored.spans[0].alternatives == (), "what ends in the middle of a span replaces nothing"


def test_a_failure_is_an_error_on_the_line_that_it_points_at():
    failure = Failure(FailureKind.RAISED, 0, "f(1)", "NameError")
    best = attempt(verdict=Verdict.FAILED, failures=(failure,), blamed=(3,), checked=1)
    scored = list_run_spans(result_of(best, outcome="abstained", probability=0.31))
    assert ("DUB301", "error", "return y * 2") in describe(scored)
    (end,) = [span for span in scored.spans if span.code == "DUB401"]
    assert (end.probability, end.is_learned) == (0.31, True) and end.evidence.startswith("abstained: ")
    assert next(write_editor_lines(scored)).startswith(":1:1-1:10: warning: [DUB401] abstained: ")


def test_a_mutant_that_passes_the_examples_too_would_replace_its_line():
    scored = list_run_spans(
        result_of(attempt(), undecided=(Undecided(-1.0, 3, "    return y + 2"), Undecided(-9.0, 3, "z")))
    )
    (span,) = [span for span in scored.spans if span.code == "DUB101"]
    assert scored.source[span.start : span.end] == "return y * 2"
    assert span.alternatives[0].text == "return y + 2" and span.evidence == "the examples also allow `return y + 2`"
    assert span.probability == pytest.approx(0.731, abs=1e-3)


def test_spans_of_a_function_in_a_module_stand_where_the_module_has_it():
    task = read_module_task(FILE, file="m.py", function="f")
    scored = list_run_spans(result_of(attempt(), task=task))
    assert scored.file == "m.py" and describe(scored) == [("DUB201", "info", "x + 1")]
    assert "def g():" in scored.source


def test_a_program_without_doubt_has_no_spans():
    assert list_run_spans(result_of(replace(attempt(), holes=()))).spans == ()


def test_holes_of_a_file_are_spans():
    shown = ProgramWithHoles(PROGRAM, ((AT, AT + 5),), Guarantee(), alternatives=(Alternative(AT, "x", 0.5),))
    scored = list_hole_spans(shown, "a.py")
    assert (scored.file, describe(scored)) == ("a.py", [("DUB201", "info", "x + 1")])
