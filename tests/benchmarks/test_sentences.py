"""The sentences: every reference passes its hidden checks, every mistake fails, and no prompt shows an example."""

import ast
from contextlib import closing
from dataclasses import replace

import pytest

from agent.program.examples.read import read_examples
from agent.program.syntax import find_asked_name, is_code
from benchmarks import BENCHMARKS
from benchmarks.judging.checker import judge_program
from benchmarks.sentences.benchmark import make_wrong_solution, read_checks, read_records
from sandbox import open_sandbox

RECORDS = read_records()
PROBLEMS = list(BENCHMARKS["sentences"]())


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as box:
        yield box


def test_there_are_forty_with_eight_to_fifteen_checks_each():
    assert len(PROBLEMS) == len({each.entry_point for each in PROBLEMS}) == 40
    assert {len(each.base_inputs) for each in PROBLEMS} <= set(range(8, 16))


@pytest.mark.parametrize("problem", PROBLEMS, ids=[each.entry_point for each in PROBLEMS])
def test_a_prompt_is_a_sentence_that_names_what_it_asks_for_and_shows_no_example(problem):
    examples = read_examples(problem.prompt)
    assert not is_code(problem.prompt) and not examples.examples and not examples.unparsed
    assert problem.entry_point in problem.prompt
    assert find_asked_name(problem.prompt) in (None, problem.entry_point)


@pytest.mark.parametrize(
    ("record", "problem"), list(zip(RECORDS, PROBLEMS, strict=True)), ids=[r["name"] for r in RECORDS]
)
def test_the_solution_gives_what_is_written_and_the_mistake_does_not(record, problem, box):
    space = {}
    exec(problem.reference_program + problem.driver, space)
    for check in read_checks(record["checks"]):
        wanted = check.wanted if check.wanted.startswith("raises ") else ast.literal_eval(check.wanted)
        assert space[problem.called](check.expression) == wanted, check
    assert judge_program(box, problem, problem.reference_program).passed
    wrong = make_wrong_solution(record)
    assert wrong != record["solution"] and not judge_program(box, problem, wrong).passed


def test_an_exception_that_no_check_wants_is_wrong(box):
    problem = PROBLEMS[0]
    raising = f"def {problem.entry_point}(text):\n    raise ValueError\n"
    assert not judge_program(box, problem, raising).passed
    assert not judge_program(box, replace(problem), "def other(): pass").passed
