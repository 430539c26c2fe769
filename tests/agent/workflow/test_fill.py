"""Holes are filled: what fits, in the order of both scores, and what passes the file's examples comes first."""

import math
from contextlib import closing
from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from filling import FillingLM
from trie import PLAIN_CHAT, SIZE, TrieLM

from agent.decoding import POLICIES
from agent.errors import ContextLengthError, InvalidRequestError
from agent.program.failures import FailureKind
from agent.program.holes import find_holes
from agent.workflow.check_fillings import walk_choices
from agent.workflow.context import Context
from agent.workflow.fill import fill_holes
from agent.workflow.filled import Filling
from sandbox import open_sandbox
from sandbox.base import Verdict

ONE = 'def f(x):\n    """Say.\n\n    >>> f(1)\n    2\n    >>> f(2)\n    4\n    """\n    return ...\n'
TWO = "def f(x):\n    y = ...\n    return ...\n\n\nassert f(2) == 7\nassert f(1) == 5\n"


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


def fill(model, source, sandbox=None, *, k=3, max_tokens=40, seed=0):
    context = Context(model, POLICIES["greedy"], sandbox or ScriptedSandbox(value=2), max_tokens=max_tokens, seed=seed)
    return fill_holes(context, source, find_holes(source), k)


def texts(filled):
    return [[filling.text for filling in each.fillings] for each in filled.holes]


def test_the_score_is_the_logprob_of_the_filling_and_its_end_and_of_what_follows():
    source = "def f(x):\n    return ... + 1\n"
    known, unknown = "def f(x):\n    return x + 1\n", "def f(x):\n    return x"
    lm = FillingLM({"x": 0.6, "yy": 0.4}, files={known: 0.75, unknown: 0.25})
    (hole,) = fill(lm.filler(), source, k=2).holes
    first, second = hole.fillings
    assert (first.text, second.text) == ("x", "yy")
    assert first.logprob == pytest.approx(math.log(0.6)) and second.logprob == pytest.approx(math.log(0.4))
    assert first.suffix_logprob == pytest.approx(math.log(0.75)), "the file may also end there"
    assert second.suffix_logprob == pytest.approx(-len(" + 1\n") * math.log(SIZE)), "nobody knows such a file"
    assert first.score == first.logprob + first.suffix_logprob > second.score


def test_what_stands_behind_a_hole_can_outweigh_the_filling():
    source = "x = ...\nprint(x)\n"
    lm = FillingLM({"1": 0.6, "22": 0.4}, files={"x = 22\nprint(x)\n": 1.0})
    assert texts(fill(lm.filler(), source)) == [["22", "1"]]


def test_a_part_of_a_text_that_fits_is_scored_with_its_end():
    lm = FillingLM({"1\ny = 2": 0.9, "1": 0.1})
    (hole,) = fill(lm.filler(), "x = ...\n").holes
    (filling,) = hole.fillings
    assert filling.text == "1" and filling.logprob == pytest.approx(math.log(0.1)), "the model mostly goes on"


def test_fillings_differ_fit_and_are_at_most_k():
    lm = FillingLM({"a+b": 0.4, "a + b": 0.15, "a +": 0.15, "b": 0.2, "c": 0.1})
    (hole,) = fill(lm.filler(), "x = f(...)\n", k=8).holes
    assert len({filling.text.replace(" ", "") for filling in hole.fillings}) == len(hole.fillings) == 3
    assert "a +" not in [filling.text for filling in hole.fillings]
    (alone,) = fill(lm.filler(), "x = f(...)\n", k=1).holes
    assert [filling.text for filling in alone.fillings] == ["a+b"] and alone.drawn == 1, "the first text is greedy"


def test_the_seed_decides_what_is_drawn():
    lm = FillingLM({name: 1.0 for name in "abcdefgh"})
    runs = [texts(fill(lm.filler(), "x = ...\n", seed=seed)) for seed in (0, 0, 1, 2)]
    assert runs[0] == runs[1] and len({str(run) for run in runs}) > 1


def test_a_hole_that_nothing_fits_stays_and_the_file_is_not_settled():
    lm = FillingLM({"1 +": 1.0}, holes={"y = ": {"2": 1.0}})
    filled = fill(lm.filler(), "x = ...\ny = ...\n")
    assert texts(filled) == [[], ["2"]] and filled.holes[0].drawn == 6
    assert filled.program == "x = ...\ny = 2\n" and not filled.is_settled


def test_what_passes_the_examples_comes_first(box):
    lm = FillingLM({"x + 1": 0.5, "x * 2": 0.3, "undefined": 0.2})
    filled = fill(lm.filler(), ONE, box, k=10)
    (hole,) = filled.holes
    assert {each.text: each.passed for each in hole.fillings} == {"x * 2": 2, "x + 1": 1, "undefined": 0}
    assert [each.text for each in hole.fillings] == ["x * 2", "x + 1", "undefined"] and hole.examples == 2
    assert hole.fillings[0].failure is None and hole.fillings[1].failure.kind == FailureKind.RETURNED
    assert filled.is_settled and filled.program == ONE.replace("...", "x * 2")
    assert filled.cost.sandbox_runs > 0 and filled.cost.forwards == lm.forwards and filled.cost.tokens > 0


