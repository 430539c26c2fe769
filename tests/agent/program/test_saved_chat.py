"""A conversation is the same after it was saved and loaded, and another file is none."""

import pytest

from agent.errors import InvalidRequestError
from agent.program.conversation import Conversation
from agent.program.prompts import CodeBeside
from agent.program.saved_chat import SavedChat, is_chat, read_chat, write_chat

TALK = Conversation(("a", "b"), "x = 1\n", "f", ("said",), ("assert f(1) == 1",), (CodeBeside("a.py", "y = 2"),))


@pytest.mark.parametrize("session", [{}, {"cwd": "/", "messages": [{"role": "user", "text": "a"}]}])
def test_a_conversation_comes_back_as_it_was(session):
    saved = SavedChat(TALK, {"model": "models/tiny", "budget": None}, session)
    data = write_chat(saved)
    assert is_chat(data) and read_chat(data.decode(), "file") == saved


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", "{}", '{"dubito_chat": 1, "options": {}}', '{"conversation": {"files": 3}, "options": {}}',
     '{"conversation": {"files": [], "requests": [], "said": [], "tests": [], "other": 1}, "options": {}}'],
)  # fmt: skip
def test_another_file_is_no_conversation(text):
    assert not is_chat(text.encode()) or "options" in text
    with pytest.raises(InvalidRequestError, match="'file' is no session of a chat; wanted what /save wrote"):
        read_chat(text, "file")
