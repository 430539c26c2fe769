"""The page of runs: what stands in it, what it leaves out, and that no text of a model is more than text."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import FIRST, PAUSE, REQUEST, RIGHT, SECOND, attempt_of, outcome, story

from agent.views.text import clean
from benchmarks.experiments.stories import StorySpan
from benchmarks.reports.compare import compare
from benchmarks.reports.marked_code import mark_code, measure_shared_lines
from benchmarks.reports.page import write_page
from benchmarks.reports.page_blocks import ReportedRun, view_problems
from benchmarks.reports.tables import tabulate

HOSTILE = "</script></code><img src=x onerror=alert(1)>&lt;\0\u202e\x1b[31m{{ 7 * 7 }}"


def keyed(records):
    return {(each.task_id, each.sample): each for each in records}


def run_of(outcomes, stories=None, name="greedy-tree"):
    return ReportedRun(name, keyed(outcomes), None if stories is None else keyed(stories))


def page_of(*runs):
    compared = compare({run.name: list(run.outcomes.values()) for run in runs})
    return write_page("exercises, 2 problems", "seed 0", compared, runs, [])


class Elements(HTMLParser):
    """Collects the names of all elements, and all text."""

    def __init__(self, page):
        super().__init__()
        self.names, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def test_text_of_models_and_data_sets_is_text_and_nothing_else():
    pause = replace(PAUSE, reason=HOSTILE, candidates=[replace(each, text=HOSTILE) for each in PAUSE.candidates])
    texts = {"label": HOSTILE, "failures": [HOSTILE, HOSTILE], "end": HOSTILE, "same_as": HOSTILE, "guarantee": HOSTILE}
    bad = attempt_of(HOSTILE, **texts, verdict="failed", pauses=[pause], holes=[StorySpan(90, 95, 1.0)])
    branch = replace(SECOND, edge=replace(SECOND.edge, text=HOSTILE), label=HOSTILE)
    told = replace(story(0, (bad, branch)), request=HOSTILE + REQUEST, task_id=HOSTILE)
    page = page_of(run_of([replace(outcome(0), task_id=HOSTILE)], [told], name=HOSTILE))
    elements = Elements(page)
    assert elements.names.count("script") == 1 and "img" not in elements.names
    assert "\0" not in page and "\u202e" not in page and "\x1b" not in page and "49" not in elements.text.split()
    assert elements.text.count(clean(HOSTILE)) >= 12
    assert "default-src 'none'" in page


def test_the_page_asks_no_other_place_for_anything():
    page = page_of(run_of([outcome(0)], [story(0)]))
    assert not [word for word in ("http://", "https://", "@import", "url(", " src=", "<link") if word in page]


def test_a_run_without_stories_has_its_table_and_says_what_is_missing():
    page = Elements(page_of(run_of([outcome(0), outcome(1, passed=False)]))).text
    assert "no stories stand beside the outcomes" in page and "0.500 (0.095 to 0.905)" in page
    assert "def f(x):" in page and "base failed, plus failed" in page


def test_a_problem_shows_the_way_to_the_program_that_stands():
    (problem,) = view_problems([run_of([outcome(0)], [story(0)])], 10**6)
    (run,) = problem.runs
    assert (problem.title, problem.tags, run.left_out) == ("f", "paused", "")
    assert [(each.label, each.sign, each.way, each.token, each.depth) for each in run.attempts] == [
        ("1", "✗", "", "", 0),
        ("2", "✓", "from 1 at line 7", " x", 1),
    ]
    assert run.best.code.numbers == "7\n8" and run.best.shares == "the request"
    assert [piece for piece in run.best.code.pieces if piece.doubt] == [(" x", "1.1", True, 0)]
    assert run.best.holes == ["line 7, 2.0 nats: x + x"]
    (pause,) = run.attempts[0].pauses
    assert [(row.text, row.probability, row.won) for row in pause.rows] == [(" 1", "0.61", True), (" x", "0.33", False)]
    later = replace(SECOND, edge=replace(SECOND.edge, at=SECOND.edge.at + 2))
    (problem,) = view_problems([run_of([outcome(0)], [story(0, (FIRST, later))])], 10**6)
    assert [each.line for each in problem.runs[0].best.pauses] == [7], "a pause of the parent, before the ways part"


def test_tags_say_what_failed_what_paused_and_what_changed_between_runs():
    runs = [
        run_of([outcome(0), outcome(1, passed=False, pauses=0)]),
        run_of([outcome(0, passed=False), outcome(1, passed=False, pauses=0)], name="adadec-tree"),
    ]
    assert [each.tags for each in view_problems(runs, 0)] == ["failed paused changed", "failed"]


def test_of_many_samples_the_first_is_shown_and_the_first_that_ended_otherwise():
    samples = [outcome(0, passed=number in (2, 3), sample=number) for number in range(5)]
    (problem,) = view_problems([run_of(samples, [story(0, sample=number) for number in range(5)])], 10**6)
    assert [each.name for each in problem.runs] == ["greedy-tree, sample 0", "greedy-tree, sample 2"]
    assert problem.marks == [("greedy-tree", "2 of 5", False)]


def test_without_room_the_program_that_stands_is_shown_and_the_others_are_counted():
    (problem,) = view_problems([run_of([outcome(0)], [story(0, (FIRST, FIRST, SECOND))])], 0)
    (run,) = problem.runs
    assert [each.code is None for each in run.attempts] == [True, True, False]
    assert run.left_out == "2 programs had no room here; the file of stories has them"


@given(
    st.text("ab \n\t\r\u202e", max_size=40), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=4),
    st.lists(st.integers(0, 50), max_size=4),
)  # fmt: skip
def test_marked_code_is_the_program_whatever_is_marked(program, spans, pauses):
    spans = [StorySpan(min(span), max(span), 1.0) for span in spans]
    code = mark_code(program, 0, spans, spans, {place: 1 + number for number, place in enumerate(pauses)})
    assert "".join(piece.text for piece in code.pieces) == clean(program).rstrip()[: len(program.rstrip())]
    assert code.numbers.count("\n") == program.rstrip().count("\n")


@pytest.mark.parametrize(
    ("program", "other", "shared"),
    [
        (REQUEST + RIGHT, REQUEST, len(REQUEST) + 1),
        (REQUEST + RIGHT, REQUEST + "\n    z = 1\n", len(REQUEST) + 1),
        (REQUEST, REQUEST, REQUEST.rindex("\n") + 1),  # the last line is always shown
        ("a = 1\nb = 2\nc = 3\n", "a = 1\nb = 2\n", 0),  # too few
        ("", "", 0),
    ],
)
def test_lines_that_stand_elsewhere_are_left_out_if_they_are_many(program, other, shared):
    assert measure_shared_lines(program, other) == shared


def test_a_page_has_the_same_numbers_as_the_table_of_compare():
    (run,) = compare({"greedy": [outcome(0), outcome(1, passed=False)]})
    cells = Elements(write_page("t", "f", [run], [], [])).text
    assert all(f"{mean:.1f} (" in cells for mean in run.costs.values())
    assert "0.500 (0.095 to 0.905)" in cells and f"{run.ece:.3f}" in cells


def test_of_many_samples_a_table_has_every_pass_at_k():
    (run,) = compare({"sample": [outcome(0, passed=number < 2, sample=number) for number in range(5)]})
    solved, _ = tabulate([run])
    assert solved.heads[:5] == ["run", "pass@1", "pass@5", "problems", "samples"]
    assert solved.rows[0].cells[2].startswith("1.000")
