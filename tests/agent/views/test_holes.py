"""A program with its holes, as a person and as a program reads it."""

import json

from agent.program.hole_calibration import Guarantee
from agent.views.alternatives import Alternative
from agent.views.holes import ProgramWithHoles, describe_holes, draw_program, say_holes

SOURCE = "def f(x):\n    return x + 1\n"
HOLE = (SOURCE.index("x + 1"), SOURCE.index("x + 1") + 5)


def test_holes_are_in_inverse_and_each_has_a_line():
    shown = ProgramWithHoles(SOURCE, (HOLE,), Guarantee(missing="nobody calibrated it"))
    drawn = draw_program(shown)
    assert drawn.plain == SOURCE and [(each.start, each.end, each.style) for each in drawn.spans] == [
        (*HOLE, "reverse")
    ]
    assert say_holes(shown) == ["line 2, 5 characters: x + 1", "uncalibrated: nobody calibrated it"]


def test_a_hole_names_its_three_likeliest_alternatives_with_what_stands_before_them():
    plus, start, end = SOURCE.index("+"), *HOLE
    inside = [
        (plus, "- 1", 0.25),
        (start, "1 + x", 0.004),
        (plus, "* x", 0.1),
        (start, " x * x", 0.09),
        (start, "-x", 0.002),
    ]
    same = [(plus, "+", 0.3), (start, " x", 0.4), (start, "\n", 0.4), (plus + 2, "1\n\n", 0.5)]
    outside = [(0, "class", 0.9), (end, "  # two", 0.9)]
    alternatives = tuple(Alternative(*each) for each in (*outside, *same, *inside))
    shown = ProgramWithHoles(SOURCE, (HOLE,), Guarantee(), alternatives=alternatives)
    assert say_holes(shown)[0] == (
        "line 2, 5 characters: x + 1; the model also considered x - 1 (0.25), x * x (0.10), 1 + x (under 0.01)"
    )
    [hole] = describe_holes(shown).record["holes"]
    assert hole["alternatives"][0] == {"text": "x - 1", "probability": 0.25}


def test_a_guarantee_is_one_sentence():
    assert say_holes(ProgramWithHoles(SOURCE, (), Guarantee(0.95, 0.9, "exercises"))) == [
        "with confidence 95%, at least 90% of such partial programs, for problems like those of exercises, can be "
        "completed to a right program"
    ]


def test_a_guarantee_says_what_it_does_not_hold_for():
    shown = ProgramWithHoles(SOURCE, (), Guarantee(0.95, 0.9, "exercises", label="syntactic"), failed=True)
    assert say_holes(shown) == [
        "with confidence 95%, at least 90% of such partial programs, for problems like those of exercises, can be "
        "completed to the reference solution; of those that fail their examples, as this one does, it may be fewer"
    ]


def test_the_record_has_each_hole_with_its_place():
    record = describe_holes(ProgramWithHoles(SOURCE, (HOLE,), Guarantee(0.95, 0.9, "exercises"))).record
    assert json.loads(json.dumps(record)) == {
        "program": SOURCE,
        "partial": "def f(x):\n    return ...\n",
        "holes": [{"start": HOLE[0], "end": HOLE[1], "lines": "line 2", "text": "x + 1", "alternatives": []}],
        "guarantee": {
            "confidence": 0.95,
            "coverage": 0.9,
            "problems": "exercises",
            "missing": "",
            "label": "behavioural",
        },
    }


def test_markup_and_control_characters_of_a_program_stay_text():
    shown = ProgramWithHoles("x = '[red]\x1b[31m'\n", ((4, 17),), Guarantee())
    assert "\x1b" not in draw_program(shown).plain and "[red]" in draw_program(shown).plain
    assert "\x1b" not in say_holes(shown)[0] and "[red]" in say_holes(shown)[0]
