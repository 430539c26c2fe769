"""A program with its holes, as a person and as a program reads it."""

import json

from agent.hole_calibration import Guarantee
from agent.views.holes import ProgramWithHoles, describe_holes, draw_holes

SOURCE = "def f(x):\n    return x + 1\n"
HOLE = (SOURCE.index("x + 1"), SOURCE.index("x + 1") + 5)


def test_the_program_goes_to_stdout_with_dots_and_the_holes_to_stderr(capsys):
    draw_holes(ProgramWithHoles(SOURCE, (HOLE,), Guarantee(missing="nobody calibrated it")))
    out, err = capsys.readouterr()
    assert out == "def f(x):\n    return ...\n"
    assert err == "line 2, 5 characters: x + 1\nuncalibrated: nobody calibrated it\n"


def test_a_guarantee_is_one_sentence(capsys):
    draw_holes(ProgramWithHoles(SOURCE, (), Guarantee(0.95, 0.9, "exercises")))
    assert capsys.readouterr().err == (
        "with confidence 95%, at least 90% of such partial programs, for problems like those of exercises, can be "
        "completed to a right program\n"
    )


def test_the_record_has_each_hole_with_its_place():
    record = describe_holes(ProgramWithHoles(SOURCE, (HOLE,), Guarantee(0.95, 0.9, "exercises"))).record
    assert json.loads(json.dumps(record)) == {
        "program": SOURCE,
        "partial": "def f(x):\n    return ...\n",
        "holes": [{"start": HOLE[0], "end": HOLE[1], "lines": "line 2", "text": "x + 1"}],
        "guarantee": {"confidence": 0.95, "coverage": 0.9, "problems": "exercises", "missing": ""},
    }


def test_markup_and_control_characters_of_a_program_stay_text(capsys):
    draw_holes(ProgramWithHoles("x = '[red]\x1b[31m'\n", ((4, 17),), Guarantee()))
    out, err = capsys.readouterr()
    assert "\x1b" not in err and "[red]" in err and out == "x = ...\n"
