"""Turns of a chat: what each changes, what is kept when one fails, and what its commands then act on."""

import pytest
import typer
from chat_turns import answer, said, tell

from agent.errors import InvalidRequestError
from agent.files.edits import Edit, apply_edit

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3."
FIRST = "def total(xs):\n    return sum(xs)\n"
SECOND = "def total(xs):\n    return sum(x for x in xs if x)\n"


def test_a_follow_up_changes_the_program_and_shows_the_change(chat):
    tell(chat, (ASKED, FIRST), ("skip None", SECOND))
    (_, before_first), (task, before) = chat.asked
    assert (before_first, before) == ("", FIRST) and task.changes == FIRST
    assert chat.conversation.program == SECOND and chat.conversation.requests == (ASKED, "skip None")


@pytest.mark.parametrize("told", ["", KeyboardInterrupt()])
def test_a_turn_or_a_retry_that_fails_loses_nothing(chat, told):
    tell(chat, (ASKED, FIRST))
    for line in ("skip None", "/retry"):
        try:
            tell(chat, (line, told))
        except KeyboardInterrupt:
            assert told
        assert chat.conversation.program == FIRST
        assert "skip None" in chat.asked[-1][0].request, "the request that failed is the one to try again"


def test_a_retry_begins_where_the_request_began_and_minds_the_tests_that_came_since(chat):
    tell(chat, (ASKED, FIRST), ("skip None", SECOND))
    chat.carry_out("/tests assert total([]) == 0")
    tell(chat, ("/retry", SECOND))
    task, before = chat.asked[-1]
    assert before == FIRST and len(task.examples) == 2
    assert chat.conversation.requests == (ASKED, "skip None")


def test_a_stub_of_a_module_is_filled_tried_again_and_put_in_its_place(chat, tmp_path, monkeypatch):
    (tmp_path / "mod.py").write_text('LIMIT = 3\n\n\ndef total(xs):\n    """Sum up."""\n    ...\n\n\nprint(LIMIT)\n')
    filled = 'LIMIT = 3\n\n\ndef total(xs):\n    """Sum up."""\n    return sum(xs)\n'
    tell(chat, ("/file mod.py", ""), ("/retry", filled))
    assert [task.module.function for task, _ in chat.asked] == ["total", "total"]
    questions = answer(monkeypatch, "y", "y")
    chat.carry_out("/write")
    assert (tmp_path / "mod.py").read_text() == filled + "\n\nprint(LIMIT)\n"
    (tmp_path / "mod.py").write_text('LIMIT = 4\n\n\ndef total(xs):\n    """Sum up."""\n    ...\n')
    chat.carry_out("/write mod.py")
    assert (tmp_path / "mod.py").read_text() == filled.replace("3", "4"), "the file as it is now has the function"
    assert len(questions) == 2
    (tmp_path / "mod.py").write_text("def total(xs, start):\n    ...\n")
    with pytest.raises(
        InvalidRequestError, match=r"'mod\.py' was changed meanwhile, and the head of total .* read the file again"
    ):
        chat.carry_out("/write")


def test_commands_act_on_the_program_that_there_is(chat, capsys):
    tell(chat, (ASKED, FIRST), ("skip None", ""))
    for command in ("/holes", "/heat", "/fill", "/alternatives"):
        with pytest.raises(InvalidRequestError, match="did not give the program that you have"):
            chat.carry_out(command)
    tell(chat, ("/retry", SECOND))
    chat.carry_out("/holes")
    chat.carry_out("/run total([4, None])")
    assert "uncalibrated" in capsys.readouterr().out


def test_the_program_runs_and_is_tested(chat, capsys):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("/run total([4, 5])")
    chat.carry_out("/tests\nassert total([]) == 0\nassert total([1]) == 2")
    said = capsys.readouterr().out
    assert "9\n" in said and "✗ total([1]) returned 1, wanted 2" in said and "say how to change it" in said


def test_a_file_that_holds_something_is_not_changed_where_nobody_can_be_asked(chat, tmp_path):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("/write mine.py")
    assert (tmp_path / "mine.py").read_text() == FIRST
    tell(chat, ("skip None", SECOND))
    with pytest.raises(InvalidRequestError, match="would be changed, and nobody can be asked here"):
        chat.carry_out("/write mine.py")
    with pytest.raises(InvalidRequestError, match="would be deleted, and nobody can be asked here"):
        chat.carry_out("/undo")
    assert (tmp_path / "mine.py").read_text() == FIRST


