"""The terminal view shows everything that happened, and the terminal obeys nothing that was generated."""

import io
from dataclasses import replace

import pytest
from fakes import outputs
from rich.console import Console
from rich.text import Text

from agent.decoding.step import Candidate, Pause, Step
from agent.program.ends import End
from agent.program.failures import Failure, FailureKind
from agent.program.task import Task
from agent.records import (
    Answer,
    Attempt,
    Breakage,
    Cost,
    Difference,
    Edge,
    EdgeKind,
    OutputQuestion,
    Revision,
    Spent,
    Undecided,
)
from agent.search.answer import best_answer
from agent.views.consoles import open_console
from agent.views.frame import LiveFrame, Meter
from agent.views.sentences import describe_cost, describe_programs
from agent.views.terminal import TerminalView, draw_change
from agent.views.text import clean, format_code
from agent.workflow.run import Result

PAUSE = Pause(
    "entropy 1.30 >= 1.00",
    "rerank",
    (Candidate(1, -0.7, -0.5, "sum(xs)\n"), Candidate(2, -0.9, -0.4, "max(xs)")),
    2,
    5,
    15,
)
PASSED = Attempt(
    0,
    (),
    (),
    (),
    "end token",
    "def f(xs):\n    xs = list(xs)\n    return max(xs)\n",
    "def f(xs):\n    xs = list(xs)\n    ???\n",
    ((33, 47),),
    "passed",
    2,
)


def show_all(*events, live: bool = False, detail: int = 1) -> str:
    console = Console(record=True, width=100, height=40, force_terminal=live)
    with TerminalView(console, live=live, detail=detail) as view:
        for event in events:
            view.show(event)
    return console.export_text()


def test_a_pause_is_one_line_with_the_winner_and_what_came_next_to_it():
    assert show_all(Step(2, "max", -0.9, {}, PAUSE)) == "  1 │ max(xs) over sum(xs)⏎ (lookahead -0.40, -0.50)\n"
    assert show_all(Step(2, "max", -0.9, {}, PAUSE), detail=0) == ""
    by_person = replace(PAUSE, resolver="ask", chosen=1)
    assert show_all(Step(1, "sum", -0.7, {}, by_person)) == "  1 │ sum(xs)⏎ over max(xs) (probability 0.50, 0.41)\n"
    written = replace(PAUSE, resolver="ask", chosen=9)
    assert show_all(Step(9, "x", -4.0, {}, written)) == "  1 │ x, none of sum(xs)⏎, max(xs) (entropy 1.30 >= 1.00)\n"


def test_pauses_and_failed_programs_are_shown_by_the_detail_that_was_asked_for():
    steps = (Step(3, "x = 1\n", -0.1, {}), Step(2, "max", -0.9, {}, PAUSE), FAILED)
    quiet, pauses, programs = (show_all(*steps, live=False, detail=detail) for detail in (0, 1, 2))
    assert "program 1 ✗" in quiet and "│" not in quiet
    assert pauses.startswith("  2 │ max(xs)") and "program 1 ✗" in pauses
    assert programs.endswith("0 forwards\nx\n") and programs.startswith(pauses)


def finished(
    *attempts: Attempt, outcome: str = "accepted", answer: Answer | None = None, cost: Cost | None = None
) -> str:
    console = Console(record=True, width=100)
    result = Result(Task("x"), outcome, list(attempts), cost or Cost(), answer or Answer(len(attempts) - 1), "visible")
    TerminalView(console, live=False, program_console=console, detail=1).finish(result)
    return console.export_text()


def test_the_answer_is_shown_with_its_holes():
    text = finished(PASSED)
    assert "return max(xs)" in text
    assert "line 3 in doubt: return max(xs)\n" in text
    assert "the marks are uncalibrated; the examples passed with these parts as they are" in text
    assert "✓ verified: the program passed 2 examples" in text


def test_doubt_in_the_whole_body_contradicts_no_claim():
    for program, hole in ((PASSED.program, (15, 47)), ("return 1", (0, 8)), ("def f(:\n", (0, 8))):
        text = " ".join(finished(replace(PASSED, program=program, holes=(hole,))).split())
        assert "doubt is spread over the whole program, so no line stands out (uncalibrated)" in text
        assert "look at" not in text and "✓ verified: the program passed 2 examples" in text


WRONG = Failure(FailureKind.RETURNED, 0, "f(1)", "1", "2")
FAILED = Attempt(0, (), (), (), "", "x", "x", (), "failed", 1, (WRONG,))


