"""The servers start only where a client can talk to them, and say what is missing."""

import json

import pytest
from typer.testing import CliRunner

from agent.cli.app import app


@pytest.mark.parametrize("name", ["acp", "mcp"])
def test_a_package_that_is_missing_is_named_with_what_installs_it(name, monkeypatch):
    monkeypatch.setattr("agent.cli.serving.find_spec", lambda package: None)
    ended = CliRunner().invoke(app, [name, "--model", "models/tiny"])
    assert ended.exit_code == 2 and ended.stdout == ""
    assert f"dubito {name} needs {name}; install what it needs with: pip install 'dubito[{name}]'" in ended.stderr


@pytest.mark.parametrize(("name", "who"), [("acp", "an editor"), ("mcp", "an assistant")])
def test_what_is_no_client_hears_who_starts_a_server(name, who):
    ended = CliRunner().invoke(app, [name, "--model", "models/tiny"])
    assert ended.exit_code == 2 and f"{who} starts `dubito {name}` and talks to it over stdin" in ended.stderr


@pytest.mark.parametrize("name", ["acp", "mcp"])
def test_a_wrong_option_is_the_answer_to_each_request(name):
    sent = ['{"id": 1, "method": "initialize"}', "nonsense", '{"method": "notified"}', '{"id": "b", "method": "x"}', ""]
    ended = CliRunner().invoke(app, [name, "--policy", "adadce"], input="\n".join(sent))
    first, second = ended.stdout.splitlines()
    assert ended.exit_code == 2 and '"id": 1' in first and '"id": "b"' in second
    assert all("unknown policy 'adadce'" in text for text in (first, second, ended.stderr))


def test_an_editor_hears_of_a_wrong_option_in_its_own_protocol():
    asked = '{"id": 1, "method": "initialize"}'
    sent = f"Content-Length: {len(asked)}\r\nContent-Type: x\r\n\r\n{asked}"
    ended = CliRunner().invoke(app, ["lsp", "--model", "/nope/x"], input=f"Content-Length: 1\r\n\r\n{{{sent}")
    head, _, answer = ended.stdout_bytes.decode().partition("\r\n\r\n")
    assert ended.exit_code == 2 and head == f"Content-Length: {len(answer)}"
    assert "no model at '/nope/x'" in json.loads(answer)["error"]["message"] and "/nope/x" in ended.stderr