def test_undo_takes_back_what_this_chat_wrote_change_by_change_and_asks(chat, tmp_path, monkeypatch, capsys):
    (tmp_path / "other.py").write_text("x = 1\n")
    apply_edit(Edit(tmp_path / "other.py", b"x = 1\n", b"x = 2\n"))  # another process may have done it
    tell(chat, (ASKED, FIRST))
    questions = answer(monkeypatch, "y", "n", "y", "y", "y")
    chat.carry_out("/write mine.py")
    tell(chat, ("skip None", SECOND))
    chat.carry_out("/write mine.py")
    capsys.readouterr()
    chat.carry_out("/undo")
    assert (tmp_path / "mine.py").read_text() == SECOND and "nothing was written" in (text := said(capsys))
    assert "- return sum(x for x in xs if x) + return sum(xs)" in text, "the difference is shown"
    chat.carry_out("/undo")
    assert (tmp_path / "mine.py").read_text() == FIRST and "as it was before this chat wrote it" in said(capsys)
    chat.carry_out("/undo")
    assert not (tmp_path / "mine.py").exists() and "would be deleted" in questions[-1]
    with pytest.raises(InvalidRequestError, match="no change left that this chat made"):
        chat.carry_out("/undo")
    assert (tmp_path / "other.py").read_text() == "x = 2\n"
    with pytest.raises(InvalidRequestError, match=r"'mine\.py' came after /undo"):
        chat.carry_out("/undo mine.py")


def test_undo_skips_a_file_that_was_changed_since(chat, tmp_path, monkeypatch, capsys):
    answer(monkeypatch, "y", "y", "y")
    tell(chat, (ASKED, FIRST))
    for name in ("a.py", "b.py"):
        chat.carry_out(f"/write {name}")
    (tmp_path / "b.py").write_text("mine\n")
    chat.carry_out("/undo")
    assert not (tmp_path / "a.py").exists() and (tmp_path / "b.py").read_text() == "mine\n"
    assert "'b.py' was changed since this chat wrote it, so it stays as it is" in said(capsys)


@pytest.mark.parametrize("reply", ["/show", "sure", "", typer.Abort()])
def test_what_is_no_yes_writes_nothing_and_says_so(chat, tmp_path, monkeypatch, capsys, reply):
    (tmp_path / "a.py").write_text("x = 1\n")
    tell(chat, (ASKED, FIRST))
    answer(monkeypatch, "")

    def prompt(question, **options):
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr("typer.prompt", prompt)
    chat.carry_out("/write a.py")
    assert (tmp_path / "a.py").read_text() == "x = 1\n" and "nothing was written" in said(capsys)


def test_an_older_program_is_written_only_by_name(chat, tmp_path, monkeypatch):
    tell(chat, (ASKED, FIRST), ("skip None", ""))
    questions = answer(monkeypatch, "n")
    chat.carry_out("/write a.py")
    assert "the last request gave no program: this is total as it was before. Write it?" in questions[0]
    assert not (tmp_path / "a.py").exists()


def test_a_program_that_no_example_checked_is_named_so_before_it_is_written(chat, tmp_path, monkeypatch, capsys):
    chat.unchecked = True
    tell(chat, ("Write total(xs).", FIRST))
    chat.carry_out("/write piped.py")
    assert "unverified: " in said(capsys) and (tmp_path / "piped.py").exists()
    questions = answer(monkeypatch, "y")
    chat.carry_out("/write a.py")
    assert questions[0].startswith("unverified: ") and (tmp_path / "a.py").read_text() == FIRST


def test_a_saved_conversation_of_another_chat_is_replaced_only_after_a_yes(chat, tmp_path, monkeypatch):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("/save own.json")
    tell(chat, ("skip None", SECOND))
    chat.carry_out("/save own.json")
    (tmp_path / "theirs.json").write_bytes((tmp_path / "own.json").read_bytes())
    before = (tmp_path / "theirs.json").read_bytes()
    tell(chat, ("be quick", FIRST))
    with pytest.raises(InvalidRequestError, match="exists and would be changed, and nobody can be asked here"):
        chat.carry_out("/save theirs.json")
    questions = answer(monkeypatch, "n", "y")
    chat.carry_out("/save theirs.json")
    assert (tmp_path / "theirs.json").read_bytes() == before
    chat.carry_out("/save theirs.json")
    assert b"be quick" in (tmp_path / "theirs.json").read_bytes() and len(questions) == 2
    assert before in [path.read_bytes() for path in (tmp_path / "state").rglob("*.orig")]
    with pytest.raises(InvalidRequestError, match=r"as in /save notes\.json"):
        chat.carry_out("/save")


def test_a_trace_outside_of_the_folder_is_asked_for(chat, tmp_path, monkeypatch):
    answer(monkeypatch, "n", "y")
    chat.carry_out("/trace ../steps.jsonl")
    assert chat.trace is None
    chat.carry_out("/trace ../steps.jsonl")
    assert chat.trace is not None


def test_a_loaded_conversation_leaves_the_options_of_the_command_line(chat, capsys):
    chat.carry_out("/budget programs=2")
    chat.carry_out("/policy uscd")
    chat.carry_out("/save own.json")
    chat.start["budget"] = "programs=9"  # as the command line gave it
    chat.carry_out("/budget default")
    chat.carry_out("/policy default")
    chat.carry_out("/load own.json")
    assert "the budget stays programs=9; it was saved with programs=2" in said(capsys)
    assert (chat.agent.checked.options.budget, chat.agent.checked.options.policy) == ("programs=9", "uscd")


