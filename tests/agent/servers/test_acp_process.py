"""`dubito acp` as a process: it is cancelled, loaded again, spoken nonsense to, left alone, and started wrong."""

import asyncio
import json
import subprocess

import pytest
from acp import text_block
from assistants import ENDLESS, Editor, command, environment, request, spawned

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]


def test_a_cancel_in_the_middle_of_decoding_keeps_what_there_is_and_another_process_goes_on(tmp_path):
    async def cancel_at_the_second_program():
        editor = Editor()
        async with spawned(editor, tmp_path, "--budget", "programs=100000,seconds=250") as (client, process):
            session = (await client.new_session(cwd=str(tmp_path))).session_id

            def watch(update):
                if update["sessionUpdate"] == "plan" and len(update["entries"]) == 2:
                    return client.cancel(session_id=session)
                return None

            editor.on_update = watch
            ended = await client.prompt(session_id=session, prompt=[text_block(ENDLESS)])
            assert ended.stop_reason == "cancelled"
            assert "Stopped; this is what there is." in editor.text() and "def largest" in editor.text()
        assert process.returncode == 0
        return session

    async def load(session):
        editor = Editor()
        async with spawned(editor, tmp_path) as (client, process):
            (listed,) = (await client.list_sessions()).sessions
            assert listed.session_id == session
            await client.load_session(cwd=str(tmp_path), session_id=session)
            shown = editor.text("user_message_chunk")
            editor.updates.clear()
            asked = ENDLESS.replace("    >>> largest([1, 2])\n    1\n", "    >>> largest([3])\n    3\n")
            ended = await client.prompt(session_id=session, prompt=[text_block(asked)])
        assert process.returncode == 0
        return shown, ended.stop_reason, editor.text()

    session = asyncio.run(cancel_at_the_second_program())
    shown, ended, message = asyncio.run(load(session))
    assert shown == ENDLESS.strip() and ended == "end_turn" and "verified" in message


def exchange(state, *options, sent):
    """Send bytes to `dubito acp` and close its stdin. Return its exit code, its messages and its stderr."""
    line = command("acp", *options)
    ended = subprocess.run(line, input=sent, capture_output=True, env=environment(state), cwd=state, check=False)
    return ended.returncode, [json.loads(each) for each in ended.stdout.splitlines()], ended.stderr.decode()


INITIALIZE = request(0, "initialize", protocolVersion=1)


def test_nonsense_is_answered_and_a_hundred_megabytes_are_not_kept_and_the_server_lives_on(tmp_path):
    line = command("acp")
    with subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        cwd=tmp_path,
    ) as process:

        def ask(data):
            process.stdin.write(data)
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        huge = request(5, "session/prompt", sessionId="x", prompt=[{"type": "text", "text": "y" * 100_000_000}])
        codes = [
            ask(INITIALIZE).get("error"),
            ask(b"nonsense\n")["error"]["code"],
            ask(b"[1, 2]\n")["error"]["code"],
            ask(request(1, "session/fly"))["error"]["code"],
            ask(request(2, "session/new", cwd=7, mcpServers="none"))["error"]["code"],
            ask(request(3, "session/prompt", sessionId="x", prompt=[]))["error"]["code"],
        ]
        assert codes == [None, -32700, -32600, -32601, -32602, -32602]
        refused = ask(huge)
        assert (refused["id"], refused["error"]["code"]) == (5, -32600) and "16 MiB" in refused["error"]["message"]
        assert "sessionId" in ask(request(6, "session/new", cwd="/", mcpServers=[]))["result"]
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 7, "meth')  # it dies in the middle of a word
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait() == 0 and all(json.loads(each)["error"] for each in rest.splitlines())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--model", "/nowhere/model"), "no model at '/nowhere/model'"),
        (("--policy", "adadce"), "unknown policy 'adadce'"),
        (("--strategy", "beam", "--policy", "uscd"), "beam needs the policy greedy"),
    ],
)
def test_a_client_hears_in_its_own_protocol_why_there_is_no_agent(tmp_path, options, sentence):
    code, messages, stderr = exchange(tmp_path, *options, sent=INITIALIZE + request(1, "session/new", cwd="/"))
    assert code == 2 and sentence in stderr and "Traceback" not in stderr
    assert [each["id"] for each in messages] == [0, 1]
    assert all(sentence in each["error"]["message"] for each in messages)
