"""Any text of a model, a program or a file is shown without harm, and JSON stays JSON."""

import json
import math
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from agent.decoding.step import Candidate, Pause, Step
from agent.program.failures import Failure, FailureKind
from agent.program.outputs import Output, OutputKind
from agent.program.task import Task
from agent.records import Answer, Attempt, Breakage, Cost, Difference, Edge, EdgeKind, Revision, Spent, Undecided
from agent.views.numbers import format_count, format_probability, format_share
from agent.views.terminal import TerminalView
from agent.views.text import clean, format_code, json_text, one_line
from agent.workflow.run import Result
from sandbox.base import Verdict

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07", "\x9b31m", "\u202edlrow\u2066", "a\u200bb\ufeff\u2060", "\ud800", "\udfff\ud800",
    "\u2028\u2029", "\r\b\0", "[bold]markup[/bold] [/nothing]", "\U000e0041\u061c\u115f\u3164",
    "\U0001f468\u200d\U0001f469", "`\n\t ", "x" * 5000, "ü日本\u0301" * 3, "",
)  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=()), max_size=30))
floats = st.floats()
numbers = st.integers(0, 10**6)
candidates = st.builds(Candidate, numbers, floats, floats, texts)
resolvers = st.sampled_from(("rerank", "ask", "contrast"))
pauses = st.builds(Pause, texts, resolvers, st.tuples(candidates, candidates), numbers, numbers, numbers)
steps = st.builds(Step, numbers, texts, floats, st.just({}), st.one_of(st.none(), pauses))
failures = st.builds(Failure, st.sampled_from(FailureKind), numbers, texts, texts, st.one_of(st.none(), texts))

outputs = st.builds(Output, st.sampled_from(OutputKind), texts, st.one_of(st.none(), texts))
breakages = st.builds(Breakage, st.tuples(texts), numbers, numbers)


@st.composite
def attempts(draw):
    program = draw(texts)
    spans = st.tuples(st.integers(0, len(program)), st.integers(0, len(program))).map(sorted)
    edge = Edge(draw(st.sampled_from(EdgeKind)), 0, 0.0, 0.0, position=3, text=draw(texts))
    return Attempt(
        0, (), (), (), draw(texts), program, draw(texts), draw(st.lists(spans, max_size=2)),
        draw(st.sampled_from((Verdict.PASSED, Verdict.FAILED, Verdict.SYNTAX_ERROR))), draw(st.integers(0, 3)),
        tuple(draw(st.lists(failures, max_size=2))), edge, Cost(tokens=1, forwards=2),
        behaviour=draw(st.one_of(st.none(), st.lists(outputs, max_size=2))),
        number=draw(numbers), depth=draw(st.integers(0, 9)),
    )  # fmt: skip


@st.composite
def results(draw):
    made = draw(st.lists(attempts(), min_size=1, max_size=2))
    differs = Difference(draw(texts), draw(outputs), draw(outputs))
    undecided = (Undecided(-0.1, 1, draw(texts)),)
    chosen = Answer(
        0, draw(st.one_of(st.none(), breakages)), probability=draw(st.one_of(st.none(), floats)), enough=draw(floats),
        share=draw(floats), margin=0.1, clusters=2, programs=draw(st.integers(0, 3)), functional_entropy=draw(floats),
        error_at_least=draw(floats), rival=0, differs=differs, ended_by=Spent("seconds", draw(floats), 1.0), mutants=3,
        undecided=undecided,
    )  # fmt: skip
    outcome = draw(st.sampled_from(("accepted", "abstained")))
    return Result(Task("x", unparsed=(draw(texts),)), outcome, made, Cost(seconds=draw(floats)), chosen, "visible")


def unharmed(text: str) -> bool:
    """Whether nothing in a text acts on a terminal, turns the order of reading or hides."""
    unfit = [each for each in text if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") and each not in "\n\t"]
    joins = "\U0001f468\u200d\U0001f469"  # in an emoji alone it can be seen
    return not unfit and not set(text.replace(joins, "")) & set(
        "\u200b\u200d\u202e\u2066\u2060\ufeff\u061c\u115f\u3164\U000e0041"
    )


@given(st.lists(st.one_of(steps, attempts(), st.builds(Revision, texts, texts, texts)), max_size=4), results(), texts)
def test_the_view_shows_anything_without_harm(events, result, name):
    console = Console(record=True, width=80, force_terminal=False, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    with console.file:
        view = TerminalView(console, live=False)
        view.show_heading(name)
        view.say(name)
        view.begin(result.task, name)
        for event in events:
            view.show(event)
        view.finish(result, {"base": "passed", "plus": "failed"})
        for which in ("", "1", name):
            view.show_tree(result, which)
        text = console.export_text()
    assert unharmed(text), ascii(text)
    assert "What now: " in text


scalars = st.one_of(texts, floats, st.none(), st.booleans(), st.integers(), st.binary(max_size=3), st.complex_numbers())
keys = st.one_of(texts, st.integers(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.tuples(inner), st.dictionaries(keys, inner, max_size=3)),
)


def check_json(value) -> None:
    text = json_text(value)
    assert text.isascii()

    def refuse(constant):
        raise AssertionError(constant)

    json.dumps(json.loads(text, parse_constant=refuse), ensure_ascii=False).encode()  # no half of a character


@given(values)
@example({"a": math.nan, "b": [math.inf, -math.inf], "c": "\ud83d\ude00 \ud83d"})
def test_any_value_is_json_that_every_reader_takes(value):
    check_json(value)


def test_values_that_json_cannot_hold_are_json_all_the_same():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, 10**6000, -(10**6000), object(), {1, 2}, {(1, 2): {None: 3}}):
        check_json(value)


@given(texts)
def test_text_is_cleaned_in_place_and_one_line_stays_one(text):
    assert len(clean(text)) == len(text) and unharmed(clean(text))
    assert "\n" not in one_line(text) and unharmed(one_line(text)) and len(one_line(text).splitlines()) <= 1
    assert len(format_code(text)) <= 40 and len(format_code(text).splitlines()) <= 1


@given(st.floats(0, 1))
def test_no_probability_is_shown_as_certain_that_is_not(probability):
    certain = probability in (0.0, 1.0)
    assert certain or format_probability(probability) not in ("0.00", "1.00")
    assert certain or format_share(probability) not in ("0%", "100%")


def test_odds_percents_and_counts_read_as_a_person_writes_them():
    assert [format_probability(p) for p in (0.0, 0.004, 0.01, 0.5, 0.99, 0.998, 1.0)] == [
        "0.00", "under 0.01", "0.01", "0.50", "0.99", "over 0.99", "1.00",
    ]  # fmt: skip
    assert [format_share(p) for p in (0.0, 0.004, 0.54, 0.995, 1.0)] == ["0%", "under 1%", "54%", "over 99%", "100%"]
    assert [format_count(n, "token") for n in (0, 1, 2)] == ["0 tokens", "1 token", "2 tokens"]
