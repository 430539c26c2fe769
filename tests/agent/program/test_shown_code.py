"""A model is shown whole lines around a hole, as many as there is room for, and the hint above it."""

from agent.program.holes import find_holes, show_holes
from agent.program.shown_code import show_code_around

LINES = [f"a{number} = {number}" for number in range(10, 60)]
SOURCE = "\n".join([*LINES[:30], "x = f(...)  # dubito: fill with g", *LINES[30:], ""])


def show(room, source=SOURCE):
    (hole,) = find_holes(source)
    return show_code_around(show_holes(source, [hole]), hole, len, room)


def test_everything_is_shown_where_there_is_room_and_the_hint_is_a_comment():
    around = show(10_000)
    assert around.before == "\n".join([*LINES[:30], "# with g", "x = f("])
    assert around.after == "\n".join([")", *LINES[30:], ""])
    assert (around.first_line, around.last_line) == (1, 51)


def test_whole_lines_next_to_the_hole_are_shown_where_there_is_less():
    around = show(160)
    assert len(around.before + around.after) <= 160
    assert around.before.splitlines() == [*LINES[around.first_line - 1 : 30], "# with g", "x = f("]
    assert around.after.splitlines() == [")", *LINES[30 : around.last_line - 1]]
    assert around.last_line > 31 > 30 > around.first_line > 1
    assert 31 - around.first_line > around.last_line - 31, "most of the room is for what stands before the hole"


def test_the_line_of_the_hole_is_shown_without_any_room():
    around = show(0)
    assert (around.before, around.after.rstrip(), around.first_line, around.last_line) == (
        "# with g\nx = f(",
        ")",
        31,
        31,
    )


def test_a_hole_at_the_end_of_a_file_without_a_line_break():
    around = show(100, "def f(x):\n    return ...")
    assert (around.before, around.after) == ("def f(x):\n    return ", "")
