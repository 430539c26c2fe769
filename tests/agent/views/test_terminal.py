"""The terminal view: everything that happened is said, and nothing that was generated is obeyed."""

from rich.console import Console

from agent.decoding.step import Candidate, Pause, Step
from agent.state import Attempt, Cost, Revision
from agent.views.terminal import TerminalView, accounting, clean, shown

PAUSE = Pause(
    "entropy 1.30 >= 1.00",
    "rerank",
    (Candidate(1, -0.7, -0.5, "sum(xs)\n"), Candidate(2, -0.9, -0.4, "max(xs)")),
    2,
    5,
    15,
)
PASSED = Attempt(
    0, [], [], [], "end token", "def f(xs):\n    return max(xs)\n", "def f(xs):\n    ???\n", [[15, 29]], "passed", 2
)


def drawn(*events, live: bool = False) -> str:
    console = Console(record=True, width=100, height=40, force_terminal=live)
    with TerminalView(console, live=live) as view:
        for event in events:
            view.show(event)
    return console.export_text()


def test_a_pause_shows_its_candidates_and_which_one_won():
    lines = drawn(Step(2, "max", -0.9, {}, PAUSE)).splitlines()
    assert "pause 1: entropy 1.30 >= 1.00" in lines[0]
    assert [line.split() for line in lines if "(xs)" in line] == [
        ["sum(xs)⏎", "0.50", "-0.50"],
        ["▸", "max(xs)", "0.41", "-0.40"],
    ]


def test_an_attempt_shows_its_program_its_holes_and_its_verdict():
    text = drawn(PASSED)
    assert "return max(xs)" in text
    assert "? line 2 not to be trusted: return max(xs)" in text
    assert "✓ passed: 2 of 2 examples" in text


def test_failures_and_revisions_are_said():
    failed = Attempt(0, [], [], [], "", "x", "x", [], "failed", 1, ["f(1) returned 1, wanted 2"])
    text = drawn(failed, Revision("branch", "back to the pause at token 3"))
    assert "✗ f(1) returned 1, wanted 2" in text
    assert "↻ branch: back to the pause at token 3" in text


def test_the_end_says_the_outcome_and_the_account():
    console = Console(record=True, width=100)
    view = TerminalView(console, live=False)
    view.finish("accepted", Cost(27, 30, 200, 2, 1, 0.5), PASSED)
    view.finish("abstained", Cost(), PASSED)
    text = console.export_text()
    assert "✓ accepted: the program passed its 2 visible examples" in text
    assert "27 tokens · 30 forwards · 2 pauses · 1 sandbox runs · 0.50 s" in text
    assert "✗ abstained" in text
    assert "???" in text


def test_control_characters_of_a_model_never_reach_the_terminal():
    evil = "\x1b[2J\x1b]0;title\x07\x9b31m"
    text = drawn(Step(1, evil, -1.0, {}), Revision("branch", evil), live=True)
    assert "title" in text
    assert "\x1b[2J" not in text
    assert clean(evil).count("\x1b") == 0


def test_live_and_plain_end_with_the_same_text():
    events = (Step(2, "max", -0.9, {}, PAUSE), PASSED)
    plain, live = drawn(*events), drawn(*events, live=True)
    assert all(line in live for line in plain.splitlines())


def test_white_space_of_a_candidate_is_visible_and_long_ones_are_cut():
    assert shown("\n\treturn") == "⏎⇥return"
    assert len(shown("x" * 100)) == 40


def test_the_account_counts_in_one_line():
    assert accounting(Cost(1, 2, 3, 4, 5, 6.0)) == "1 tokens · 2 forwards · 4 pauses · 5 sandbox runs · 6.00 s"