def way(parent: int, kind: str = EdgeKind.BRANCH) -> Edge:
    return Edge(kind, parent, 0.0, 0.0, position=14, text=" goal\n")


def test_the_tree_grows_a_line_a_program_indented_below_the_one_it_left():
    spent = Cost(tokens=17, forwards=16)
    second = replace(FAILED, edge=way(0), cost=spent, duplicate_of=0, number=1, depth=1)
    third = replace(PASSED, edge=way(0), number=2, depth=1)
    repaired = replace(PASSED, edge=way(1, kind=EdgeKind.REPAIR), cost=spent, number=3, depth=2)
    lines = show_all(FAILED, second, third, repaired).splitlines()
    assert lines == [
        "program 1 ✗ f(1) returned 1, wanted 2 · 0 tokens · 0 forwards",
        "└ program 2 from 1 at token 15, 'goal' ✗ f(1) returned 1, wanted 2, as 1 · 17 tokens · 16 forwards",
        "└ program 3 from 1 at token 15, 'goal' ✓ passed 2 examples · 0 tokens · 0 forwards",
        "  └ program 4 shown the failure of 2 ✓ passed 2 examples · 17 tokens · 16 forwards",
    ]


@pytest.mark.parametrize(("text", "shown"), [("", "the end of the text"), ("\n", "'⏎'"), ("  ", "'  '")])
def test_a_branch_says_where_it_leaves_also_where_nothing_can_be_seen(text, shown):
    attempt = replace(PASSED, edge=replace(way(0), text=text), number=1, depth=1)
    assert show_all(attempt).startswith(f"└ program 2 from 1 at token 15, {shown} ✓ passed")


def test_a_resumed_run_goes_on_with_the_numbers_and_the_indentation_that_it_had():
    late = replace(PASSED, edge=way(4), number=6, depth=3)
    assert show_all(late) == "    └ program 7 from 5 at token 15, 'goal' ✓ passed 2 examples · 0 tokens · 0 forwards\n"


def test_the_end_says_the_outcome_and_the_account():
    text = finished(PASSED, cost=Cost(27, 30, 200, 2, 1, 0.5)) + finished(FAILED, outcome="abstained")
    assert "27 tokens · 30 forwards · 2 pauses · 1 sandbox run · 0.50 s" in text
    assert "✗ abstained: no program passed" in text
    doubtful = finished(PASSED, outcome="abstained", answer=Answer(0, probability=0.3))
    assert "✗ abstained: it is not probable enough to be right" in doubtful
    unknown = " ".join(finished(PASSED, outcome="abstained", answer=Answer(0)).split())
    assert "abstained: how probable it is to be right is not known, of so few examples or with so little" in unknown


def test_what_the_examples_leave_open_is_said_where_it_is_likely():
    found = tuple(Undecided(w, 2, f"return {w}") for w in (-0.5, -1.5, -2.0, -4.0))
    text = finished(PASSED, answer=Answer(0, undecided=found))
    assert text.count(": the examples also allow") == 2
    assert "line 2: the examples also allow return -0.5\n" in text and "return -2.0" not in text
    assert "also allow" not in finished(PASSED, answer=Answer(0, undecided=found[3:]))


def test_what_speaks_for_an_answer_and_against_it_is_said():
    compared = replace(PASSED, checked=0, behaviour=outputs("1", "2"))
    chosen = Answer(
        0, probability=0.625, share=0.6, margin=0.1, clusters=2, programs=3, functional_entropy=0.67,
        draws=5, error_at_least=0.31, rival=1, differs=Difference("(3,)", *outputs("5", "7")),
    )  # fmt: skip
    text = " ".join(finished(compared, replace(compared, number=1), answer=chosen).split())
    assert "3 programs behave in 2 ways on 2 inputs; this one's way has 60% of their" in text
    assert "(functional entropy 0.67 nats)" in text
    assert "5 independent draws differ: such a draw is wrong with probability 0.31 or more" in text
    assert "two programs are close to each other, and differ for (3,):" in text
    assert "─ program 1 ─" in text and "─ 5 ─" in text and "─ program 2 ─" in text and "─ 7 ─" in text
    assert "probability of being right, as learned for this model: 0.62" in text
    assert "? unverified: the program runs; nothing else checked what it gives" in text


def test_a_search_that_found_nothing_says_what_ended_it_and_which_example_may_be_wrong():
    chosen = Answer(0, share=0.0, clusters=0, programs=0, ended_by=Spent("programs", 2, 2), suspect="f(1)")
    text = " ".join(finished(FAILED, outcome="abstained", answer=chosen).split())
    assert "the search ended at 2 of 2 programs" in text
    assert (
        "programs that differ fail f(1) and nothing else: the model does not know how, or that example is wrong" in text
    )
    assert "What now: check the example of f(1); if it is right, a larger model may know how." in text


