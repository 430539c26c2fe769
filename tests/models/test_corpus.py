"""The training text has the forms that the workflow asks for, and teaches no wrong program."""

from itertools import islice
from random import Random

import pytest

from agent.lm.fim import FIM_TOKENS
from agent.program.examples.read import visible_examples
from agent.program.failures import describe_failure
from agent.program.lame import write_lame_prompt
from agent.program.prompts import write_repair_prompt
from agent.program.styles import PROMPT_STYLES
from agent.verification.examples import verify
from benchmarks.exercises import compose, world
from benchmarks.exercises.benchmark import exercise
from benchmarks.exercises.body import load_function
from models import corpus, library
from sandbox import open_sandbox


@pytest.fixture
def exercises():
    return [exercise(f"exercises/train/{number}") for number in range(60)]


FAILED, CORRECTED = "\n# The program above failed:\n", "# A corrected version:\n"


def text(document):
    return "".join(part.text for part in document)


def test_a_completion_is_the_program(exercises):
    for each in exercises:
        whole = [text(corpus.write_completion(each, Random(seed))) for seed in range(40)]
        bare = [one for one in whole if one != each.program]
        assert 0 < len(bare) < 20 and len(set(bare)) == 1
        assert bare[0].endswith(f'"""{each.body}') and ">>>" not in bare[0]
        compile(bare[0], "<completion>", "exec")


def test_a_prompt_without_examples_is_the_lame_prompt(exercises):
    for each in exercises:
        prompts = {corpus.write_completion(each, Random(seed))[0].text for seed in range(40)} - {each.prompt}
        assert prompts == {write_lame_prompt(each.prompt, each.name)}


def test_a_sentence_is_one_comment_line_and_a_function_without_docstring(exercises):
    for each in exercises:
        line, program = text(corpus.write_sentence(each, Random(0))).split("\n", 1)
        assert line == f"# {each.sentence}"
        assert program.startswith("def ") and '"""' not in program and "List[" not in program
        compile(program, "<sentence>", "exec")


def test_a_hole_lies_in_the_body_and_its_filling_restores_the_program(exercises):
    for seed, each in enumerate(exercises):
        document = text(corpus.write_hole(each, Random(seed)))
        prefix, rest = document.removeprefix(FIM_TOKENS[0]).split(FIM_TOKENS[1])
        suffix, middle = rest.split(FIM_TOKENS[2])
        assert prefix + middle + suffix == each.program and document == FIM_TOKENS.prompt(prefix, suffix) + middle
        assert len(prefix) >= len(each.prompt) and middle


def test_a_repair_shows_a_failure_that_is_true_and_ends_in_the_right_program(exercises):
    repairs = [(each, corpus.write_repair(each, Random(seed))) for seed, each in enumerate(exercises)]
    repaired = [(each, parts) for each, parts in repairs if len(parts) == 4]
    assert len(repaired) >= 40
    for each, (before, attempt, after, body) in repaired:
        assert before == after and after.text + body.text == each.program
        assert attempt.weight == 0 and body.weight == 1
        wrong, report = attempt.text.split(FAILED)
        lines = [line.removeprefix("# ") for line in report.removesuffix(CORRECTED).splitlines()]
        assert lines and set(lines) <= set(corpus.describe_failures(each, wrong))


def test_a_repair_asks_as_the_workflow_does(exercises):
    for seed, each in enumerate(exercises):
        parts = corpus.write_repair(each, Random(seed))
        if len(parts) == 4:
            wrong, report = parts[1].text.removesuffix(CORRECTED).split(FAILED)
            failure = "\n".join(line.removeprefix("# ") for line in report.splitlines())
            asked = write_repair_prompt(each.prompt, each.prompt + wrong, failure, PROMPT_STYLES["completion"])
            assert text(parts[:3]) == asked.user + asked.opening


def test_failures_are_described_in_the_words_of_the_workflow(exercises):
    box = open_sandbox("process")
    for seed, each in enumerate(exercises[:20]):
        parts = corpus.write_repair(each, Random(seed))
        if len(parts) == 4:
            wrong = parts[1].text.split(FAILED)[0]
            result = verify(box, each.prompt + wrong, visible_examples(each.prompt))
            assert list(map(describe_failure, result.failures)) == corpus.describe_failures(each, wrong)
    box.close()


def test_a_failure_says_what_came_and_what_was_wanted():
    each = compose.compose(world.parse_key("keep@numbers/even"), "a seed")
    args = each.examples[0]
    wanted = load_function(each.program, each.name)(*args)
    assert corpus.describe_failures(each, each.body) == []
    assert corpus.describe_failures(each, "\n    return 0\n")[0] == (
        f"{compose.format_call(each.name, args)} returned 0, wanted {wanted!r}"
    )
    assert corpus.describe_failures(each, "\n    return [][1]\n")[0] == (
        f"{compose.format_call(each.name, args)} raised IndexError: list index out of range"
    )


def test_the_library_is_python_of_this_interpreter():
    every = library.functions()
    assert len(every) > 1_000 and len(set(every)) == len(every)
    assert max(map(len, every)) <= library._LONGEST
    for source in every[::50]:
        compile(source, "<library>", "exec")


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
    assert {world.find_split(meaning) for meaning in drawn} == {"train"}
