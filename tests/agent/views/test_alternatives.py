"""What else the model considered at a place is shown as code that a person can read."""

import pytest

from agent.views.alternatives import Alternative, choose_alternatives, say_alternatives

PROGRAM = "def f(goal, go):\n    return goal + 12 < len(go)\n"


def choose(place, text, until="goal + 12 < len(go)"):
    start = PROGRAM.index("goal +")
    shown = choose_alternatives(
        PROGRAM, [Alternative(PROGRAM.index(place, start), text, 0.5)], start, start + len(until)
    )
    return [each.text for each in shown]


@pytest.mark.parametrize(
    ("place", "text", "shown"),
    [
        ("goal +", "gone", "gone"),  # a word of its own
        ("al +", " ", None),  # "go" is a word, but the text says nothing
        ("al +", "(x)", "go(x)"),  # a word of the program
        ("al +", "a", None),  # "goa" is nobody's
        ("al +", "t(x)", None),
        (" + 12", "s", None),  # "goals" is nobody's
        (" + 12", " - 12", "goal - 12"),
        ("2 <", "3", "goal + 13"),  # a number
        (" < len", "0", "goal + 120"),
        ("en(go)", "ist(go)", "goal + 12 < list(go)"),  # a word of Python
    ],
)
def test_a_word_that_nobody_knows_is_not_offered(place, text, shown):
    assert choose(place, text) == ([] if shown is None else [shown])


def test_of_long_alternatives_the_ends_are_shown_where_they_differ():
    program = f"x = [{', '.join(map(str, range(40)))}]\n"
    ways = [Alternative(program.index("39"), text, 0.4) for text in ("40", "41")]
    shown = say_alternatives(choose_alternatives(program, ways, 4, len(program)))
    first, second = shown.split(" (0.40)")[:2]
    assert first.startswith("…") and first.endswith("38, 40") and second.endswith("38, 41")


def test_alternatives_of_a_long_program_are_looked_at_where_they_stand():
    program = "x = 1\n" * 50_000
    alternatives = [Alternative(place, "y", 0.5) for place in range(0, len(program), 6)]
    assert [each.text for each in choose_alternatives(program + "y", alternatives, 0, 5)] == ["y"]