def test_an_abstention_says_how_the_best_program_breaks_and_how_long_the_search_took():
    broken = Breakage(("AttributeError", "TypeError"), 2, 2)
    answer = Answer(0, broken, ended_by=Spent("seconds", 1.504, 1.5))
    text = " ".join(finished(PASSED, outcome="abstained", answer=answer).split())
    assert "abstained: the best program raises AttributeError or TypeError on 2 of 2 made-up inputs" in text
    assert "the search ended at 1.50 of 1.5 seconds" in text
    assert "without what is in doubt" not in text


def test_alternatives_are_walked_by_number():
    console = Console(record=True, width=100)
    view = TerminalView(console, live=False)
    result = Result(
        Task("x"), "accepted", [FAILED, replace(PASSED, edge=way(0), number=1)], Cost(), Answer(1), "visible"
    )
    for result_, which in ((None, ""), (result, ""), (result, "1"), (result, "2"), (result, "3"), (result, "x")):
        view.show_tree(result_, which)
    text = console.export_text()
    assert text.startswith("nothing was asked for yet\nprogram 1 ✗")
    assert "✗ f(1) returned 1, wanted 2" in text and "return max(xs)" in text
    assert text.count("wanted a number from 1 to 2") == 2


def test_examples_that_cannot_be_read_are_said():
    console = Console(record=True, width=100)
    TerminalView(console, live=False).begin(Task("x", unparsed=(">>> f(",)))
    assert console.export_text() == "this example cannot be read, and is not checked: >>> f(\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("b", 1), (" a ", 0), ("c", "c"), ("2", "2"), ("", ""), ("[1]", "[1]"), ("ab", "ab")]
)
def test_a_person_is_shown_what_programs_give_and_answers_by_letter_or_value(monkeypatch, typed, meant):
    console = Console(record=True, width=100)
    monkeypatch.setattr(console, "input", lambda prompt: typed)
    asked = OutputQuestion("f(3)", outputs("5", "[\x1b]"))
    assert TerminalView(console, live=False).ask(asked) == meant
    assert "what should f(3) give?" in console.export_text()


def test_control_characters_of_a_model_never_reach_the_terminal():
    evil = "\x1b[2J\x1b]0;title\x07\x9b31m"
    hostile = replace(FAILED, failures=(replace(WRONG, got=evil),), edge=replace(way(0), text=evil))
    text = show_all(Step(1, evil, -1.0, {}), Revision("branch", evil), FAILED, hostile, live=True) + finished(hostile)
    assert "title" in text
    assert "\x1b[2J" not in text
    assert clean(evil).count("\x1b") == 0


def test_live_and_plain_end_with_the_same_text():
    events = (Step(2, "max", -0.9, {}, PAUSE), PASSED)
    plain, live = show_all(*events), show_all(*events, live=True)
    assert all(line in live for line in plain.splitlines())


@pytest.mark.parametrize(
    ("after", "drawn"),
    [
        ("def f(xs):\n    return 2\n", " def f(xs):\n-    return 1\n+    return 2"),
        ("def f(xs):\n    return 1", "the program stays as it was"),
    ],
)
def test_a_changed_program_is_shown_as_a_difference(after, drawn):
    assert drawn in draw_change("def f(xs):\n    return 1\n", after).plain


def test_the_frame_shows_the_end_of_the_code_with_marks_and_counts():
    console = Console(width=90, height=12, force_terminal=True)
    now = iter(range(100))
    frame = LiveFrame(console, Meter("tiny", lambda: 7, 20), clock=lambda: next(now))
    frame.begin("def f(x):\n")
    for number in range(9):
        frame.write(f"    x{number} = {number}\n", pause="11 │ a over b" if number == 8 else "")
    with console.capture() as capture:
        console.print(frame._draw())
    lines = [Text.from_ansi(line).plain.rstrip() for line in capture.get().splitlines()]
    assert lines[:5] == [f"{number:>3}{'●' if number == 10 else ' '}│     x{number - 2} = {number - 2}" if number < 11
                         else " 11 │" for number in range(7, 12)]  # fmt: skip
    assert lines[5] == "11 │ a over b"
    assert lines[6].startswith("tiny · program 1 of 20 · 9 tokens · ") and "1 pause · 0 forwards" in lines[6]


