"""Markdown shows code as it is, whatever the code holds."""

import pytest

from agent.decoding.step import Candidate, Pause, Step
from agent.program.outputs import Output, OutputKind
from agent.records import CandidateQuestion, OutputQuestion, Revision
from agent.views.choices import describe_choices
from agent.views.markdown import escape_markdown, fence, quote_code
from agent.views.narration import Narrator


def test_a_fence_is_longer_than_any_in_the_code():
    assert fence("x = 1\n") == "```python\nx = 1\n```"
    assert fence('s = """\n```\n````\n"""') == '`````python\ns = """\n```\n````\n"""\n`````'
    assert fence("a\x1b[2Jb") == "```python\na\ufffd[2Jb\n```"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a * b", "`a * b`"), ("a ` b", "``a ` b``"), ("`a`", "`` `a` ``"), ("a\nb", "`a⏎b`"), ("```", "```` ``` ````")],
)
def test_a_line_of_code_is_quoted_with_marks_that_it_does_not_hold(text, quoted):
    assert quote_code(text) == quoted


def test_a_sentence_keeps_its_characters():
    assert escape_markdown("a*b_c [x](y) `z` <b> #1") == r"a\*b\_c \[x\](y) \`z\` \<b\> \#1"


PAUSE = Pause("entropy", "rerank", (Candidate(1, -0.5, -0.2, "a"), Candidate(2, -0.9, -0.4, "b")), 1, 5, 5)


def test_a_narrator_counts_the_lines_of_the_code_and_not_those_of_the_prose_before_it():
    narrator = Narrator("")
    assert narrator.tell(Step(1, "Sure:\n\n```python\ndef f():\n    return ", -0.1)) == ""
    assert narrator.tell(Step(1, "a", -0.1, pause=PAUSE)) == "2 │ a over b (lookahead -0.20, -0.40)"
    plain = Narrator("def f():\n")
    assert plain.tell(Step(1, "a", -0.1, pause=PAUSE)).startswith("2 │ ")
    plain.tell(Revision("branch", "", "x\ny\n"))
    assert plain.tell(Step(1, "a", -0.1, pause=PAUSE)).startswith("4 │ ")
    assert (narrator.tokens, plain.tokens) == (2, 2)


def test_a_question_has_a_heading_and_a_label_for_each_answer():
    code = "\n".join(f"line {number}" for number in range(20))
    choices = describe_choices(CandidateQuestion(code, PAUSE.candidates))
    assert choices.code.split("\n")[0] == "line 8" and choices.labels == ("`a` 0.61", "`b` 0.41")
    outputs = (Output(OutputKind.VALUE, "3"), Output(OutputKind.EXCEPTION, "ValueError"))
    choices = describe_choices(OutputQuestion("f(2)", outputs))
    assert choices.heading == "Programs differ: what should f(2) give?" and choices.labels[0] == "3"
