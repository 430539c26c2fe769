"""Mistakes are found where they are, with what would mend them; right programs are left alone."""

from dataclasses import replace

import pytest

from agent.lm import open_lm
from agent.lm.scoring import SourceScorer, score_source
from benchmarks import find_problem

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tiny():
    return open_lm("models/tiny")


def program(number):
    problem = find_problem(f"exercises/{number}")
    return f"{problem.prompt}{problem.canonical_solution}"


MISTAKES = [
    (0, "x != 4", "x != 3"),  # another number than the docstring's
    (0, ".items()", ".keys()"),
    (3, "a - b", "a + b"),  # a wrong operator
    (3, "> 6", "< 6"),
    (8, "in x)", "in c)"),  # a wrong variable
    (8, "out[::2]", "out[::1]"),  # off by one
]


@pytest.mark.parametrize(("number", "right", "wrong"), MISTAKES)
def test_a_mistake_is_the_most_doubtful_span_and_the_model_mends_it(tiny, number, right, wrong):
    source = program(number)
    assert source.count(right) == 1, source
    broken = source.replace(right, wrong)
    span = min(score_source(tiny, broken), key=lambda span: span.probability)
    at = next(at for at, (one, other) in enumerate(zip(source, broken, strict=False)) if one != other)
    assert span.start <= at < span.end, span
    assert broken[: span.start] + span.alternatives[0].text + broken[span.end :] == source


def test_right_programs_are_left_alone(tiny):
    found = {number: score_source(tiny, program(number)) for number in range(6)}
    assert sum(map(len, found.values())) <= 1, found


def test_nothing_is_doubtful_about_an_empty_program(tiny):
    assert score_source(tiny, "") == () == score_source(tiny, "# Only words.\n")


def test_at_most_so_many_spans_come_the_most_doubtful_ones(tiny):
    broken = program(3).replace("a - b", "a + b").replace("> 6", "< 5").replace("i + 1", "i + 2")
    spans = score_source(tiny, broken, most=5)
    (one,) = score_source(tiny, broken, most=1)
    assert len(spans) > 1 and one.start in [span.start for span in spans]


def test_scoring_stops_when_it_is_told_and_goes_on_later(tiny):
    scorer, source = SourceScorer(tiny), program(3).replace("a - b", "a + b")
    asked = []

    def stop():
        asked.append(len(scorer.tokens))
        return len(asked) > 3

    assert scorer.score(source, stop=stop) is None
    rows = tiny.lm.token_rows
    (span,), (other,) = scorer.score(source), score_source(tiny, source)
    assert (span.start, span.end, span.alternatives[0].text) == (other.start, other.end, "a - b")
    assert tiny.lm.token_rows > rows and scorer.tokens[-1].start < len(source)


def test_what_was_weighed_is_not_weighed_again_where_code_behind_it_changes(tiny):
    source = program(3).replace("a - b", "a + b") + "\n\n" + program(8)
    scorer = SourceScorer(tiny)
    scorer.score(source)
    forwards = tiny.lm.forwards
    (span, *_) = scorer.score(f"{source}\nLIMIT = 3\n")
    assert span.alternatives[0].text == "a - b"
    fresh, again = SourceScorer(tiny), tiny.lm.forwards - forwards
    forwards = tiny.lm.forwards
    fresh.score(f"{source}\nLIMIT = 3\n")
    assert again < (tiny.lm.forwards - forwards) / 2


class Alone:
    """A model that answers no feeds together, as a backend without that does."""

    def __init__(self, lm):
        self.lm = lm

    def __getattr__(self, name):
        if name in ("run_joint", "beside"):
            raise AttributeError(name)
        return getattr(self.lm, name)


def test_places_that_share_forwards_get_what_they_get_alone(tiny):
    broken = program(3).replace("a - b", "a + b").replace("> 6", "< 5").replace("i + 1", "i + 2")
    together, before = score_source(tiny, broken), tiny.lm.forwards
    alone = score_source(replace(tiny, lm=Alone(tiny.lm)), broken)
    assert len(together) > 1 and tiny.lm.forwards > before
    assert [(span.start, span.end, span.alternatives[0].text) for span in together] == [
        (span.start, span.end, span.alternatives[0].text) for span in alone
    ]
    assert [span.probability for span in together] == pytest.approx([span.probability for span in alone], rel=1e-3)


def test_scoring_stops_while_the_model_writes_at_many_places(tiny):
    broken = program(3).replace("a - b", "a + b").replace("> 6", "< 5").replace("i + 1", "i + 2")
    asked = []
    assert SourceScorer(tiny).score(broken, stop=lambda: bool(asked.append(0))) is not None
    for last in range(1, len(asked)):
        times = iter(range(len(asked)))
        assert SourceScorer(tiny).score(broken, stop=lambda last=last, times=times: next(times) >= last) is None