def test_a_frame_is_drawn_no_more_often_than_an_eighth_of_a_second_and_a_fiftieth_of_the_time():
    console, times, drawn = Console(force_terminal=True, file=io.StringIO()), [0.0], []
    frame = LiveFrame(console, Meter(), clock=lambda: times[0])
    frame.start()
    assert frame._live is not None

    def refresh() -> None:
        drawn.append(times[0])
        times[0] += 0.01  # a drawing takes a hundredth of a second

    frame._live.refresh = refresh
    for _ in range(200):
        frame.write("x")
        times[0] += 0.01
    assert len(drawn) <= 1 + 2.0 / 0.5, "a hundredth of a second is a fiftieth of half a second"
    frame.stop()


def test_white_space_of_a_candidate_is_visible_and_long_ones_are_cut():
    assert format_code("\n\treturn") == "⏎⇥return"
    assert len(format_code("x" * 100)) == 40


def test_the_account_counts_in_one_line():
    assert describe_cost(Cost(1, 2, 3, 4, 5, 6.0)) == "1 token · 2 forwards · 4 pauses · 5 sandbox runs · 6.00 s"


@pytest.mark.parametrize(
    ("attempt", "chosen", "in_chat", "mark", "advice"),
    [
        (PASSED, Answer(0), False, "✓ verified", "look at line 3 first; only 2 examples checked it"),
        (replace(PASSED, checked=1, holes=()), Answer(0), False, "the program passed 1 example", "only 1 example"),
        (replace(PASSED, checked=0), Answer(0), False, "? unverified: the", "or a file of asserts with --tests"),
        (replace(PASSED, checked=0), Answer(0), True, "? unverified: the program runs", "and `4` below it."),
        (
            replace(PASSED, checked=0, behaviour=outputs("1", "raises E")), Answer(0, separate=5, alike=4),
            False, "≈ agreed: 4 of 5 programs behave alike on 2 inputs; no example", "try it on an input of yours",
        ),
        (
            replace(PASSED, checked=0, behaviour=outputs("raises E")), Answer(0, separate=5, alike=5), False,
            "? unverified", "do not",
        ),
        (
            replace(PASSED, checked=0, behaviour=outputs("1")), Answer(0, separate=5, alike=3), False,
            "? unverified", "do not",
        ),
        (
            replace(PASSED, checked=0, behaviour=outputs("1")), Answer(0, separate=4, alike=4), False,
            "? unverified", "do not",
        ),
        (
            replace(PASSED, checked=0, behaviour=outputs("1")),
            Answer(0, separate=5, alike=5, cases=4, cases_passed=3),
            False,
            "on 1 input, and this one passes 3 of 4 test cases of the model; no example", "try it",
        ),
    ],
)  # fmt: skip
def test_the_last_line_says_what_to_do_now(attempt, chosen, in_chat, mark, advice):
    console = Console(record=True, width=300)
    result = Result(Task("x"), "accepted", [attempt], Cost(), chosen, "visible")
    TerminalView(console, live=False, in_chat=in_chat).finish(result)
    text = console.export_text()
    assert mark in text and text.splitlines()[-1].startswith("What now: ") and advice in text.splitlines()[-1]
    assert not in_chat or "--" not in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("attempt", "chosen", "said", "advice"),
    [
        (FAILED, Answer(0), "✗ f(1) returned 1, wanted 2", "another --policy or --order"),
        (FAILED, Answer(0, ended_by=Spent("programs", 1, 1)), "✗ f(1) returned 1, wanted 2", "a larger --budget"),
        (PASSED, Answer(0, probability=0.3), "without what is in doubt:", "ask for less with --min-probability"),
        (PASSED, Answer(0, Breakage(("NameError",), 1, 1)), "the best program raises NameError", "another --policy"),
    ],
)
def test_a_run_that_abstains_says_what_is_wrong_and_what_may_help(attempt, chosen, said, advice):
    text = finished(attempt, outcome="abstained", answer=chosen)
    assert "✗ abstained: " in text and said in text and advice in text.splitlines()[-1]
    assert "may be trusted" not in text


