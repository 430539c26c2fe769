"""A chat about a file: a function or a method is opened, changed twice, written in its place, and taken back."""

from functools import partial

import pytest
from chat_turns import answer, said, tell
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from agent.cli.chat_commands import COMMANDS
from agent.cli.prompting import Follows, _open_completer
from agent.errors import InvalidRequestError
from agent.program.conversation import Conversation
from agent.strategies import STRATEGIES

SHAPES = '''\
"""Shapes."""

DIGITS = 2


class Circle:
    """A circle."""

    def __init__(self, radius):
        self.radius = radius

    # How large it is.
    def area(self):
        """Return the area."""
        return 3 * self.radius**2


def largest(circles):
    return max(circles, key=Circle.area)
'''
METHOD = '''\
DIGITS = 2


class Circle:
    """A circle."""

    # How large it is.
    def area(self):
        """Return the area."""
        return {}
'''
OLD, ROUNDED = "return 3 * self.radius**2", "return round(math.pi * self.radius**2, DIGITS)"
CHECKED = ROUNDED.replace("self.radius", "_check(self.radius)")
FIRST = "import math\n\n" + METHOD.format(ROUNDED.removeprefix("return "))
SECOND = "import math\n\n\ndef _check(radius):\n    return abs(radius)\n\n\n" + METHOD.format(
    CHECKED.removeprefix("return ")
)
LARGEST = "def largest(circles):\n    return max(circles, key=Circle.area, default=None)\n"


@pytest.fixture
def shapes(chat, tmp_path, monkeypatch):
    """The file, in the current folder of the chat; who is asked says yes."""
    answer(monkeypatch, *"y" * 9)
    (tmp_path / "shapes.py").write_text(SHAPES)
    return tmp_path / "shapes.py"


