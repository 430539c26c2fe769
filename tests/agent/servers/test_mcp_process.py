"""`dubito mcp` as a process: its tools with the embedded model, a call that is cancelled, a client that dies."""

import asyncio
import json
import subprocess

import anyio
import jsonschema
import pytest
from assistants import ENDLESS, command, environment, request
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

from benchmarks import find_problem

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

RIGHT = "def largest(xs):\n    return max(xs)\n"
EXERCISE = find_problem("exercises/0")
BROKEN = f"{EXERCISE.prompt}{EXERCISE.canonical_solution}".replace("x != 4", "x != 3")  # another number than is asked
TOO_LONG = (
    ("doubts", {"code": "x = 1\n" * 70_000}, "the code has 420,000 characters, and a model reads at most 400,000"),
    ("solve", {"request": "word " * 2000}, "the prompt has 2002 tokens and this model reads at most 1024"),
)
ASKED = ENDLESS.replace("    >>> largest([1, 2])\n    1\n", "    >>> largest([3])\n    3\n")


def serving(state, *options, mode="auto", answer=None):
    """Return a client of `dubito mcp`. answer: gives the answer to a form."""

    async def elicit(context, form):
        return answer(form)

    program, *arguments = command("mcp", *options)
    process = StdioServerParameters(command=program, args=arguments, env=environment(state), cwd=state)
    return Client(process, mode=mode, elicitation_callback=elicit if answer else None)


def test_the_tools_work_and_a_call_that_is_cancelled_stops_decoding(tmp_path):
    forms = []

    def write(form):
        forms.append(form)
        return ElicitResult(action="accept", content={"text": "return sorted(xs)[-1]\n"})

    async def cancel_at_the_second_program(client):
        with anyio.CancelScope() as scope:

            async def leave(progress, total, message):
                if message.startswith("program 2 "):
                    scope.cancel()

            await client.call_tool("solve", {"request": ENDLESS}, progress_callback=leave)
            pytest.fail("an endless search ended")
        assert scope.cancelled_caught

    async def converse():
        options = ("--budget", "programs=100000,seconds=250", "--threshold", "0.01")
        async with serving(tmp_path, *options, answer=write) as client:
            schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            doubts = await client.call_tool("doubts", {"code": BROKEN, "most": 3})
            for name, arguments, sentence in TOO_LONG:
                refused = await client.call_tool(name, arguments)
                assert refused.is_error and refused.content[0].text.startswith(sentence)
            solved = await client.call_tool("solve", {"request": ASKED, "ask": True})
            await cancel_at_the_second_program(client)
            with anyio.fail_after(100):
                checked = await client.call_tool("check", {"code": RIGHT, "examples": "assert largest([1, 2]) == 2"})
            for name, result in (("doubts", doubts), ("solve", solved), ("check", checked)):
                jsonschema.validate(result.structured_content, schemas[name])
            return doubts.structured_content, solved.structured_content, checked.structured_content

    doubts, solved, checked = asyncio.run(converse())
    first, line = doubts["doubts"][0], 1 + BROKEN.count("\n", 0, BROKEN.index("x != 3"))
    assert (first["line"], first["code"], first["alternatives"][0]["code"]) == (line, "3", "4")
    assert forms and solved["claim"] == "verified" and "return sorted(xs)[-1]" in solved["program"]
    assert checked["passed"]


def test_a_client_that_dies_while_it_waits_takes_the_server_with_it(tmp_path):
    line = command("mcp", "--budget", "programs=100000,seconds=250")
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(tmp_path),
        cwd=tmp_path,
    ) as process:  # fmt: skip
        info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        process.stdin.write(
            request(1, "initialize", **info)
            + b'nonsense\n{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'
            + request(2, "tools/call", name="solve", arguments={"request": ENDLESS}, _meta={"progressToken": 1})
        )
        process.stdin.flush()
        messages = []
        while not any("program 2 " in each.get("params", {}).get("message", "") for each in messages):
            messages.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(60) == 0
        assert [each["error"]["code"] for each in messages if "error" in each] == [-32700]


def test_a_client_hears_in_its_own_protocol_why_there_are_no_tools(tmp_path):
    async def connect():
        async with serving(tmp_path, "--policy", "adadce", mode="legacy"):
            pytest.fail("it was started wrong")

    with pytest.raises((MCPError, ExceptionGroup)) as failed:
        asyncio.run(connect())
    error = failed.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert "unknown policy 'adadce'" in str(error)
