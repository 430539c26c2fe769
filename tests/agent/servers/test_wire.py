"""A wire reads one message a line, answers what is none, and lets nothing else onto stdout."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from agent.servers import wire
from agent.servers.wire import Wire


def converse(sent: bytes, *, most=None, monkeypatch=None) -> tuple[list, list]:
    """Return the messages that a wire reads from a text, and what it answers by itself."""
    if most is not None:
        monkeypatch.setattr(wire, "MOST_BYTES", most)

    async def run():
        (source, to_wire), (from_wire, sink) = os.pipe(), os.pipe()
        feeding = asyncio.to_thread(lambda: (os.write(to_wire, sent), os.close(to_wire)))
        fed, end = asyncio.ensure_future(feeding), Wire(source, sink)
        received = []
        while (message := await end.receive()) is not None:
            received.append(message)
        await fed
        await end.close()
        os.close(sink)
        with os.fdopen(from_wire) as answers:
            told = [json.loads(line) for line in answers]
        os.close(source)
        return received, told

    return asyncio.run(run())


def test_a_message_is_a_line_and_blank_lines_are_none():
    first, second = {"jsonrpc": "2.0", "method": "a"}, {"jsonrpc": "2.0", "id": 1, "result": None}
    sent = f"\n{json.dumps(first)}\n\n{json.dumps(second)}"
    assert converse(sent.encode()) == ([first, second], [])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("hello", -32700),
        ('{"method": "a", "id": 1', -32700),
        ("[" * 100_000, -32700),
        ("\xff\xfe", -32700),
        ("[]", -32600),
        ("7", -32600),
        ("null", -32600),
        ("{}", -32600),
        ('{"id": [1], "method": "a"}', -32600),
        ('{"id": {}, "result": 1}', -32600),
        ('{"id": true, "method": "a"}', -32600),
        ('{"id": 1, "method": 2}', -32600),
    ],
)
def test_nonsense_is_answered_with_an_error_and_the_next_message_is_read(line, code):
    received, told = converse(line.encode("latin-1") + b'\n{"jsonrpc": "2.0", "method": "next"}\n')
    assert [each["method"] for each in received] == ["next"]
    assert [each["error"]["code"] for each in told] == [code]


def test_an_id_that_is_none_is_not_taken_for_the_beginning_of_another():
    _, told = converse(b'{"id": 1.5, "method": "a"}\n{"id": 12, "method": 2}\n')
    assert [each["id"] for each in told] == [None, 12]


def test_a_message_that_is_too_long_is_refused_by_its_id_and_not_kept(monkeypatch):
    long = b'{"jsonrpc":"2.0","id":7,"method":"a","params":{"id":9,"text":"%s"}}\n' % (b"x" * 300_000)
    unnamed = b'{"params":{"id":9},"text":"%s","id":7}\n' % (b"x" * 300_000)
    sent = long + unnamed + b'{"jsonrpc":"2.0","method":"next"}\n'
    received, told = converse(sent, most=100_000, monkeypatch=monkeypatch)
    assert [each["method"] for each in received] == ["next"]
    assert [(each["id"], each["error"]["code"]) for each in told] == [(7, -32600), (None, -32600)]


def test_a_peer_that_reads_nothing_any_more_ends_the_messages_too():
    async def run():
        (source, to_wire), (from_wire, sink) = os.pipe(), os.pipe()
        end = Wire(source, sink)
        os.close(from_wire)
        with pytest.raises(ConnectionError):
            await end.send({"jsonrpc": "2.0", "method": "a"})
        assert await end.receive() is None
        await end.close()
        with pytest.raises(ConnectionError):
            await end.send({"jsonrpc": "2.0", "method": "a"})
        for number in (source, to_wire, sink):
            os.close(number)

    asyncio.run(run())


def test_what_anything_prints_goes_to_stderr_once_the_streams_are_claimed():
    program = (
        "import os, subprocess, sys\n"
        "from agent.servers.wire import claim_streams\n"
        "source, sink = claim_streams()\n"
        "print('printed', flush=True)\n"
        "os.write(1, b'written\\n')\n"
        "subprocess.run([sys.executable, '-c', 'print(input())'], check=False, stderr=subprocess.DEVNULL)\n"
        "os.write(sink, os.read(source, 100))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], input=b"a message\n", capture_output=True, check=True)
    assert ended.stdout == b"a message\n"
    assert ended.stderr == b"printed\nwritten\n"