def test_a_filling_that_fails_the_examples_is_no_settled_one(box):
    filled = fill(FillingLM({"x": 1.0}).filler(), ONE, box)
    assert filled.holes[0].best.passed == 0 and not filled.is_settled and filled.program.endswith("return x\n")


def test_holes_that_the_same_examples_reach_are_tried_together(box):
    lm = FillingLM(holes={"return ": {"y": 0.6, "y + 3": 0.4}, "y = ": {"x": 0.6, "x * 2": 0.4}})
    filled = fill(lm.filler(), TWO, box, k=10)
    assert filled.program == TWO.replace("y = ...", "y = x * 2").replace("return ...", "return y + 3")
    assert [each.best.passed for each in filled.holes] == [2, 2] and filled.is_settled
    assert [each.passed for each in filled.holes[0].fillings] == sorted(
        (each.passed for each in filled.holes[0].fillings), reverse=True
    )


def test_a_file_without_examples_is_not_run():
    sandbox = ScriptedSandbox(lambda program: Verdict.FAILED)
    filled = fill(FillingLM({"1": 1.0}).filler(), "def f(x):\n    return ...\n", sandbox)
    assert filled.is_settled and filled.holes[0].best.passed is None and sandbox.programs == []


def test_the_other_holes_are_ellipses_in_the_prompt_and_a_hint_is_above_the_hole():
    asked = []

    class Listening(FillingLM):
        def prefill(self, ids):
            asked.append("".join(map(chr, ids)))
            return super().prefill(ids)

    fill(Listening({"1": 1.0}).filler(), "x = ...  # dubito: fill with one\n# dubito: fill\n", k=1)
    assert asked[0] == "<P># with one\nx = <S>\n...\n<M>"
    assert any(text.startswith("<P>x = ...\n<S>\n<M>") for text in asked), asked


def test_a_chat_model_is_asked_in_a_turn():
    lm = TrieLM({"x + 1\n```\nDone.": 0.6, "x + 2\n```": 0.4})
    model = lm.model(style=replace(PLAIN_CHAT, system=None))
    filled = fill(model, "def f(x):\n    return ...\n", k=8)
    assert sorted(*texts(filled)) == ["x + 1", "x + 2"]
    asked = max(("".join(map(chr, ids)) for ids in lm.prompts if "<FILL>" in "".join(map(chr, ids))), key=len)
    assert "def f(x):\n    return <FILL>\n```" in asked and asked.endswith("```python\n    return ")
    assert {each.text: each.logprob for each in filled.holes[0].fillings}["x + 1"] == pytest.approx(math.log(0.6))


def test_a_model_that_can_neither_fill_nor_chat_is_refused():
    with pytest.raises(InvalidRequestError, match="no fill-in-the-middle tokens and takes no chat turn"):
        fill(TrieLM({"1": 1.0}).model(), "x = ...\n")


def test_a_long_file_is_cut_to_what_the_model_reads_and_a_long_line_is_refused():
    lines = "".join(f"a{number} = {number}\n" for number in range(10_000))
    lm = FillingLM({"1": 1.0}, context=200)
    (hole,) = fill(lm.filler(), f"{lines}x = ...\n{lines}", k=1).holes
    assert hole.best.text == "1" and 9_990 < hole.first_line < 10_001 <= hole.last_line < 10_010
    with pytest.raises(ContextLengthError, match=r"line 1 needs \d{3} tokens, 40 of them .* at most 200"):
        fill(lm.filler(), f"x = [{', '.join('1' * 100)}, ...]\n")
    with pytest.raises(ContextLengthError, match="allow fewer tokens"):
        fill(lm.filler(), "x = ...\n", max_tokens=200)


def test_the_marks_of_the_model_in_the_file_are_refused():
    with pytest.raises(InvalidRequestError, match="line 2 holds <S>, which this model reads as a mark"):
        fill(FillingLM({"1": 1.0}).filler(), "y = '<S>'\nx = ...\n")


def test_choices_come_by_falling_sum_of_scores_each_once():
    def scored(*scores):
        return [Filling("", score, 0.0) for score in scores]

    holes = [scored(-1.0, -1.5, -9.0), scored(-2.0, -2.1), scored(-3.0)]
    choices = list(walk_choices(holes))
    sums = [sum(each[number].score for each, number in zip(holes, choice, strict=True)) for choice in choices]
    assert sums == sorted(sums, reverse=True) and len(set(choices)) == len(choices) == 6
    assert next(walk_choices([scored(*range(0, -20, -1))] * 30)) == (0,) * 30, "it does not list them all first"
