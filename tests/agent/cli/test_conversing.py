"""Turns of a chat: what each changes, what is kept when one fails, and what its commands then act on."""

import pytest
from trie import PLAIN_CHAT, TrieLM

from agent.cli.agent_options import Agent, AgentOptions
from agent.cli.conversing import Chat
from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.program.failures import Failure, FailureKind
from agent.records import Answer, Attempt, Cost, RunOutcome
from agent.workflow.run import Result
from sandbox import open_sandbox

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3."
FIRST = "def total(xs):\n    return sum(xs)\n"
SECOND = "def total(xs):\n    return sum(x for x in xs if x)\n"
OPTIONS = {
    "model": "models/tiny", "policy": None, "threshold": None, "strategy": "adaptive", "programs": None, "ask": False,
    "budget": None, "order": None, "min_probability": 0.0, "max_tokens": 64, "sandbox": "process", "seed": 0,
    "device": None, "weights": "auto", "prompt_style": "auto",
}  # fmt: skip


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


@pytest.fixture
def chat(box, monkeypatch, tmp_path):
    """A chat whose turns end as they are told to: a program, or an exception."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    model = TrieLM({"It sums.": 1.0}).model(style=PLAIN_CHAT)
    agent = Agent(AgentOptions.take(OPTIONS).check(), model, POLICIES["greedy"], box)
    talk = Chat(agent)
    talk.asked, talk.told = [], []

    def solve(task, before):
        talk.asked.append((task, before))
        told = talk.told.pop(0)
        if isinstance(told, BaseException):
            raise told
        failed, failures = not told, (Failure(FailureKind.RETURNED, 0, "total([1, 2])", "1", "3"),)
        verdict, program = "failed" if failed else "passed", told or "def total(xs): ..."
        attempt = Attempt(0, (), (), (), "", program, program, (), verdict, 1, failures if failed else ())
        return Result(task, RunOutcome("abstained" if failed else "accepted"), [attempt], Cost(), Answer(0), "visible")

    monkeypatch.setattr(talk, "_solve", solve)
    return talk


def tell(chat: Chat, *turns: tuple[str, str | BaseException]) -> None:
    for line, told in turns:
        chat.told.append(told)
        chat.carry_out(line)


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
    monkeypatch.setattr("agent.cli.writing.find_confirm", lambda: lambda question: True)
    chat.carry_out("/write mod.py")
    assert (tmp_path / "mod.py").read_text() == filled + "\n\nprint(LIMIT)\n"


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


def test_a_program_is_written_and_the_last_write_is_taken_back(chat, tmp_path, capsys):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("/write mine.py")
    assert (tmp_path / "mine.py").read_text() == FIRST
    tell(chat, ("skip None", SECOND))
    with pytest.raises(InvalidRequestError, match="would be changed, and nobody can be asked here"):
        chat.carry_out("/write mine.py")
    assert (tmp_path / "mine.py").read_text() == FIRST
    chat.carry_out("/undo")
    assert not (tmp_path / "mine.py").exists() and "is gone again" in " ".join(capsys.readouterr().out.split())


def test_a_question_is_answered_in_words_and_changes_nothing(chat, capsys):
    tell(chat, (ASKED, FIRST))
    chat.carry_out("why sum?")
    assert "It sums." in capsys.readouterr().out and len(chat.asked) == 1
    tell(chat, ("Can you skip None?", SECOND))
    assert chat.conversation.program == SECOND


def test_an_option_is_changed_and_goes_back_to_its_default(chat, capsys):
    chat.carry_out("/budget programs=2")
    assert chat.agent.checked.options.budget == "programs=2"
    chat.carry_out("/budget default")
    chat.carry_out("/strategy once")
    assert (chat.agent.checked.options.budget, chat.agent.checked.options.strategy) == (None, "once")


def test_the_end_is_a_command(chat):
    with pytest.raises(EOFError):
        chat.carry_out("/quit")
