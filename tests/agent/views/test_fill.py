"""A person sees each hole with its fillings and what became of them."""

from dataclasses import replace

from agent.files.plain import make_plain
from agent.program.failures import Failure, FailureKind
from agent.program.holes import find_holes
from agent.records import Cost
from agent.views.fill import report_filled_file
from agent.workflow.filled import FilledFile, FilledHole, Filling

SOURCE = "def f(x):\n    # dubito: fill with a loop\n\n\ny = f(...)\n"
FAILED = Failure(FailureKind.RETURNED, example=0, expression="f(1)", got="1", wanted="2")


def filled():
    loop, call = find_holes(SOURCE)
    holes = (
        FilledHole(
            loop,
            (Filling("for i in x:\n        yield i", -0.5, -0.25, 2), Filling("return x", -1.0, -9.0, 1, FAILED)),
            3, 20, 1, 6, examples=2,
        ),
        FilledHole(call, (), 6, 30, 2, 5),
    )  # fmt: skip
    return FilledFile(SOURCE, holes, Cost(tokens=50, forwards=40, sandbox_runs=2))


def test_a_report_shows_each_hole_with_its_fillings_the_best_first():
    assert report_filled_file(filled()).text.splitlines() == [
        "line 2: # dubito: fill with a loop",
        "  1. probability 0.61, score -0.75, passes 2 of 2 examples",
        "       for i in x:",
        "           yield i",
        "  2. probability 0.37, score -10.00, passes 1 of 2 examples: f(1) returned 1, wanted 2",
        "       return x",
        "",
        "line 5: y = f(...) (the model saw lines 2 to 5)",
        "  no filling: none of 6 texts of the model fits there",
        "",
        "50 tokens · 40 forwards · 0 pauses · 2 sandbox runs · 0.00 s",
    ]


def test_a_filling_that_was_run_beside_others_says_so():
    both = filled()
    call = replace(both.holes[1], fillings=(Filling("3", -0.1, -0.1),))
    lines = report_filled_file(replace(both, holes=(both.holes[0], call))).text.splitlines()
    assert lines[4].endswith("passes 1 of 2 examples with the best in the other holes: f(1) returned 1, wanted 2")


def test_a_record_holds_the_program_and_all_numbers():
    record = make_plain(report_filled_file(filled()).record)
    assert record["program"] == SOURCE.replace("# dubito: fill with a loop", "for i in x:\n        yield i")
    assert (record["settled"], record["cost"]["tokens"]) == (False, 50)
    loop, call = record["holes"]
    assert (loop["line"], loop["hint"], loop["kind"], loop["examples"]) == (2, "with a loop", "statement", 2)
    assert loop["fillings"][1]["failure"]["sentence"] == "f(1) returned 1, wanted 2"
    assert (call["kind"], call["fillings"], call["settled"], call["drawn"]) == ("expression", [], False, 6)