def test_after_a_request_that_gave_nothing_it_is_said_what_there_is(chat, capsys):
    tell(chat, (ASKED, FIRST), ("skip None", ""))
    assert "the program is still total, and a follow-up changes it" in said(capsys)


@pytest.mark.parametrize("told", ["", KeyboardInterrupt()])
def test_a_follow_up_changes_a_first_request_that_gave_nothing(chat, told, capsys):
    try:
        tell(chat, (ASKED, told))
    except KeyboardInterrupt:
        assert told
    else:
        assert "what you say next changes this request" in said(capsys)
    tell(chat, ("now with floats", SECOND))
    task, before = chat.asked[-1]
    assert task.request == f"{ASKED}\nnow with floats" and task.entry_point == "total" and before == ""
    assert len(task.examples) == 1 and chat.conversation.requests == (ASKED, "now with floats")
    tell(chat, ("Write mean(xs), the mean of xs.", ""), ("Write mean(xs) for floats.", FIRST))
    assert "total" not in chat.asked[-1][0].request


def test_another_function_after_a_first_request_that_gave_nothing_begins_anew(chat):
    tell(chat, (ASKED, ""), ("Write mean(xs), the mean of xs.", FIRST))
    task, _ = chat.asked[-1]
    assert task.request == "Write mean(xs), the mean of xs." and not task.examples


def test_back_returns_to_the_program_before_the_last_change_and_show_prints_it(chat, capsys):
    with pytest.raises(InvalidRequestError, match="no earlier program"):
        chat.carry_out("/back")
    tell(chat, (ASKED, FIRST), ("rename it to add_up", SECOND.replace("total", "add_up")))
    chat.carry_out("/tests assert add_up([]) == 0")
    chat.carry_out("/back")
    assert chat.conversation.program == FIRST and chat.conversation.requests == (ASKED,)
    assert chat.conversation.tests == ("assert total([]) == 0",), "tests that came since count under its name"
    capsys.readouterr()
    chat.carry_out("/show")
    assert capsys.readouterr().out == FIRST
    chat.carry_out("/new")
    assert not chat.conversation.program and "the tests are dropped" in said(capsys)


@pytest.mark.parametrize(
    ("word", "answered"),
    [("quit", "/quit"), ("Exit", "/quit"), ("clear", "/new"), ("help", "/help"), ("y", "no question")],
)
def test_a_word_that_is_meant_for_the_chat_begins_no_search(chat, capsys, word, answered):
    chat.carry_out(word)
    assert answered in said(capsys) and not chat.asked


def test_an_added_file_has_one_name_and_is_read_anew(chat, tmp_path, capsys):
    (tmp_path / "x.py").write_text("a = 1\n")
    chat.carry_out("/add x.py")
    chat.carry_out(f"/add {tmp_path}/./x.py")
    assert [each.title for each in chat.conversation.files] == ["x.py"]
    (tmp_path / "x.py").write_text("a = 2\n")
    tell(chat, (ASKED, FIRST))
    assert [each.code for each in chat.asked[-1][0].beside] == ["a = 2\n"]
    (tmp_path / "x.py").unlink()
    tell(chat, ("skip None", SECOND))
    assert not chat.conversation.files and "x.py is not shown any more" in said(capsys)
    (tmp_path / "x.py").write_text("a = 3\n")
    chat.carry_out("/add x.py")
    chat.carry_out("/drop ./x.py")
    assert not chat.conversation.files


def test_the_help_fits_a_small_terminal(chat, capsys):
    chat.console.width = 80
    chat.carry_out("/help")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 24 and max(map(len, lines)) <= 80, lines
    chat.console.width = 40
    chat.carry_out("/help")
    assert max(map(len, capsys.readouterr().out.splitlines()[3:])) <= 40


def test_a_question_is_answered_in_words_and_changes_nothing(chat, capsys):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("why sum?")
    assert "It sums." in capsys.readouterr().out and len(chat.asked) == 1
    tell(chat, ("Can you skip None?", SECOND))
    assert chat.conversation.program == SECOND


def test_an_option_is_changed_and_goes_back_to_its_default(chat, capsys):
    chat.carry_out("/budget programs=2")
    assert chat.agent.checked.options.budget == "programs=2" and "budget: programs=2" in said(capsys)
    chat.carry_out("/policy greedy")
    assert "policy: greedy" in said(capsys)
    chat.carry_out("/budget default")
    chat.carry_out("/strategy once")
    assert (chat.agent.checked.options.budget, chat.agent.checked.options.strategy) == (None, "once")


def test_the_end_is_a_command(chat):
    with pytest.raises(EOFError):
        chat.carry_out("/quit")