def test_a_method_is_changed_twice_written_in_its_place_and_taken_back(chat, shapes, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    assert not chat.asked and "Circle.area of shapes.py is open" in (text := said(capsys)) and OLD in text
    tell(chat, ("round it to DIGITS", FIRST))
    task, before = chat.asked[-1]
    assert task.module.function == "Circle.area" and before == SHAPES
    assert f"- {OLD} + {ROUNDED}" in (text := said(capsys)) and "+import math" in text and "largest" not in text
    assert shapes.read_text() == SHAPES, "nothing is written before /write"
    tell(chat, ("mind negative radii", SECOND))
    task, before = chat.asked[-1]
    assert ROUNDED in before and ROUNDED in task.beside[-1].code and "# mind negative radii" in task.request
    tell(chat, ("square it quickly", lambda task: f"{task.request}        {CHECKED}  # quick\n"))
    assert "# square it quickly" in chat.conversation.program
    chat.carry_out("/write")
    assert "+ # square" not in said(capsys) and "square it" not in shapes.read_text(), "the words leave no trace"
    written = shapes.read_text().replace("  # quick", "")
    assert "import math\n" in written and "def _check(radius):" in written and "mind negative" not in written
    assert written.replace(CHECKED, OLD).endswith(SHAPES.partition("class Circle")[2])
    chat.carry_out("/undo")
    assert shapes.read_text() == SHAPES
    chat.carry_out("/write")
    assert shapes.read_text().replace("  # quick", "") == written, "what was taken back can be written again"


def test_a_program_in_a_file_runs_with_the_rest_of_it(chat, shapes, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    chat.carry_out("/run largest([Circle(1), Circle(2)]).area()")
    assert "12" in said(capsys)
    chat.carry_out("/tests assert Circle(2).area() == 12.57")
    assert "✗ Circle(2).area() returned 12, wanted 12.57" in said(capsys)
    tell(chat, ("round it to DIGITS", FIRST))
    task, _ = chat.asked[-1]
    assert len(task.examples) == 1 and task.tests, "the tests hold for what follows"
    assert task.changes == "", "they fail for what there is, so they check the change"
    chat.carry_out("/tests assert largest([Circle(2)]).area() == 12.57")
    assert "✓ the program passes 1 test" in said(capsys)


def test_words_may_name_another_function_and_both_changes_are_written(chat, shapes):
    chat.carry_out("/file shapes.py")
    with pytest.raises(InvalidRequestError, match=r"unclear which function of 'shapes\.py' is meant"):
        chat.carry_out("round the result")
    tell(
        chat,
        ("let Circle.area round to DIGITS", FIRST),
        (
            "largest gives None for no circles",
            "def largest(circles):\n    return max(circles, key=Circle.area, default=None)\n",
        ),
    )
    chat.carry_out("/write")
    assert ROUNDED in shapes.read_text() and "default=None" in shapes.read_text()
    tell(chat, ("Write slugify(title) for URLs.", "def slugify(title):\n    return title\n"))
    assert chat.conversation.opened is None and chat.asked[-1][0].module is None


def test_a_first_request_that_gives_nothing_says_which_function_is_meant(chat, shapes, capsys):
    chat.carry_out("/file shapes.py")
    tell(chat, ("largest also takes no circles", ""))
    assert "the program is still largest, and a follow-up changes it" in said(capsys)
    tell(chat, ("give None for none", LARGEST))
    assert chat.asked[-1][0].module.function == "largest" and "default=None" in chat.conversation.opened.text


def test_what_was_changed_in_an_editor_meanwhile_stays(chat, shapes):
    chat.carry_out("/file shapes.py Circle.area")
    tell(chat, ("round it to DIGITS", FIRST))
    shapes.write_text(SHAPES.replace("DIGITS = 2", "DIGITS = 4"))
    tell(chat, ("mind negative radii", SECOND))
    assert "DIGITS = 4" in chat.asked[-1][1]
    chat.carry_out("/write")
    written = shapes.read_text()
    assert "DIGITS = 4" in written and CHECKED in written
    shapes.write_text(written.replace(CHECKED, "return 7"))
    tell(chat, ("use 8", FIRST))
    assert "return 7" in chat.asked[-1][1], "the function as the person has changed it is what is changed next"
    shapes.write_text(SHAPES.replace("def area(self)", "def area(self, digits)"))
    for line in ("use 9", "/write"):
        with pytest.raises(
            InvalidRequestError, match=r"head of Circle\.area is not as it was.*/file shapes\.py Circle"
        ):
            chat.carry_out(line)


def test_back_goes_back_to_the_function_as_it_was_opened_also_after_a_write(chat, shapes, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    tell(chat, ("round it to DIGITS", FIRST))
    chat.carry_out("/write")
    capsys.readouterr()
    chat.carry_out("/back")
    assert f"- {ROUNDED} + {OLD}" in said(capsys)
    chat.carry_out("/write")
    assert shapes.read_text().replace("\nimport math\n", "") == SHAPES


def test_a_retry_and_a_saved_conversation_keep_the_file(chat, shapes, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    tell(chat, ("round it to DIGITS", FIRST), ("/retry", FIRST))
    assert chat.asked[0][0].request == chat.asked[1][0].request
    chat.carry_out("/save notes.json")
    saved = chat.conversation
    chat.carry_out("/new")
    assert chat.conversation == Conversation()
    chat.carry_out("/load notes.json")
    assert chat.conversation == saved
    chat.carry_out("/write")
    assert ROUNDED in shapes.read_text()


def test_a_turn_that_gives_nothing_leaves_the_function_and_an_unchanged_one_is_no_answer(chat, shapes, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    tell(chat, ("round it to DIGITS", ""))
    assert "the program is still Circle.area" in said(capsys) and chat.conversation.opened.text == SHAPES
    task, _ = chat.asked[-1]
    assert task.changes == task.runnable(METHOD.format(OLD.removeprefix("return "))), "what leaves the file as it is"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "/file shapes.py Circle",
            "Circle is a class in shapes.py, and a function was wanted; name one of",
        ),
        ("/file shapes.py smallest", "shapes.py defines no function 'smallest'; the nearest is largest"),
        ("/file nowhere.py area", "should come from 'nowhere.py', and there is no such file"),
        ("/file", "/file came without a path"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_one_sentence(chat, shapes, command, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        chat.carry_out(command)


def test_a_function_of_a_file_is_not_renamed(chat, shapes):
    chat.carry_out("/file shapes.py largest")
    with pytest.raises(InvalidRequestError, match=r"keeps its name.*rename largest to biggest in 'shapes\.py'"):
        chat.carry_out("rename it to biggest")


def test_a_new_file_gets_the_whole_file_and_another_one_the_function(chat, shapes, tmp_path):
    chat.carry_out("/file shapes.py largest")
    tell(
        chat,
        ("give None for no circles", LARGEST),
    )
    chat.carry_out("/write copy.py")
    assert (tmp_path / "copy.py").read_text() == SHAPES.replace("Circle.area)", "Circle.area, default=None)")
    (tmp_path / "other.py").write_text("x = 1\n")
    chat.carry_out("/write other.py")
    assert "x = 1\n\n\ndef largest" in (tmp_path / "other.py").read_text() and shapes.read_text() == SHAPES


def test_what_may_follow_a_command_is_completed(chat, shapes, tmp_path):
    (tmp_path / "broken.py").write_text("def (")
    commands = {name: Follows(each.takes_path, partial(each.values, chat)) for name, each in COMMANDS.items()}

    def complete(text: str) -> list[str]:
        completions = _open_completer(commands).get_completions(Document(text), CompleteEvent())
        return [text[: len(text) + each.start_position] + each.text for each in completions]

    assert complete("/policy us") == ["/policy uscd", "/policy uscd-adadec"]
    assert set(complete("/strategy ")) == {f"/strategy {name}" for name in (*STRATEGIES, "default")}
    assert "/model models/tiny" in complete("/model ") and complete("/model def") == ["/model default"]
    assert complete("/budget tok") == ["/budget tokens="]
    assert complete("/budget tokens=9,pro") == ["/budget tokens=9,programs="]
    assert complete("/budget tokens=9,tok") == []
    assert complete("/file shapes.py Circle.a") == ["/file shapes.py Circle.area"]
    assert complete("/file shapes.py ") == [
        f"/file shapes.py {n}" for n in ("Circle.__init__", "Circle.area", "largest")
    ]
    assert (
        complete("/file broken.py ") == complete("/file nowhere.py ") == complete("/drop ") == complete("/run ") == []
    )
    chat.carry_out("/add shapes.py")
    assert complete("/drop sh") == ["/drop shapes.py"]


def test_a_file_whose_name_holds_a_blank_is_opened_too(chat, tmp_path, capsys):
    (tmp_path / "my shapes.py").write_text(SHAPES)
    chat.carry_out("/file my shapes.py")
    assert chat.conversation.opened.function is None
    chat.carry_out("/file my shapes.py largest")
    assert chat.conversation.opened.function == "largest"


def test_tests_that_cannot_be_read_are_named_and_the_others_count(chat, shapes, tmp_path, capsys):
    chat.carry_out("/file shapes.py Circle.area")
    (tmp_path / "test_shapes.py").write_text(
        "from shapes import Circle\n\n\ndef test_area():\n    assert Circle(2).area() == 12\n\n\n"
        "def test_file(tmp_path):\n    assert Circle(tmp_path).area() == 1\n"
    )
    chat.carry_out("/tests test_shapes.py")
    text = said(capsys)
    assert "is not checked: test_shapes.py:8: test_file takes arguments" in text
    assert "✓ the program passes 1 test" in text