def test_programs_are_counted_by_what_became_of_them():
    unrun = replace(FAILED, checked=0, failures=(Failure(FailureKind.NOT_RUN, got="seconds"),))
    like, dropped = replace(PASSED, duplicate_of=0), replace(FAILED, end=End.NO_PYTHON)
    begun_alike = replace(FAILED, end=End.DUPLICATE, duplicate_of=0)
    assert describe_programs([PASSED, FAILED, FAILED]) == "3 programs: 1 passed, 2 failed"
    assert describe_programs([PASSED, like, like]) == "1 program: 1 passed; not run: 2 like an earlier one"
    assert describe_programs([FAILED, dropped, begun_alike, like, unrun]) == (
        "1 program: 1 failed; not run: 1 like an earlier one, 2 dropped unfinished, 1 beyond the budget"
    )
    assert (
        describe_programs([unrun, dropped]) == "no program was run; not run: 1 dropped unfinished, 1 beyond the budget"
    )
    unchecked = replace(PASSED, checked=0)
    assert describe_programs([unchecked, FAILED]) == "2 programs: 1 unchecked, 1 failed"
    also_unrun = replace(unrun, duplicate_of=0)
    assert describe_programs([unrun, also_unrun]).endswith("not run: 1 like an earlier one, 1 beyond the budget")
    assert describe_programs([FAILED]) == ""


WHOLE = replace(FAILED, program="def f(x):\n    return 1\n", checked=2)
OTHER = replace(WHOLE, program="def g(x):\n    return 1\n")
SHORT = Failure(FailureKind.CUT_OFF, got="token budget")
CUT = replace(WHOLE, end=End.TOKEN_BUDGET, checked=0, failures=(SHORT,))
UNCLOSED = Failure(FailureKind.SYNTAX_ERROR, got="'(' was never closed")
BROKEN = replace(WHOLE, program="def f(x", verdict="syntax error", checked=0, failures=(UNCLOSED,))
NO_PYTHON = Failure(FailureKind.DROPPED, got=End.NO_PYTHON)
DROPPED = replace(WHOLE, program="def f(x):\n", end=End.NO_PYTHON, checked=0, failures=(NO_PYTHON,))
NONE_WHOLE = "no whole program was written"


@pytest.mark.parametrize(
    ("attempts", "best", "title", "reason", "ending"),
    [
        (
            [CUT, BROKEN, DROPPED, WHOLE], 3, "program 4:", "✗ f(1) returned 1, wanted 2",
            "no program passed; the best one fails 1 of 2 examples",
        ),
        ([OTHER, WHOLE], 1, "program 2:", "✗ f(1) returned 1, wanted 2", "the best one fails 1 of 2 examples"),
        ([DROPPED, BROKEN, CUT], 2, "program 3, not whole:", "✗ the program was cut off by the token", NONE_WHOLE),
        ([DROPPED, BROKEN], 1, "program 2, not whole:", "✗ the program is no valid Python: '(' was", NONE_WHOLE),
        ([DROPPED, DROPPED], 0, "program 1, not whole:", "✗ dropped at the end of a statement: no", NONE_WHOLE),
    ],
)  # fmt: skip
def test_an_abstention_shows_the_best_whole_program_and_why_it_fails(attempts, best, title, reason, ending):
    attempts = [replace(each, number=number) for number, each in enumerate(attempts)]
    answer = best_answer(attempts, (), entry_point="f")
    console = Console(record=True, width=100)
    task = Task("x", entry_point="f")
    TerminalView(console, live=False, program_console=console).finish(
        Result(task, "abstained", attempts, Cost(), answer, "visible")
    )
    text = console.export_text()
    assert answer.attempt == best
    assert title in text and reason in text and "✗ abstained: no" in text and ending in text


def test_a_pipe_gets_each_line_whole_and_a_terminal_wraps_it(capsys):
    compared = replace(PASSED, checked=0, behaviour=outputs("1", "2"))
    other = replace(compared, number=1, program=f"def f(x):\n    return {'x + ' * 60}1\n")
    chosen = Answer(0, programs=3, clusters=2, rival=1, differs=Difference("(3,)", *outputs("5", "7")))
    view = TerminalView(open_console(err=True), live=False, detail=1)
    example = "f(" + "1, " * 40 + "1) == 41"
    view.begin(Task("x", unparsed=(example,)))
    view.show(other)
    view.finish(Result(Task("x"), "accepted", [compared, other], Cost(), chosen, "visible"))
    view.stream(["so many words that a line ", "of a terminal would end behind them, ", "and a pipe's goes on"])
    lines = capsys.readouterr().err.splitlines()
    assert f"this example cannot be read, and is not checked: {example}" in lines
    assert "program 1 gives 5:" in lines and f"    return {'x + ' * 60}1" in lines
    assert lines[-1] == "so many words that a line of a terminal would end behind them, and a pipe's goes on"
    assert next(line for line in lines if line.startswith("What now: ")).endswith(".")
    assert not any("─" in line or "\x1b" in line for line in lines)
