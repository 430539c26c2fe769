"""The training text has the forms that the runtime will ask for, and imitates no wrong program."""

from itertools import islice
from random import Random

import pytest

from benchmarks.exercises import compose, world
from benchmarks.exercises.benchmark import exercise
from models import corpus


@pytest.fixture
def exercises():
    return [exercise(f"exercises/train/{number}") for number in range(60)]


def text(document):
    return "".join(part.text for part in document)


def test_a_completion_is_the_program(exercises):
    for made in exercises:
        assert text(corpus.completion(made, Random(0))) == made.prompt + made.body


def test_a_sentence_is_one_comment_line_and_a_function_without_docstring(exercises):
    for made in exercises:
        line, program = text(corpus.sentence(made, Random(0))).split("\n", 1)
        assert line == f"# {made.sentence}" or corpus.ADJECTIVE.search(made.sentence)
        assert program.startswith("def ") and '"""' not in program and "List[" not in program
        compile(program, "<sentence>", "exec")


def test_a_hole_lies_in_the_body_and_its_filling_restores_the_program(exercises):
    for seed, made in enumerate(exercises):
        prefix, rest = text(corpus.fill(made, Random(seed))).removeprefix(corpus.FIM_PREFIX).split(corpus.FIM_SUFFIX)
        suffix, middle = rest.split(corpus.FIM_MIDDLE)
        assert prefix + middle + suffix == made.program
        assert len(prefix) >= len(made.prompt) and middle


def test_a_repair_shows_a_failure_that_is_true_and_ends_in_the_right_program(exercises):
    repairs = [(made, corpus.repair(made, Random(seed))) for seed, made in enumerate(exercises)]
    found = [(made, parts) for made, parts in repairs if len(parts) == 4]
    assert len(found) >= 40
    for made, (before, attempt, after, body) in found:
        assert before == after and after.text + body.text == made.program
        assert attempt.weight == 0 and body.weight == 1
        wrong, report = attempt.text.split(corpus.FAILED)
        lines = report.removesuffix(corpus.CORRECTED).splitlines()
        assert lines and set(lines) <= set(corpus.failing(made, wrong + ""))


def test_a_failure_says_what_came_and_what_was_wanted():
    made = compose.compose(world.from_key("keep@numbers/even"), "a seed")
    args = made.examples[0]
    wanted = compose.load(made.program, made.name)(*args)
    assert corpus.failing(made, made.body) == []
    assert corpus.failing(made, "\n    return 0\n")[0] == (
        f"# {compose.call(made.name, args)} returned 0, wanted {wanted!r}"
    )
    assert corpus.failing(made, "\n    return [][1]\n")[0] == (
        f"# {compose.call(made.name, args)} raised IndexError: list index out of range"
    )


def test_documents_depend_on_seed_and_number_alone():
    every = list(corpus.documents(1, 0, 40, corpus.Mix()))
    assert list(corpus.documents(1, 25, 40, corpus.Mix())) == every[25:]
    assert list(corpus.documents(2, 0, 40, corpus.Mix())) != every


def test_only_train_meanings_are_in_the_text(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        corpus, "compose", lambda meaning, seed: drawn.append(meaning) or compose.compose(meaning, seed)
    )
    assert len(list(islice(corpus.documents(3, 0, 300, corpus.Mix()), 300))) == 300
    assert {world.split_of(meaning) for meaning in drawn} == {"train"}
