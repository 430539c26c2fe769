"""A chat in a folder of its own."""

import pytest
from chat_turns import open_chat

from sandbox import open_sandbox


@pytest.fixture(scope="session")
def process_sandbox():
    """A sandbox of processes."""
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


@pytest.fixture
def chat(process_sandbox, monkeypatch, tmp_path):
    """A chat whose turns end as they are told to, in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return open_chat(process_sandbox)
